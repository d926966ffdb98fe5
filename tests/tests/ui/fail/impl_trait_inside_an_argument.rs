use memo_runtime::prelude::*;

#[stage(outputs = [text], cachers = [Text])]
fn join(words: Vec<impl AsRef<str>>) -> String {
    words.iter().map(AsRef::as_ref).collect()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    join(record, vec!["a"])?;
    Ok(())
}

fn main() {}
