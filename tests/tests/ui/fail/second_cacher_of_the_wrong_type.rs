use memo_runtime::prelude::*;

#[stage(outputs = [train, note], cachers = [Json, Csv])]
fn split(rows: u64) -> Result<(Vec<u64>, String)> {
    Ok((vec![rows], String::new()))
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
