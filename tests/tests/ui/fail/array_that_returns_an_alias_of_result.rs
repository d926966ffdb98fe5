use memo_runtime::prelude::*;

type Answer = std::result::Result<usize, std::num::ParseIntError>;

#[stage(each = [page in pages], outputs = [number])]
fn number(page: &String) -> Answer {
    page.parse()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    number(record)?;
    Ok(())
}

fn main() {}
