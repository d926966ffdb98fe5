//! A cacher of one's own: a model is kept as two files, what is known about it as JSON and its
//! weights as plain little-endian `f32`s, so that other programs can read both.
//!
//! ```text
//! cargo run --release --bin custom_cacher    # twice: the second time the model is read
//! cargo test -p memo-examples custom_cacher  # the cacher against its contract
//! ```

use std::fs;

use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};

/// A polynomial, and how it came about.
#[derive(Debug, Clone, PartialEq)]
struct Model {
    about: About,
    weights: Vec<f32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct About {
    trained_on: String,
    steps: u32,
}

/// Keeps a [`Model`] as `….json` and `weights.bin`.
struct ModelFiles;

impl Cacheable<Model> for ModelFiles {
    /// Enters the key: whoever changes what the bytes mean counts the version up.
    fn format(&self) -> Format {
        Format::new("example model", 1).extension("json")
    }

    fn save(&self, model: &Model, artifact: &Artifact) -> Result<()> {
        // The main file goes through a writer: a small one lies inside the entry's manifest.
        serde_json::to_writer_pretty(artifact.writer()?, &model.about)?;
        let bytes: Vec<u8> = model.weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
        fs::write(artifact.file("weights.bin")?, bytes)?;
        Ok(())
    }

    fn load(&self, artifact: &Artifact) -> Result<Model> {
        let about = serde_json::from_reader(artifact.reader()?)?;
        let bytes = fs::read(artifact.file("weights.bin")?)?;
        // Whatever bytes are found: an error or a model, never a panic.
        let (weights, []) = bytes.as_chunks() else {
            return Err("weights.bin ends in the middle of a number".into());
        };
        Ok(Model { about, weights: weights.iter().copied().map(f32::from_le_bytes).collect() })
    }
}

/// Fits a polynomial to the sine between -1 and 1, by gradient descent.
#[stage(outputs = [model], cachers = [ModelFiles])]
fn fit(steps: u32) -> Model {
    println!("fitting");
    let about = About { trained_on: "sin(x)".to_owned(), steps };
    let mut model = Model { about, weights: vec![0.0; 6] };
    for _ in 0..steps {
        for x in (-20_i8..=20).map(|i| f32::from(i) / 20.0) {
            let error = model.at(x) - x.sin();
            for (weight, power) in model.weights.iter_mut().zip(powers(x)) {
                *weight -= 0.1 * error * power;
            }
        }
    }
    model
}

impl Model {
    fn at(&self, x: f32) -> f32 {
        self.weights.iter().zip(powers(x)).map(|(weight, power)| weight * power).sum()
    }
}

/// 1, x, x², …
fn powers(x: f32) -> impl Iterator<Item = f32> {
    std::iter::successors(Some(1.0), move |power| Some(power * x))
}

fn main() -> Result<()> {
    let mut record = Record::new(&Store::open(".memo")?, "sine", ());
    let model = fit(&mut record, 5_000)?;
    println!("sin(0.5) is about {:.4}, in truth {:.4}", model.load()?.at(0.5), 0.5_f32.sin());
    println!("the model is kept at {}", model.path()?.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_cacher_keeps_its_contract() {
        let about = About { trained_on: "\"nothing\"\n".to_owned(), steps: 0 };
        let untrained = Model { about, weights: Vec::new() };
        memo_runtime::testing::conforms(ModelFiles, [untrained, fit::body(3)]);
    }
}
