use memo_runtime::prelude::*;

#[stage(inputs = [score], outputs = [count], cachers = [Json])]
fn count(score: Across<f64>) -> usize {
    score.iter().count()
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    count(record)?;
    Ok(())
}

fn main() {}
