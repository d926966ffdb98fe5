use memo_runtime::prelude::*;
use serde::Serialize;

#[derive(Serialize)]
struct Train {
    rate: f64,
}

#[derive(Serialize)]
struct Params {
    train: Train,
}

#[stage(outputs = [rate], cachers = [Json])]
fn rate(params: &Train) -> f64 {
    params.rate
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    rate(record)?;
    Ok(())
}

fn main() {}
