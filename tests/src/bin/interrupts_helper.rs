//! A small experiment whose stages tell that they have begun, and wait for a line on standard input.

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

fn main() -> ExitCode {
    let pipeline = |record: &mut Record<Params>| {
        first(record)?;
        second(record)?;
        Ok(())
    };
    let params = |number| Params { number, fails: false };
    let records = (1..=3).map(|number| (format!("r{number}"), params(number)));
    Experiment::new("interrupts", pipeline).records(records).main()
}
