use memo_runtime::prelude::*;

#[stage(inputs = [train], outputs = [count], cachers = [Json])]
fn count(train: &Lazy<String>) -> usize {
    train.load().map_or(0, |text| text.len())
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    count(record)?;
    Ok(())
}

fn main() {}
