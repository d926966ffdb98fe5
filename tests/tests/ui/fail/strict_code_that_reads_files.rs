use memo_runtime::prelude::*;

#[stage(outputs = [rows], cachers = [Json], code = strict)]
fn rows() -> Result<String> {
    Ok(std::fs::read_to_string("rows.txt")?)
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    rows(record)?;
    Ok(())
}

fn main() {}
