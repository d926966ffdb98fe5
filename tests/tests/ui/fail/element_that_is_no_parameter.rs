use memo_runtime::prelude::*;

#[stage(each = [row in rows], outputs = [length], cachers = [Json])]
fn length(page: &String) -> usize {
    page.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record, &"page".to_owned())?;
    Ok(())
}

fn main() {}
