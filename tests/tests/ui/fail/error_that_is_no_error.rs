use memo_runtime::prelude::*;

struct Failure(u64);

#[stage(outputs = [train], cachers = [Json])]
fn split(rows: u64) -> std::result::Result<Vec<u64>, Failure> {
    Err(Failure(rows))
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
