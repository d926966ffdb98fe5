//! Images as vectors: alike where the images are. It knows nothing of `memo`.

#![expect(clippy::cast_precision_loss, reason = "small numbers")]

use std::f32::consts::TAU;

use crate::random::Random;

/// What an image looks like, as a vector of length one.
pub type Vector = Vec<f32>;

/// Pixels of a side of an image, and of the larger one that it is drawn anew on.
const SIDE: usize = 8;
const LARGE: usize = 16;
/// The larger image is seen as 4×4 blocks, and in each of them the directions in which it gets brighter.
const BLOCKS: usize = 4;
const DIRECTIONS: usize = 8;

/// Describes an image by the directions of its strokes, wherever it lies and however it leans.
pub fn of_image(pixels: &[u8]) -> Vector {
    let image = upright(pixels);
    let at = |x: usize, y: usize| image[y * LARGE + x];
    let mut vector = vec![0.0; BLOCKS * BLOCKS * DIRECTIONS];
    for y in 1..LARGE - 1 {
        for x in 1..LARGE - 1 {
            let (right, down) = (at(x + 1, y) - at(x - 1, y), at(x, y + 1) - at(x, y - 1));
            let turn = (down.atan2(right) / TAU).rem_euclid(1.0);
            #[expect(clippy::cast_possible_truncation, reason = "from 0 to 8")]
            #[expect(clippy::cast_sign_loss, reason = "from 0 to 8")]
            let direction = (turn * DIRECTIONS as f32) as usize % DIRECTIONS;
            let block = y * BLOCKS / LARGE * BLOCKS + x * BLOCKS / LARGE;
            vector[block * DIRECTIONS + direction] += right.hypot(down);
        }
    }
    of_length_one(vector)
}

/// Draws an image anew: larger, in the middle, and without its slant.
fn upright(pixels: &[u8]) -> Vec<f32> {
    let grey = |x: usize, y: usize| f32::from(pixels[y * SIDE + x]);
    let sum = |of: &dyn Fn(f32, f32) -> f32| -> f32 {
        let all = (0..SIDE * SIDE).map(|i| (i % SIDE, i / SIDE));
        all.map(|(x, y)| grey(x, y) * of(x as f32, y as f32)).sum()
    };
    let weight = sum(&|_, _| 1.0).max(1.0);
    let (middle_x, middle_y) = (sum(&|x, _| x) / weight, sum(&|_, y| y) / weight);
    let height = sum(&|_, y| (y - middle_y).powi(2)).max(1.0);
    let slant = sum(&|x, y| (x - middle_x) * (y - middle_y)) / height;

    let step = SIDE as f32 / LARGE as f32;
    let offset = |at: usize| (at as f32 + 0.5) * step - SIDE as f32 / 2.0;
    let place = |i: usize| (offset(i % LARGE), offset(i / LARGE));
    let places = (0..LARGE * LARGE).map(place);
    places.map(|(x, y)| between(&grey, middle_x + x + slant * y, middle_y + y)).collect()
}

/// The grey value at a place between pixels; there is nothing beyond the edges.
fn between(grey: &impl Fn(usize, usize) -> f32, x: f32, y: f32) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let mut sum = 0.0;
    for (column, share_x) in [(left, left + 1.0 - x), (left + 1.0, x - left)] {
        for (row, share_y) in [(top, top + 1.0 - y), (top + 1.0, y - top)] {
            let inside = 0.0..SIDE as f32;
            if inside.contains(&column) && inside.contains(&row) {
                #[expect(clippy::cast_possible_truncation, reason = "whole numbers from 0 to 7")]
                #[expect(clippy::cast_sign_loss, reason = "whole numbers from 0 to 7")]
                let grey = grey(column as usize, row as usize);
                sum += share_x * share_y * grey;
            }
        }
    }
    sum
}

/// Returns an image with a little noise.
pub fn with_noise(pixels: &[u8], random: &mut Random) -> Vec<u8> {
    pixels
        .iter()
        .map(|pixel| (pixel + (random.draw() % 3) as u8).saturating_sub(1).min(16))
        .collect()
}

/// How alike two vectors of length one are: 1 if they are the same.
pub fn dot(one: &[f32], other: &[f32]) -> f32 {
    // Eight sums side by side, since one would wait for itself at each step.
    let mut sums = [0.0; 8];
    for (one, other) in one.chunks_exact(8).zip(other.chunks_exact(8)) {
        for (sum, (one, other)) in sums.iter_mut().zip(one.iter().zip(other)) {
            *sum += one * other;
        }
    }
    sums.iter().sum()
}

/// Stretches a vector to length one.
pub fn of_length_one(mut vector: Vector) -> Vector {
    let length = dot(&vector, &vector).sqrt();
    for value in &mut vector {
        *value /= length;
    }
    vector
}

/// Returns which of `vectors` is most alike.
pub fn nearest<'a>(vectors: impl IntoIterator<Item = &'a Vector>, to: &[f32]) -> usize {
    let alike = vectors.into_iter().map(|vector| dot(vector, to)).enumerate();
    alike.max_by(|one, other| one.1.total_cmp(&other.1)).map_or(0, |(index, _)| index)
}
