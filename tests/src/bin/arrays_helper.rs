//! A small experiment with array stages that the fault tests start, kill and starve.
//!
//! It tells on standard output what happens, one line an event, each written at once. Each body notes in a
//! file of the caller's that it has run, whatever the runtime tells.

use std::fmt::Display;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use memo_runtime::Event;
use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Params {
    count: u64,
    /// `plain`, `front` (one more, at the front) or `reverse`.
    order: String,
}

#[stage(outputs = [pages], cachers = [Json])]
fn pages(params: &Params) -> Vec<u64> {
    let mut pages: Vec<u64> = (0..params.count).collect();
    match params.order.as_str() {
        "front" => pages.insert(0, 1000),
        "reverse" => pages.reverse(),
        _ => {}
    }
    pages
}

/// Small: lies in a pack.
#[stage(each = [page in pages], outputs = [small], cachers = [Json], validate = is_valid)]
fn small(page: u64) -> Result<Vec<u64>> {
    note("small", page)?;
    if std::env::var("ARRAYS_FAIL").is_ok_and(|at| at == page.to_string()) {
        return Err(format!("page {page} cannot be read").into());
    }
    let is_invalid = std::env::var("ARRAYS_INVALID").is_ok_and(|at| at == page.to_string());
    Ok(if is_invalid { Vec::new() } else { (0..20).map(|number| number * page).collect() })
}

#[expect(clippy::ptr_arg, reason = "a validator takes what the stage gives")]
fn is_valid(values: &Vec<u64>) -> bool {
    !values.is_empty()
}

/// Large: a file of its own, 12 kB.
#[stage(each = [small in small], outputs = [large], cachers = [Bincode])]
fn large(small: &[u64]) -> Result<Vec<u64>> {
    note("large", small[1])?;
    Ok((0..1500).map(|number| small[1] ^ number).collect())
}

/// Takes the index.
#[stage(each = [page in pages], outputs = [line], cachers = [Text])]
fn numbered(index: usize, page: u64) -> Result<String> {
    note("numbered", page)?;
    Ok(format!("{index}: {page}"))
}

#[stage(inputs = [large, line], outputs = [total], cachers = [Json])]
fn total(large: &Shards<Vec<u64>>, line: &Shards<String>) -> Result<String> {
    let mut sum = 0_u64;
    for values in large.iter() {
        sum = values?.iter().fold(sum, |sum, value| sum.wrapping_mul(31).wrapping_add(*value));
    }
    Ok(format!("{sum} {}", line.collect()?.join(" ")))
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    pages(record)?;
    small(record)?;
    large(record)?;
    numbered(record)?;
    total(record)?;
    Ok(())
}

/// What a run must give, computed without any store.
fn expected(params: &Params) -> Result<String> {
    let (mut sum, mut lines) = (0_u64, Vec::new());
    for (index, page) in pages::body(params).into_iter().enumerate() {
        let values = large::body(&small::body(page)?)?;
        sum = values.iter().fold(sum, |sum, value| sum.wrapping_mul(31).wrapping_add(*value));
        lines.push(numbered::body(index, page)?);
    }
    Ok(format!("{sum} {}", lines.join(" ")))
}

/// Notes that a body has run, with one write at the end of the file.
fn note(stage: &str, page: u64) -> Result<()> {
    let Ok(path) = std::env::var("ARRAYS_LOG") else { return Ok(()) };
    let mut log = fs::File::options().append(true).create(true).open(path)?;
    log.write_all(format!("{stage} {page}\n").as_bytes())?;
    Ok(())
}

/// Writes a line at once. Nobody may be listening any more, which is fine.
fn tell(line: impl Display) {
    let line = line.to_string().replace('\n', " ");
    let _ = writeln!(io::stdout(), "{line}");
}

/// Set when the run is over: what is loaded after it is no part of it.
static OVER: AtomicBool = AtomicBool::new(false);

fn observe(event: &Event) {
    let short = |stage: &str| stage.rsplit("::").next().unwrap_or_default().to_owned();
    match event {
        _ if OVER.load(Ordering::SeqCst) => {}
        Event::Shards { stage, total, cached, to_compute, waiting, missing, .. } => tell(format!(
            "shards {} {total} {cached} {to_compute} {waiting} {missing}",
            short(stage)
        )),
        Event::ShardStarted { stage, shard, .. } => {
            tell(format!("started {} {shard}", short(stage)));
        }
        Event::ShardFinished { stage, shard, kept, .. } => {
            tell(format!("{} {} {shard}", if *kept { "kept" } else { "lost" }, short(stage)));
        }
        Event::ShardFailed { stage, shard, error, .. } => {
            tell(format!("shard-failed {} {shard} {}", short(stage), error.chain()));
        }
        Event::Waiting { stage, .. } => tell(format!("waits {}", short(stage))),
        Event::Failed { error, .. } => tell(format!("failed {}", error.chain())),
        Event::Warning { message, lost, .. } => tell(format!("warning {lost} {message}")),
        _ => {}
    }
}

fn run(store: &str, params: Params, arguments: &[String]) -> Result<u8> {
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let experiment = Experiment::new("shards", pipeline).record("base", params);
    let mut options = RunOptions::new().store(store).jobs(2).observer(observe);
    options = options.read_only(has("--read-only")).durable(has("--durable"));
    if has("--force") {
        options = options.force::<String>([]);
    }
    if has("--gate") {
        tell("ready");
        io::stdin().read_to_end(&mut Vec::new())?;
    }
    let outcome = experiment.run(&options)?;
    OVER.store(true, Ordering::SeqCst);
    tell(outcome.line());
    if outcome.failed == 0 {
        tell(format!("values {}", outcome.output::<String>("base", "total")?.load()?));
    }
    Ok(outcome.exit_code())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let params = |count: &str, order: &String| -> Result<Params> {
        Ok(Params { count: count.parse()?, order: order.clone() })
    };
    let code = match &arguments[..] {
        [mode, count, order] if mode == "expected" => {
            params(count, order).and_then(|params| expected(&params)).map(|values| {
                tell(format!("values {values}"));
                0
            })
        }
        [mode, store, count, order, rest @ ..] if mode == "run" => {
            params(count, order).and_then(|params| run(store, params, rest))
        }
        _ => Err("run STORE COUNT ORDER [FLAG..] | expected COUNT ORDER".into()),
    };
    code.map_or_else(
        |error| {
            tell(format!("error {error}"));
            ExitCode::from(2)
        },
        ExitCode::from,
    )
}
