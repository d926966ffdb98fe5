use memo_runtime::prelude::*;

#[stage(inputs = [score], outputs = [doubled], cachers = [Json])]
fn doubled(score: f64) -> f64 {
    score * 2.0
}

fn pipeline(_: &mut Record<()>) -> Result<()> {
    Ok(())
}

fn main() {
    let _ = Experiment::new("digits", pipeline).record("base", ()).aggregate(doubled);
}
