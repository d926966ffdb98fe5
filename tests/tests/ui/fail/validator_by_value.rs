use memo_runtime::prelude::*;

#[stage(outputs = [train], cachers = [Json], validate = is_full)]
fn split(rows: u64) -> Vec<u64> {
    (0..rows).collect()
}

fn is_full(rows: Vec<u64>) -> bool {
    !rows.is_empty()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
