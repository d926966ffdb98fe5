use memo_runtime::prelude::*;

#[stage(cachers = [Json])]
fn split(rows: u64) -> Vec<u64> {
    (0..rows).collect()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
