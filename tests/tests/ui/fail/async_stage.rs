use memo_runtime::prelude::*;

#[stage(outputs = [page], cachers = [Text])]
async fn download(url: String) -> Result<String> {
    Ok(url)
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    download(record, "a".to_owned())?;
    Ok(())
}

fn main() {}
