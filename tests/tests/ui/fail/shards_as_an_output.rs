use memo_runtime::prelude::*;

#[stage(inputs = [pages], outputs = [same], cachers = [Json])]
fn same(pages: Shards<String>) -> Shards<String> {
    pages
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    same(record)?;
    Ok(())
}

fn main() {}
