use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Row {
    id: u64,
}

#[stage(outputs = [row], cachers = [Csv])]
fn split(rows: u64) -> Row {
    Row { id: rows }
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
