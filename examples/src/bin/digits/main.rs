//! The main job: reads 1,797 hand-written digits, trains a small neural network in eight variants
//! and ranks them.
//!
//! ```text
//! cargo run --release --bin digits                          # 19 stages run
//! cargo run --release --bin digits                          # the same again: nothing runs
//! cargo run --release --bin digits -- --set rate=0.02       # train, evaluate and compare run
//! cargo run --release --bin digits -- --no-cache normalise  # normalise and all that follows run
//! cargo run --release --bin digits -- --force train         # only train: its results are the same
//! cargo run --release --bin digits -- --plan --set seed=7   # what would run, and why
//! ```
//!
//! The eight records differ in `hidden` and `decay`, which only `train` reads: they share one `load`
//! and one `normalise`. A setting of the trainer such as `rate` enters the key of `train` alone, so
//! what comes before it is found.

mod network;
mod random;

use std::path::Path;
use std::process::ExitCode;

use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use network::{Network, Training};

#[derive(Clone, Serialize, Deserialize)]
struct Params {
    /// The images. The key holds the file's name and content, not the folder it lies in.
    data: InputFile,
    /// One image in so many is kept from training, to be judged by.
    held_out: usize,
    hidden: usize,
    rate: f64,
    decay: f64,
    epochs: usize,
    seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/optdigits.csv");
        Self {
            data: InputFile::named(data, "optdigits.csv"),
            held_out: 5,
            hidden: 32,
            rate: 0.05,
            decay: 0.0,
            epochs: 50,
            seed: 1,
        }
    }
}

/// An image of 8×8 grey values, and the digit it shows.
#[derive(Clone, Serialize, Deserialize)]
struct Digit {
    pixels: Vec<f64>,
    label: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Score {
    accuracy: f64,
    mistakes: usize,
}

/// A line of the leaderboard. Every figure is a column of the CSV file.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    record: String,
    hidden: usize,
    decay: f64,
    accuracy: f64,
    mistakes: usize,
}

/// Reads the images: 64 grey values and the digit in each row.
#[stage(outputs = [digits], cachers = [Bincode])]
fn load(params: &Params) -> Result<Vec<Digit>> {
    let mut digits = Vec::new();
    for row in csv::Reader::from_path(&params.data)?.into_deserialize::<Vec<u8>>() {
        let row = row?;
        let (label, pixels) = row.split_last().ok_or("an empty row")?;
        let pixels = pixels.iter().copied().map(f64::from).collect();
        digits.push(Digit { pixels, label: usize::from(*label) });
    }
    Ok(digits)
}

/// Stretches every image to full contrast, whatever the pen, and holds some of them out.
#[stage(inputs = [digits], outputs = [train, test], cachers = [Bincode])]
fn normalise(params: &Params, digits: Vec<Digit>) -> (Vec<Digit>, Vec<Digit>) {
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (row, mut digit) in digits.into_iter().enumerate() {
        let brightest = digit.pixels.iter().copied().fold(1.0, f64::max);
        for pixel in &mut digit.pixels {
            *pixel /= brightest;
        }
        if row % params.held_out == 0 { test.push(digit) } else { train.push(digit) }
    }
    (train, test)
}

/// The expensive part.
#[stage(inputs = [train], outputs = [network], cachers = [Bincode])]
fn train(params: &Params, train: &[Digit]) -> Network {
    let examples: Vec<_> = train.iter().map(|digit| (&digit.pixels[..], digit.label)).collect();
    let how = Training {
        hidden: params.hidden,
        rate: params.rate,
        decay: params.decay,
        epochs: params.epochs,
        seed: params.seed,
    };
    Network::train(&examples, 10, how)
}

/// Counts what the network gets wrong among images that it has never seen.
#[stage(inputs = [network, test], outputs = [score], cachers = [Json])]
fn evaluate(network: &Network, test: &[Digit]) -> Score {
    let right = |digit: &&Digit| network.classify(&digit.pixels) == digit.label;
    let right = test.iter().filter(right).count();
    #[expect(clippy::cast_precision_loss, reason = "a few hundred images")]
    let accuracy = right as f64 / test.len() as f64;
    Score { accuracy, mistakes: test.len() - right }
}

/// Ranks the records, the best first.
#[aggregate(inputs = [score], outputs = [leaderboard], cachers = [Csv])]
fn compare(score: Across<Score, Params>) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for item in &score {
        let (params, score) = (item.params(), item.load()?);
        lines.push(Line {
            record: item.record().to_owned(),
            hidden: params.hidden,
            decay: params.decay,
            accuracy: (score.accuracy * 1000.0).round() / 1000.0,
            mistakes: score.mistakes,
        });
    }
    lines.sort_by_key(|line| line.mistakes);
    Ok(lines)
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    load(record)?;
    normalise(record)?;
    train(record)?;
    evaluate(record)?;
    Ok(())
}

fn main() -> ExitCode {
    let variants =
        grid(Params::default()).over("hidden", [16, 32, 64, 128]).over("decay", [0.0, 0.003]);
    Experiment::new("digits", pipeline).records(variants).aggregate(compare).main()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The functions as written, without a store: how a stage is tested on its own.
    #[test]
    fn nineteen_of_twenty_unseen_digits_are_read() {
        let params = Params { epochs: 10, ..Params::default() };
        let (seen, unseen) = normalise::body(&params, load::body(&params).unwrap());
        assert_eq!((seen.len(), unseen.len()), (1437, 360));

        let network = train::body(&params, &seen);
        let score = evaluate::body(&network, &unseen);
        assert!(score.accuracy > 0.95, "{score:?}");
        assert_eq!(network, train::body(&params, &seen), "the same seed, another network");
    }
}
