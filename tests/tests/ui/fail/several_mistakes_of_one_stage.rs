use memo_runtime::prelude::*;

#[stage(imputs = [train], outputs = [model, loss], cachers = [Json, Json, Json], version = "", batch = 8)]
async fn fit(train: &[f64], (rounds, rate): (u32, f64)) -> Result<(f64, f64)> {
    Ok((rate * train.len() as f64, f64::from(rounds)))
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    fit(record, (3, 0.5))?;
    Ok(())
}

fn main() {}
