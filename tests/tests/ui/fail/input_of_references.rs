use memo_runtime::prelude::*;

#[stage(inputs = [train], outputs = [count], cachers = [Json])]
fn count(train: &[&str]) -> usize {
    train.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    count(record)?;
    Ok(())
}

fn main() {}
