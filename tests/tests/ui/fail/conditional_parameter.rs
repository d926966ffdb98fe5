use memo_runtime::prelude::*;

#[stage(outputs = [square], cachers = [Json])]
fn square(x: u64, #[cfg(all())] y: u64) -> u64 {
    x * y
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    square(record, 4, 5)?;
    Ok(())
}

fn main() {}
