use memo_runtime::prelude::*;

#[stage(outputs = [name], cachers = [Text])]
fn split(rows: u64) -> &str {
    if rows > 3 { "many" } else { "few" }
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
