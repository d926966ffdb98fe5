//! Two stages: `cargo run --release --bin quickstart`. The second time nothing executes.
//! With `-- --set widest=6` only `count` does, because `find` does not read that field.

use std::{collections::BTreeMap, process::ExitCode};

use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Params {
    limit: u64,
    widest: u64,
}

/// All primes below `limit`, by trial division: slow.
#[stage(outputs = [primes], cachers = [Bincode])]
fn find(params: &Params) -> Vec<u64> {
    let is_prime = |n: &u64| (2..=n.isqrt()).all(|d| !n.is_multiple_of(d));
    (2..params.limit).filter(is_prime).collect()
}

/// How often each gap between neighbouring primes occurs.
#[stage(inputs = [primes], outputs = [gaps], cachers = [Json])]
fn count(params: &Params, primes: &[u64]) -> BTreeMap<u64, u64> {
    let mut gaps = BTreeMap::new();
    for gap in primes.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap <= params.widest) {
        *gaps.entry(gap).or_default() += 1;
    }
    gaps
}

fn main() -> ExitCode {
    let pipeline = |record: &mut Record<Params>| {
        find(record)?;
        count(record)?;
        Ok(())
    };
    let params = Params { limit: 3_000_000, widest: 20 };
    Experiment::new("quickstart", pipeline).record("base", params).main()
}
