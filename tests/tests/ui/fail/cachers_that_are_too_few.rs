use memo_runtime::prelude::*;

#[stage(outputs = [train, test, rest], cachers = [Json, Csv])]
fn split(rows: u64) -> (Vec<u64>, Vec<u64>, Vec<u64>) {
    (Vec::new(), Vec::new(), vec![rows])
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
