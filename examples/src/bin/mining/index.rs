//! An index: vectors in cells, so that whoever looks for one need not look at all. It knows nothing of `memo`.

use serde::{Deserialize, Serialize};

use crate::random::Random;
use crate::vectors::{Vector, dot, nearest, of_length_one};

/// How often the centres are moved to the middle of their cells.
const ROUNDS: usize = 12;
/// In how many cells one looks: that with the nearest centre, the second nearest ..
const PROBES: usize = 3;

/// An image, as a vector.
#[derive(Clone, Serialize, Deserialize)]
pub struct Item {
    pub number: usize,
    pub label: u8,
    pub vector: Vector,
}

/// Vectors, each in the cell whose centre is nearest.
#[derive(Serialize, Deserialize)]
pub struct Index {
    centres: Vec<Vector>,
    cells: Vec<Vec<Item>>,
}

/// Finds the centres of so many cells by k-means: the same vectors and random numbers give the same.
pub fn centres(vectors: &[Vector], cells: usize, random: &mut Random) -> Vec<Vector> {
    let mut order: Vec<usize> = (0..vectors.len()).collect();
    order.sort_by_cached_key(|_| random.draw());
    let mut centres: Vec<Vector> =
        order.iter().take(cells).map(|at| vectors[*at].clone()).collect();
    for _ in 0..ROUNDS {
        let mut sums = vec![vec![0.0; vectors[0].len()]; centres.len()];
        for vector in vectors {
            let sum = &mut sums[nearest(&centres, vector)];
            sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
        }
        for (centre, sum) in centres.iter_mut().zip(sums) {
            if dot(&sum, &sum) > 0.0 {
                *centre = of_length_one(sum);
            }
        }
    }
    centres
}

impl Index {
    pub fn new(centres: Vec<Vector>) -> Self {
        let cells = centres.iter().map(|_| Vec::new()).collect();
        Self { centres, cells }
    }

    pub fn add(&mut self, cell: usize, item: Item) {
        self.cells[cell].push(item);
    }

    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.cells.iter().flatten()
    }

    /// Returns the nearest of all that lie in the nearest cells.
    pub fn nearest(&self, to: &[f32]) -> Option<&Item> {
        let mut cells: Vec<usize> = (0..self.cells.len()).collect();
        cells.sort_by(|one, other| {
            dot(&self.centres[*other], to).total_cmp(&dot(&self.centres[*one], to))
        });
        let near = cells.iter().take(PROBES).flat_map(|cell| &self.cells[*cell]);
        near.max_by(|one, other| dot(&one.vector, to).total_cmp(&dot(&other.vector, to)))
    }
}
