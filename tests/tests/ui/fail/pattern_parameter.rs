use memo_runtime::prelude::*;

#[stage(outputs = [area], cachers = [Json])]
fn area((width, height): (u64, u64)) -> u64 {
    width * height
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    area(record, (2, 3))?;
    Ok(())
}

fn main() {}
