use memo_runtime::prelude::*;

#[stage(each = [path in paths], outputs = [text], cachers = [Text], code = strict)]
fn text(path: &std::path::Path) -> Result<String> {
    Ok(std::fs::read_to_string(path)?)
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    text(record)?;
    Ok(())
}

fn main() {}
