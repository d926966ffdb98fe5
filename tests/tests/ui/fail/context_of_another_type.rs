use memo_runtime::prelude::*;

struct Device;

#[stage(outputs = [three], cachers = [Json])]
fn three(ctx: &Device) -> u64 {
    let _ = ctx;
    3
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    three(record)?;
    Ok(())
}

fn main() {}
