use memo_runtime::prelude::*;

#[stage(outputs = [train], cachers = [Json], validate = count)]
fn split(rows: u64) -> Vec<u64> {
    (0..rows).collect()
}

fn count(rows: &[u64]) -> usize {
    rows.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
