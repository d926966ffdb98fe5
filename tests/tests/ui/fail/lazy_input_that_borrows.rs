use memo_runtime::prelude::*;

#[stage(inputs = [train], outputs = [count], cachers = [Json])]
fn count(train: Lazy<&str>) -> usize {
    size_of_val(&train)
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    count(record)?;
    Ok(())
}

fn main() {}
