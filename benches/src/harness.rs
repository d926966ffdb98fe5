//! Paired measurement: floor and ours in turn, many rounds, and the ratio is taken round by round, so
//! that it means the same while the machine's speed drifts.

use std::path::{Path, PathBuf};
use std::time::Instant;

use memo_runtime::prelude::Result;

/// What is measured, and beside what.
pub struct Case {
    pub name: &'static str,
    /// What is timed, in a few words.
    pub ours: &'static str,
    /// What the floor does, in a few words.
    pub floor: &'static str,
    /// How many times the floor it may cost; `None` where the figure only informs.
    pub bound: Option<f64>,
    pub measure: fn(&Bench) -> Result<Measured>,
}

/// What a case is given.
pub struct Bench {
    folder: PathBuf,
    rounds: Option<usize>,
}

impl Bench {
    pub fn new(folder: &Path, rounds: Option<usize>) -> Self {
        Self { folder: folder.to_owned(), rounds }
    }

    /// Returns a folder for this case alone. It goes away afterwards.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Measures `floor` and `ours` in turn. Each call of either returns the seconds that one of its
    /// operations took, so that what it needs beforehand is not counted.
    pub fn pairs(
        &self,
        rounds: usize,
        mut floor: impl FnMut() -> Result<f64>,
        mut ours: impl FnMut() -> Result<f64>,
    ) -> Result<Measured> {
        let rounds = self.rounds.unwrap_or(rounds).max(1);
        // The first pair warms caches up.
        floor()?;
        ours()?;
        let mut measured = Measured { floor: Vec::new(), ours: Vec::new(), ratios: Vec::new() };
        for round in 0..rounds {
            // Whoever comes second finds the caches that the first has left; so they change places.
            let (floor, ours) = if round % 2 == 0 {
                let floor = floor()?;
                (floor, ours()?)
            } else {
                let ours = ours()?;
                (floor()?, ours)
            };
            measured.floor.push(floor);
            measured.ours.push(ours);
            measured.ratios.push(ours / floor);
        }
        measured.sort();
        Ok(measured)
    }
}

/// What was measured, each list from the smallest to the largest.
pub struct Measured {
    /// Seconds for one operation.
    pub floor: Vec<f64>,
    /// Seconds for one operation.
    pub ours: Vec<f64>,
    /// Ours by the floor of the same round.
    pub ratios: Vec<f64>,
}

impl Measured {
    fn sort(&mut self) {
        for list in [&mut self.floor, &mut self.ours, &mut self.ratios] {
            list.sort_by(f64::total_cmp);
        }
    }

    /// Returns the median of the ratios, which is what a bound is about.
    pub fn ratio(&self) -> f64 {
        median(&self.ratios)
    }
}

/// Returns the middle of a sorted list.
pub fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

/// Returns the seconds that `work` took, and what it gave.
pub fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let made = work();
    (start.elapsed().as_secs_f64(), made)
}

/// Returns the seconds that one of `count` operations took, where `work` does all of them.
pub fn each(count: u32, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let (seconds, done) = timed(work);
    done.map(|()| seconds / f64::from(count))
}
