use std::borrow::Cow;

use memo_runtime::prelude::*;

#[stage(outputs = [trimmed], cachers = [Json])]
fn trim<'a>(text: &'a str) -> Cow<'a, str> {
    Cow::Borrowed(text.trim())
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    trim(record, "a b")?;
    Ok(())
}

fn main() {}
