use memo_runtime::prelude::*;

#[stage(outputs = [length], cachers = [Json])]
fn length(text: &dyn AsRef<str>) -> usize {
    text.as_ref().len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record, &"a")?;
    Ok(())
}

fn main() {}
