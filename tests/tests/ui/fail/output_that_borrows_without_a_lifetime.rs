use memo_runtime::prelude::*;

#[stage(outputs = [first], cachers = [Text])]
fn first(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    first(record, "a b")?;
    Ok(())
}

fn main() {}
