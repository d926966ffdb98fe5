use memo_runtime::prelude::*;

#[stage(each = [page in pages], outputs = [length], cachers = [Json])]
fn length(page: Lazy<String>) -> usize {
    size_of_val(&page)
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record)?;
    Ok(())
}

fn main() {}
