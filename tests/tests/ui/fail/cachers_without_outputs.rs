use memo_runtime::prelude::*;

#[stage(cachers = [Text])]
fn announce(text: &str) {
    println!("{text}");
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    announce(record, "a")?;
    Ok(())
}

fn main() {}
