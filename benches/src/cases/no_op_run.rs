//! A run of an experiment with 10,000 calls, all of them cached.

use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use super::entries;
use crate::harness::{Bench, Case, Measured, timed};

pub const CASE: Case = Case {
    name: "run of 10,000 cached",
    ours: "`Experiment::run` of 2,500 records with 4 stages, nothing to do; one call",
    floor: "open, read and close 10,000 manifests, one after the other; one of them",
    bound: None,
    measure,
};

const RECORDS: u32 = 2500;
const CALLS: u32 = 4 * RECORDS;

#[derive(Clone, Serialize, Deserialize)]
struct Params {
    seed: u32,
    step: u32,
}

#[stage(outputs = [start], cachers = [Json])]
fn start(params: &Params) -> u32 {
    params.seed
}

#[stage(inputs = [start], outputs = [middle], cachers = [Json])]
fn middle(params: &Params, start: u32) -> u32 {
    start + params.step
}

#[stage(inputs = [middle], outputs = [late], cachers = [Json])]
fn late(middle: u32) -> u32 {
    middle * 2
}

#[stage(inputs = [start, late], outputs = [end], cachers = [Json])]
fn end(start: u32, late: u32, top_k: u32) -> u32 {
    start + late + top_k
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    start(record)?;
    middle(record)?;
    late(record)?;
    end(record, 3)?;
    Ok(())
}

fn measure(bench: &Bench) -> Result<Measured> {
    let records = (0..RECORDS).map(|seed| (format!("seed={seed}"), Params { seed, step: 2 }));
    let experiment = Experiment::new("no-op", pipeline).records(records);
    let options = RunOptions::new().store(bench.folder());
    experiment.run(&options)?;
    let mut files = Vec::new();
    entries::find(&bench.folder().join("v1/entries"), &mut files)?;
    let mut buffer = vec![0; 16 * 1024];
    let floor = || {
        let (seconds, read) = timed(|| entries::read(&files, &mut buffer));
        read.map(|()| seconds / f64::from(CALLS))
    };
    let ours = || {
        let (seconds, outcome) = timed(|| experiment.run(&options));
        assert_eq!(outcome?.cached, CALLS as usize);
        Ok(seconds / f64::from(CALLS))
    };
    bench.pairs(15, floor, ours)
}
