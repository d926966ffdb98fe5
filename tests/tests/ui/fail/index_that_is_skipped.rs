use memo_runtime::prelude::*;

#[stage(each = [page in pages], outputs = [length], cachers = [Json], skip = [index])]
fn length(page: &String, index: usize) -> usize {
    page.len() + index
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record)?;
    Ok(())
}

fn main() {}
