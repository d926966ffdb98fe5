use memo_runtime::prelude::*;

#[stage(each = [page in pages, page in others], outputs = [length], cachers = [Json])]
fn length(page: &String) -> usize {
    page.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record)?;
    Ok(())
}

fn main() {}
