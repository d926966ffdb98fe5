use memo_runtime::prelude::*;

#[derive(serde::Serialize)]
struct Page {
    words: usize,
}

#[stage(each = [page in pages], outputs = [length], cachers = [Json])]
fn length(page: Page) -> usize {
    page.words
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record)?;
    Ok(())
}

fn main() {}
