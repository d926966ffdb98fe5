use memo_runtime::prelude::*;

#[stage(each = [page in pages], outputs = [length], cachers = [Json])]
fn length(page: &String, index: u32) -> usize {
    page.len() + index as usize
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record)?;
    Ok(())
}

fn main() {}
