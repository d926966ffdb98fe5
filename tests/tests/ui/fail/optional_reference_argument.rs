use memo_runtime::prelude::*;

#[stage(outputs = [length], cachers = [Json])]
fn length(text: Option<&str>) -> usize {
    text.map_or(0, str::len)
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record, Some("a"))?;
    Ok(())
}

fn main() {}
