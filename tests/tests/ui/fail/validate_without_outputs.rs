use memo_runtime::prelude::*;

#[stage(validate = is_short)]
fn announce(text: &str) {
    println!("{text}");
}

fn is_short(text: &String) -> bool {
    text.len() < 3
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    announce(record, "a")?;
    Ok(())
}

fn main() {}
