use memo_runtime::prelude::*;

type Fallible<T> = Result<T>;

#[stage(outputs = [train], cachers = [Json])]
fn split(rows: u64) -> Fallible<Vec<u64>> {
    Ok((0..rows).collect())
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
