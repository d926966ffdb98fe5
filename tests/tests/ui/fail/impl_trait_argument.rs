use memo_runtime::prelude::*;

#[stage(outputs = [text], cachers = [Text])]
fn shout(text: impl AsRef<str>) -> String {
    text.as_ref().to_uppercase()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    shout(record, "a")?;
    Ok(())
}

fn main() {}
