use memo_runtime::prelude::*;

#[stage(outputs = [length], cachers = [Json])]
fn length(text: &mut String) -> usize {
    text.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record, &mut String::new())?;
    Ok(())
}

fn main() {}
