use memo_runtime::prelude::*;

#[stage(inputs = [ctx, train], outputs = [count], cachers = [Json])]
fn count(ctx: &Context, train: &[f64]) -> usize {
    ctx.log("counting");
    train.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    count(record)?;
    Ok(())
}

fn main() {}
