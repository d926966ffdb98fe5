use memo_runtime::prelude::*;
use serde::Serialize;

#[derive(Serialize)]
struct Model {
    weight: u64,
}

#[stage(outputs = [model], cachers = [Json])]
fn split(rows: u64) -> Model {
    Model { weight: rows }
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
