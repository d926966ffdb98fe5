use memo_runtime::prelude::*;

struct Params {
    rate: f64,
}

#[stage(outputs = [rate], cachers = [Json])]
fn rate(params: &Params) -> f64 {
    params.rate
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    rate(record)?;
    Ok(())
}

fn main() {}
