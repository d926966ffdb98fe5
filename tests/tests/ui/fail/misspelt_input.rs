use memo_runtime::prelude::*;

#[stage(inputs = [trian], outputs = [count], cachers = [Json])]
fn count(train: &[f64], rounds: usize) -> usize {
    train.len() + rounds
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    count(record, 3)?;
    Ok(())
}

fn main() {}
