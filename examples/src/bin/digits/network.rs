//! A small neural network, enough to read digits: one hidden layer, trained by plain gradient
//! descent, one image after the other. It knows nothing of `memo`.

use serde::{Deserialize, Serialize};

use crate::random::Random;

/// How to train: what it costs is proportional to `hidden` times `epochs`.
#[derive(Debug, Clone, Copy)]
pub struct Training {
    /// Units of the hidden layer.
    pub hidden: usize,
    /// How far each image moves the weights.
    pub rate: f64,
    /// The share of each weight that one epoch takes away again, against learning by heart.
    pub decay: f64,
    /// How often each image is shown.
    pub epochs: usize,
    /// Where the random weights and orders start.
    pub seed: u64,
}

/// A network that answers with one of a fixed number of classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Network {
    hidden: Layer,
    output: Layer,
}

impl Network {
    /// Learns `classes` classes from inputs and the class that each belongs to.
    ///
    /// The same examples and the same `how` give the same network.
    pub fn train(examples: &[(&[f64], usize)], classes: usize, how: Training) -> Self {
        let mut random = Random::new(how.seed);
        let inputs = examples.first().map_or(0, |(input, _)| input.len());
        let mut network = Self {
            hidden: Layer::random(inputs, how.hidden, &mut random),
            output: Layer::random(how.hidden, classes, &mut random),
        };
        let mut examples = examples.to_vec();
        for _ in 0..how.epochs {
            examples.sort_by_cached_key(|_| random.draw());
            for (input, class) in &examples {
                network.learn(input, *class, how.rate);
            }
            network.hidden.shrink(1.0 - how.decay);
            network.output.shrink(1.0 - how.decay);
        }
        network
    }

    /// Returns the class that `input` most likely belongs to.
    pub fn classify(&self, input: &[f64]) -> usize {
        let sums = self.output.sums(&rectified(self.hidden.sums(input)));
        let best = sums.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1));
        best.map_or(0, |(class, _)| class)
    }

    /// One step down the gradient of the cross-entropy for one example.
    fn learn(&mut self, input: &[f64], class: usize, rate: f64) {
        let activity = rectified(self.hidden.sums(input));
        let mut error = softmax(self.output.sums(&activity));
        error[class] -= 1.0;
        let mut blame = self.output.blame(&error);
        for (blame, activity) in blame.iter_mut().zip(&activity) {
            if *activity == 0.0 {
                *blame = 0.0;
            }
        }
        self.output.descend(&activity, &error, rate);
        self.hidden.descend(input, &blame, rate);
    }
}

/// Weighted sums of all inputs, one for each output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Layer {
    /// One row for each input, one column for each output: so every loop below runs along memory.
    weights: Vec<f64>,
    biases: Vec<f64>,
}

impl Layer {
    fn random(inputs: usize, outputs: usize, random: &mut Random) -> Self {
        let weights = (0..inputs * outputs).map(|_| 0.4 * (random.unit() - 0.5)).collect();
        Self { weights, biases: vec![0.0; outputs] }
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.weights.chunks_exact(self.biases.len())
    }

    fn sums(&self, input: &[f64]) -> Vec<f64> {
        let mut sums = self.biases.clone();
        for (value, row) in input.iter().zip(self.rows()) {
            add_scaled(&mut sums, *value, row);
        }
        sums
    }

    /// How much each input had to do with the `error` of the outputs.
    fn blame(&self, error: &[f64]) -> Vec<f64> {
        self.rows()
            .map(|row| row.iter().zip(error).map(|(weight, error)| weight * error).sum())
            .collect()
    }

    fn descend(&mut self, input: &[f64], error: &[f64], rate: f64) {
        let rows = self.weights.chunks_exact_mut(self.biases.len());
        for (value, row) in input.iter().zip(rows) {
            add_scaled(row, -rate * value, error);
        }
        add_scaled(&mut self.biases, -rate, error);
    }

    fn shrink(&mut self, factor: f64) {
        for weight in &mut self.weights {
            *weight *= factor;
        }
    }
}

fn add_scaled(sums: &mut [f64], factor: f64, row: &[f64]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += factor * value;
    }
}

fn rectified(mut sums: Vec<f64>) -> Vec<f64> {
    for sum in &mut sums {
        *sum = sum.max(0.0);
    }
    sums
}

fn softmax(mut sums: Vec<f64>) -> Vec<f64> {
    // Less the largest, so that no power overflows.
    let largest = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for sum in &mut sums {
        *sum = (*sum - largest).exp();
    }
    let total: f64 = sums.iter().sum();
    sums.iter().map(|power| power / total).collect()
}
