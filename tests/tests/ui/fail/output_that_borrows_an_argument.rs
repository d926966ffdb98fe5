use memo_runtime::prelude::*;

#[stage(outputs = [first], cachers = [Text])]
fn first<'a>(text: &'a str) -> Result<&'a str> {
    Ok(text.split(' ').next().unwrap_or_default())
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    first(record, "a b")?;
    Ok(())
}

fn main() {}
