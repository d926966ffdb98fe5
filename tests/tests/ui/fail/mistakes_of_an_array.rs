use memo_runtime::prelude::*;

#[stage(each = [pgae in pages, index in indices], batch = 0, outputs = [length], cachers = [], skip = [index])]
fn length(page: &String, index: u8) -> usize {
    page.len() + usize::from(index)
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record)?;
    Ok(())
}

fn main() {}
