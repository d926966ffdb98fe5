use memo_runtime::prelude::*;

#[stage(outputs = [square], cachers = [Json], resources(memory = "1GiB"), retry_resources(memory = "x2"))]
fn square(x: u64) -> u64 {
    x * x
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    square(record, 3)?;
    Ok(())
}

fn main() {}
