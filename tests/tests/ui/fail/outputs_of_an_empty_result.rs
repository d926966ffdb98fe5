use memo_runtime::prelude::*;

#[stage(outputs = [train, test], cachers = [Json])]
fn check(rows: u64) -> Result<()> {
    assert!(rows > 0);
    Ok(())
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    check(record, 3)?;
    Ok(())
}

fn main() {}
