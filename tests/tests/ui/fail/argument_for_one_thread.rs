use std::rc::Rc;

use memo_runtime::prelude::*;

#[stage(outputs = [length], cachers = [Json])]
fn length(text: Rc<str>) -> usize {
    text.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record, Rc::from("a"))?;
    Ok(())
}

fn main() {}
