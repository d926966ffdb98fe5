use std::rc::Rc;

use memo_runtime::prelude::*;

#[stage(outputs = [train])]
fn split(rows: u64) -> Rc<Vec<u64>> {
    Rc::new((0..rows).collect())
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
