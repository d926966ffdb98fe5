use memo_runtime::prelude::*;

#[stage(each = [page in pages, params in all], outputs = [length], cachers = [Json])]
fn length(page: &String, params: &()) -> usize {
    page.len() + size_of_val(params)
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record)?;
    Ok(())
}

fn main() {}
