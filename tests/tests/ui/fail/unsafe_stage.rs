use memo_runtime::prelude::*;

#[stage(outputs = [first], cachers = [Json])]
unsafe fn first(address: usize) -> u8 {
    unsafe { *(address as *const u8) }
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    first(record, 3)?;
    Ok(())
}

fn main() {}
