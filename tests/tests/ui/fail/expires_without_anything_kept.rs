use memo_runtime::prelude::*;

#[stage(expires = "7d")]
fn square(x: u64) {
    println!("{x}");
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    square(record, 3)?;
    Ok(())
}

fn main() {}
