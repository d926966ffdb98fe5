use std::rc::Rc;

use memo_runtime::prelude::*;

#[stage(outputs = [train], cachers = [Json])]
fn split(rows: u64) -> Rc<str> {
    Rc::from("a")
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
