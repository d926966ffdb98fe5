use memo_runtime::prelude::*;

#[stage(outputs = [train], cachers = [Json], retries = 3, retry_if = log)]
fn split(rows: u64) -> Vec<u64> {
    (0..rows).collect()
}

fn log(attempt: &memo_runtime::Attempt<'_>) {
    println!("{}", attempt.number());
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
