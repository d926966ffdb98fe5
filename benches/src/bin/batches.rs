//! An experiment of 200 shards of 50 ms, which a record each cuts into tasks of another size: `b5` to `b100` as
//! their stages say, `auto` as is chosen.

use std::process::ExitCode;
use std::time::Duration;

use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Params {
    /// Another one is another key.
    seed: u32,
    count: u32,
    millis: u64,
}

fn wait(x: u32, millis: u64, seed: u32) -> u32 {
    std::thread::sleep(Duration::from_millis(millis));
    x ^ seed
}

macro_rules! fixed {
    ($($name:ident = $batch:literal),*) => {$(
        #[stage(each = [x in xs], outputs = [$name], batch = $batch, cachers = [Json])]
        fn $name(x: u32, params: &Params) -> u32 {
            wait(x, params.millis, params.seed)
        }
    )*};
}

fixed!(b5 = 5, b10 = 10, b25 = 25, b50 = 50, b100 = 100);

#[stage(each = [x in xs], outputs = [auto], cachers = [Json])]
fn auto(x: u32, params: &Params) -> u32 {
    wait(x, params.millis, params.seed)
}

#[stage(outputs = [xs], cachers = [Json])]
fn split(params: &Params) -> Vec<u32> {
    (0..params.count).collect()
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    split(record)?;
    match record.name() {
        "b5" => drop(b5(record)?),
        "b10" => drop(b10(record)?),
        "b25" => drop(b25(record)?),
        "b50" => drop(b50(record)?),
        "b100" => drop(b100(record)?),
        _ => drop(auto(record)?),
    }
    Ok(())
}

fn main() -> ExitCode {
    let params = Params { seed: 0, count: 200, millis: 50 };
    let names = ["b5", "b10", "b25", "b50", "b100", "auto"];
    let records = names.map(|name| (name, params.clone()));
    Experiment::new("batches", pipeline).records(records).main()
}
