use memo_runtime::prelude::*;

#[stage(outputs = [length], cachers = [Json])]
fn length(ref text: String) -> usize {
    text.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record, "a".to_owned())?;
    Ok(())
}

fn main() {}
