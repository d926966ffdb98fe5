use memo_runtime::prelude::*;

#[stage(inputs = [train, test as train], outputs = [count], cachers = [Json])]
fn count(train: &[f64]) -> usize {
    train.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    count(record)?;
    Ok(())
}

fn main() {}
