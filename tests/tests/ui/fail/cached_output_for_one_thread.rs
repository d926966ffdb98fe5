use std::cell::Cell;

use memo_runtime::prelude::*;

#[stage(outputs = [train], cachers = [Json])]
fn split(rows: u64) -> Cell<u64> {
    Cell::new(rows)
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
