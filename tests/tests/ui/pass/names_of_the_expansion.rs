//! Parameters that are called like variables of the expansion must not meet them.

use memo_runtime::prelude::*;
use memo_tests::Lab;

#[stage(outputs = [sum], cachers = [Json])]
fn sum(
    record: u64,
    records: u64,
    call: u64,
    outputs: u64,
    inputs: u64,
    captured: u64,
    spec: u64,
    frame: u64,
    owner: u64,
    parts: u64,
    work: &str,
    value: u64,
    body: u64,
    named: u64,
    index: u64,
) -> u64 {
    record
        + records
        + call
        + outputs
        + inputs
        + captured
        + spec
        + frame
        + owner
        + parts
        + work.len() as u64
        + value
        + body
        + named
        + index
}

#[stage(inputs = [sum], outputs = [input_sum, output_sum], cachers = [Json])]
fn twice(sum: &u64, factor: u64) -> (u64, u64) {
    (sum * factor, sum * 3)
}

#[test]
fn runs() -> Result<()> {
    let lab = Lab::new();
    let mut handle = lab.record(());
    let sum = sum(&mut handle, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, "a", 1, 1, 1, 1)?;
    assert_eq!(*sum.load()?, 15);
    let (twice, thrice) = twice(&mut handle, 2)?;
    assert_eq!((*twice.load()?, *thrice.load()?), (30, 45));
    Ok(())
}
