//! Two jobs on two stages that have nothing to do with each other and compute only.

use std::hint::black_box;

use memo_runtime::prelude::*;

use crate::harness::{Bench, Case, Measured, timed};

pub const CASE: Case = Case {
    name: "two jobs",
    ours: "`Experiment::run` of two independent stages that compute only, two jobs",
    floor: "half the time of the same with one job",
    // 1.9 times the speed.
    bound: Some(2.0 / 1.9),
    measure,
};

/// About 100 ms of what no compiler can leave out.
fn compute(seed: u64) -> u64 {
    let mut state = seed | 1;
    for _ in 0..100_000_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    black_box(state)
}

#[stage(outputs = [left], cachers = [Json])]
fn left(seed: u64) -> u64 {
    compute(seed)
}

#[stage(outputs = [right], cachers = [Json])]
fn right(seed: u64) -> u64 {
    compute(seed + 1)
}

fn measure(bench: &Bench) -> Result<Measured> {
    let experiment = Experiment::new("two jobs", |record: &mut Record<()>| {
        left(record, 1)?;
        right(record, 1)?;
        Ok(())
    });
    let experiment = experiment.record("base", ());
    let run = |jobs| {
        let options = RunOptions::new().store(bench.folder()).jobs(jobs).force::<String>([]);
        let (seconds, outcome) = timed(|| experiment.run(&options));
        assert_eq!(outcome?.ran, 2);
        Ok(seconds)
    };
    bench.pairs(15, || run(1).map(|seconds| seconds / 2.0), || run(2))
}
