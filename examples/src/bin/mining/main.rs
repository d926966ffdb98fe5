//! Arrays of shards: finds the pairs of images that are most alike among two halves of 1,797 digits, as
//! one mines two languages for sentences that mean the same.
//!
//! ```text
//! cargo run --release --bin mining                       # every shard of both halves runs
//! cargo run --release --bin mining                       # the same again: nothing runs
//! cargo run --release --bin mining -- --set scale=200    # more work: kill it half-way, and start it again
//! cargo run --release --bin mining -- --set cells=24     # the vectors are found, the index is made anew
//! cargo run --release --bin mining -- --store broken --set broken=42 # one shard fails, the others are kept
//! ```
//!
//! ```text
//! cut ─▶ shard 0 ─▶ encode ─┬─▶ populate_index ─┐
//!        shard 1 ─▶ encode ─┼─▶ populate_index ─┼─▶ merge_index ─▶ mine
//!           ..              └─▶ train_index ─▶┘ │   (each half)    (both)
//! ```
//!
//! `each = [shard in shards]` makes `encode` an array stage: its body runs once for each shard, and each
//! shard is found, run and kept by itself. `populate_index` takes the shards that `encode` gives, one by
//! one; `train_index` takes all of them together.

mod index;
#[path = "../digits/random.rs"]
#[expect(dead_code, reason = "it draws more than is needed here")]
mod random;
mod vectors;

use std::path::Path;
use std::process::ExitCode;

use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use index::{Index, Item};
use random::Random;
use vectors::Vector;

#[derive(Clone, Serialize, Deserialize)]
struct Params {
    /// The images. The key holds the file's name and content, not the folder it lies in.
    data: InputFile,
    /// Which images: the even rows, or the odd ones.
    half: usize,
    /// Into how many shards they are cut.
    shards: usize,
    /// How many of each there are: all but the first with noise.
    scale: usize,
    seed: u64,
    /// How many cells an index has.
    cells: usize,
    /// The number of an image that cannot be read, to see a shard fail.
    broken: Option<usize>,
}

impl Default for Params {
    fn default() -> Self {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/optdigits.csv");
        Self {
            data: InputFile::named(data, "optdigits.csv"),
            half: 0,
            shards: 55,
            scale: 1,
            seed: 1,
            cells: 16,
            broken: None,
        }
    }
}

/// An image of 8×8 grey values, and the digit it shows.
#[derive(Clone, Serialize, Deserialize)]
struct Digit {
    number: usize,
    pixels: Vec<u8>,
    label: u8,
}

/// What was mined for a digit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Mined {
    digit: u8,
    /// How many images of one half show it.
    images: usize,
    /// How many of these find an image in the other half that shows it as well.
    right: usize,
    /// How many find one for which they are the nearest in turn.
    pairs: usize,
}

/// Reads one half of the images and cuts it into shards.
#[stage(outputs = [shards], cachers = [Bincode])]
fn cut(params: &Params) -> Result<Vec<Vec<Digit>>> {
    let rows = csv::Reader::from_path(&params.data)?.into_deserialize::<Vec<u8>>();
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let mut random = Random::new(params.seed);
    let mut digits = Vec::new();
    for copy in 0..params.scale {
        for (row, values) in rows.iter().enumerate().skip(params.half).step_by(2) {
            let (label, pixels) = values.split_last().ok_or("an empty row")?;
            let pixels = match copy {
                0 => pixels.to_vec(),
                _ => vectors::with_noise(pixels, &mut random),
            };
            digits.push(Digit { number: copy * rows.len() + row, pixels, label: *label });
        }
    }
    let end = |shard: usize| shard * digits.len() / params.shards;
    Ok((0..params.shards).map(|shard| digits[end(shard)..end(shard + 1)].to_vec()).collect())
}

/// Turns the images of a shard into vectors. What is broken is no part of the key, so that the shards that
/// went well are found when it is mended.
#[stage(
    each = [shard in shards], outputs = [vectors], cachers = [Bincode],
    skip = [params.broken], validate = are_of_length_one
)]
fn encode(params: &Params, shard: &[Digit]) -> Result<Vec<Item>> {
    let encoded = |digit: &Digit| match params.broken {
        Some(number) if number == digit.number => {
            Err(format!("image {number} cannot be read").into())
        }
        _ => Ok(Item {
            number: digit.number,
            label: digit.label,
            vector: vectors::of_image(&digit.pixels),
        }),
    };
    shard.iter().map(encoded).collect()
}

#[expect(clippy::ptr_arg, reason = "a validator takes what the stage gives")]
fn are_of_length_one(items: &Vec<Item>) -> bool {
    items.iter().all(|item| (vectors::dot(&item.vector, &item.vector) - 1.0).abs() < 1e-3)
}

/// Finds where vectors lie close together: the centres of the cells. It takes all shards.
#[stage(inputs = [vectors], outputs = [centres], cachers = [Bincode])]
fn train_index(params: &Params, vectors: &Shards<Vec<Item>>) -> Result<Vec<Vector>> {
    let mut sample = Vec::new();
    for items in vectors.iter() {
        sample.extend(items?.iter().map(|item| item.vector.clone()));
    }
    Ok(index::centres(&sample, params.cells, &mut Random::new(params.seed)))
}

/// Says in which cell each vector of a shard lies. All shards share `centres`.
#[stage(each = [items in vectors], inputs = [centres], outputs = [cells], cachers = [Json])]
fn populate_index(items: &[Item], centres: &[Vector]) -> Vec<usize> {
    items.iter().map(|item| vectors::nearest(centres, &item.vector)).collect()
}

/// Puts the cells together.
#[stage(inputs = [centres, vectors, cells], outputs = [Lazy(index)], cachers = [Bincode])]
fn merge_index(
    centres: &[Vector],
    vectors: &Shards<Vec<Item>>,
    cells: &Shards<Vec<usize>>,
) -> Result<Index> {
    let mut index = Index::new(centres.to_vec());
    for (items, cells) in vectors.iter().zip(cells.iter()) {
        for (item, cell) in items?.iter().zip(&*cells?) {
            index.add(*cell, item.clone());
        }
    }
    Ok(index)
}

/// Finds for each image of one half the nearest of the other.
#[aggregate(inputs = [index], outputs = [mined], cachers = [Csv])]
fn mine(index: Across<Index>) -> Result<Vec<Mined>> {
    let halves = index.iter().map(|item| item.load()).collect::<Result<Vec<_>, _>>()?;
    let [even, odd] = &halves[..] else { return Err("mining takes two halves".into()) };
    let line = |digit| Mined { digit, images: 0, right: 0, pairs: 0 };
    let mut mined: Vec<_> = (0..10).map(line).collect();
    for item in even.items() {
        let Some(found) = odd.nearest(&item.vector) else { continue };
        let is_nearest = |back: &Item| back.number == item.number;
        let line = &mut mined[usize::from(item.label)];
        line.images += 1;
        line.right += usize::from(found.label == item.label);
        line.pairs += usize::from(even.nearest(&found.vector).is_some_and(is_nearest));
    }
    Ok(mined)
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    cut(record)?;
    encode(record)?;
    train_index(record)?;
    populate_index(record)?;
    merge_index(record)?;
    Ok(())
}

fn main() -> ExitCode {
    Experiment::new("mining", pipeline)
        .record("even", Params { half: 0, ..Params::default() })
        .record("odd", Params { half: 1, ..Params::default() })
        .aggregate(mine)
        .main()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_every_image_finds_its_digit() {
        let half = |half| {
            let params = Params { half, ..Params::default() };
            let shards = cut::body(&params).unwrap();
            assert_eq!(shards.len(), 55);
            let encoded = shards.iter().flat_map(|shard| encode::body(&params, shard).unwrap());
            let items: Vec<Item> = encoded.collect();
            assert!(are_of_length_one(&items));
            let vectors: Vec<_> = items.iter().map(|item| item.vector.clone()).collect();
            let centres = index::centres(&vectors, params.cells, &mut Random::new(1));
            let mut index = Index::new(centres.clone());
            for (cell, item) in populate_index::body(&items, &centres).into_iter().zip(items) {
                index.add(cell, item);
            }
            index
        };
        let (even, odd) = (half(0), half(1));
        let is_right =
            |item: &&Item| odd.nearest(&item.vector).is_some_and(|found| found.label == item.label);
        let right = even.items().filter(is_right).count();
        assert_eq!(even.items().count() + odd.items().count(), 1797);
        assert!(right > 870, "{right} of 899");
    }
}
