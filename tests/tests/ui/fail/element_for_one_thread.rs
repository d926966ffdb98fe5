use memo_runtime::prelude::*;

use std::cell::Cell;

#[stage(each = [page in pages], outputs = [length], cachers = [Json])]
fn length(page: &Cell<u8>) -> usize {
    usize::from(page.get())
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record)?;
    Ok(())
}

fn main() {}
