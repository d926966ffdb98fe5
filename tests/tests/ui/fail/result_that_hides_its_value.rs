use memo_runtime::prelude::*;

type Result<T = Vec<u64>> = memo_runtime::Result<T>;

#[stage(outputs = [train], cachers = [Json])]
fn split(rows: u64) -> Result {
    Ok((0..rows).collect())
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
