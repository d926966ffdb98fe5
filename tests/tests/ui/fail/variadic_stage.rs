use memo_runtime::prelude::*;

#[stage(outputs = [count], cachers = [Json])]
fn count(first: u64, _: ...) -> u64 {
    first
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    count(record, 3)?;
    Ok(())
}

fn main() {}
