use memo_runtime::prelude::*;

#[stage(inputs = [train], outputs = [count], cachers = [Json])]
fn count(train: &mut Vec<f64>) -> usize {
    train.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    count(record)?;
    Ok(())
}

fn main() {}
