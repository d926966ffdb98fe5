//! Two small experiments whose stages tell that they have begun, and wait for a line on standard input.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "stages take their inputs by reference")]

use std::process::ExitCode;

use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Params {
    number: u32,
    fails: bool,
}

fn told(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "body: {line}");
}

#[stage(outputs = [first], cachers = [Json], retries = 2)]
fn first(params: &Params, ctx: &Context) -> Result<u32> {
    told(&format!("first {} attempt {}", params.number, ctx.attempt()));
    if params.fails {
        return Err("it fails".into());
    }
    std::io::stdin().read_line(&mut String::new())?;
    Ok(params.number)
}

#[stage(inputs = [first], outputs = [second], cachers = [Json])]
fn second(first: &u32) -> u32 {
    told(&format!("second {first}"));
    first + 1
}

#[stage(each = [number in numbers], outputs = [shard], cachers = [Json])]
fn shard(number: u32) -> Result<u32> {
    told(&format!("shard {number}"));
    std::io::stdin().read_line(&mut String::new())?;
    Ok(number)
}

#[stage(inputs = [shard], outputs = [sum], cachers = [Json])]
fn sum(shard: &Shards<u32>) -> Result<u32> {
    told("sum");
    Ok(shard.collect()?.iter().sum())
}

fn array() -> Experiment<()> {
    let pipeline = |record: &mut Record<()>| {
        record.insert("numbers", (1..=6).collect::<Vec<u32>>())?;
        shard(record)?;
        sum(record)?;
        Ok(())
    };
    Experiment::new("interrupts", pipeline).record("base", ())
}

fn main() -> ExitCode {
    if std::env::var_os("INTERRUPTS_ARRAY").is_some() {
        return array().main();
    }
    let pipeline = |record: &mut Record<Params>| {
        first(record)?;
        second(record)?;
        Ok(())
    };
    let params = |number| Params { number, fails: false };
    let records = (1..=3).map(|number| (format!("r{number}"), params(number)));
    Experiment::new("interrupts", pipeline).records(records).main()
}
