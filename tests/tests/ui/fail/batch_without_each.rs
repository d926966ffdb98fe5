use memo_runtime::prelude::*;

#[stage(outputs = [length], cachers = [Json], batch = 8)]
fn length(page: &String) -> usize {
    page.len()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record, &"page".to_owned())?;
    Ok(())
}

fn main() {}
