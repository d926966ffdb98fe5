use memo_runtime::prelude::*;

#[stage(inputs = [train], outputs = [count], cachers = [Json])]
fn count(train: Option<&mut String>) -> usize {
    train.map_or(0, |text| text.len())
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    count(record)?;
    Ok(())
}

fn main() {}
