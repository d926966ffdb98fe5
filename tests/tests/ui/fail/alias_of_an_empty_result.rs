use memo_runtime::prelude::*;

type Checked = Result<()>;

#[stage(done = true)]
fn check(rows: u64) -> Checked {
    assert!(rows > 0);
    Ok(())
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    check(record, 3)?;
    Ok(())
}

fn main() {}
