use memo_runtime::prelude::*;

#[stage(inputs = [train], outputs = [sum], cachers = [Json])]
fn sum(train: &[u64], rounds: u64) -> u64 {
    train.iter().sum::<u64>() * rounds
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    sum(record)?;
    Ok(())
}

fn main() {}
