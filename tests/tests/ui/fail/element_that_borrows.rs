use memo_runtime::prelude::*;

#[stage(each = [page in pages], outputs = [length], cachers = [Json])]
fn length(page: Vec<&str>) -> usize {
    page.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record)?;
    Ok(())
}

fn main() {}
