use memo_runtime::prelude::*;

#[stage(outputs = [three], cachers = [Json])]
fn three(_: u64) -> u64 {
    3
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    three(record, 4)?;
    Ok(())
}

fn main() {}
