use memo_runtime::prelude::*;

#[stage(outputs = [train], cachers = [Json], validate = are_full)]
fn split(rows: u64) -> Vec<u64> {
    (0..rows).collect()
}

fn are_full(train: &Vec<u64>, test: &Vec<u64>) -> bool {
    !train.is_empty() && !test.is_empty()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
