use memo_runtime::prelude::*;

#[stage(each = [page in pages], outputs = [length], cachers = [Json], secret = [page])]
fn length(page: &String) -> usize {
    page.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record)?;
    Ok(())
}

fn main() {}
