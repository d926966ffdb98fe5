use memo_runtime::prelude::*;

#[stage(outputs = [three], cachers = [Json])]
fn three(ctx: &mut Context) -> u64 {
    let _ = ctx;
    3
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    three(record)?;
    Ok(())
}

fn main() {}
