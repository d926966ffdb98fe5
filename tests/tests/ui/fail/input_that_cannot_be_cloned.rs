use memo_runtime::prelude::*;

struct Model {
    weights: Vec<f64>,
}

#[stage(inputs = [train], outputs = [count], cachers = [Json])]
fn count(train: Model) -> usize {
    train.weights.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    count(record)?;
    Ok(())
}

fn main() {}
