use memo_runtime::prelude::*;
use serde::Serialize;

#[derive(Clone, Serialize)]
struct Words<'a> {
    text: &'a str,
}

#[stage(outputs = [length], cachers = [Json])]
fn length<'a>(text: Words<'a>) -> usize {
    text.text.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record, Words { text: "a" })?;
    Ok(())
}

fn main() {}
