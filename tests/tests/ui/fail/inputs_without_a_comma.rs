use memo_runtime::prelude::*;

#[stage(inputs = [train test], outputs = [count], cachers = [Json])]
fn count(train: &[f64], test: &[f64]) -> usize {
    train.len() + test.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    count(record)?;
    Ok(())
}

fn main() {}
