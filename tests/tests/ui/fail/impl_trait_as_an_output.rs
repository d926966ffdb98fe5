use memo_runtime::prelude::*;

#[stage(outputs = [train])]
fn split(rows: u64) -> impl Iterator<Item = u64> {
    0..rows
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
