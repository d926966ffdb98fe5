use memo_runtime::prelude::*;

#[stage(inputs = [pages], outputs = [length], cachers = [Json])]
fn length(pages: Lazy<Shards<String>>) -> usize {
    size_of_val(&pages)
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record)?;
    Ok(())
}

fn main() {}
