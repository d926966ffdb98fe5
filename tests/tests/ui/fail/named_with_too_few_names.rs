use memo_runtime::prelude::*;

#[stage(outputs = [train, test], cachers = [Json])]
fn split(rows: u64) -> (Vec<u64>, Vec<u64>) {
    (Vec::new(), vec![rows])
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split::named(record, ["train_1"], 3)?;
    Ok(())
}

fn main() {}
