use memo_runtime::prelude::*;

#[stage(outputs = [train], cachers = [Json])]
fn split(rows: u64) -> Lazy<Vec<u64>> {
    todo!("{rows}")
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
