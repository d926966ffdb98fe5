use memo_runtime::prelude::*;

#[stage(outputs = [length], cachers = [Json])]
fn length(text: &[&str]) -> usize {
    text.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record, &["a"])?;
    Ok(())
}

fn main() {}
