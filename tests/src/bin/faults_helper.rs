//! A small experiment that the fault tests start, kill and starve.
//!
//! It tells on standard output what happens, one line an event, each written at once, so that whoever
//! kills it knows what it had reported by then.

use std::fmt::Display;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use memo_runtime::prelude::*;
use memo_runtime::testing::Shelf;
use memo_runtime::{Event, Outcome, Verdict};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Params {
    seed: u64,
    variant: u64,
}

#[derive(Debug, PartialEq)]
struct Model {
    weights: Vec<u8>,
    bias: Vec<u8>,
}

/// Keeps a model as two files.
struct TwoFiles;

impl Cacheable<Model> for TwoFiles {
    fn format(&self) -> Format {
        Format::new("model", 1)
    }

    fn save(&self, model: &Model, artifact: &Artifact) -> Result<()> {
        fs::write(artifact.path()?, &model.weights)?;
        fs::write(artifact.file("bias")?, &model.bias)?;
        Ok(())
    }

    fn load(&self, artifact: &Artifact) -> Result<Model> {
        Ok(Model { weights: fs::read(artifact.path()?)?, bias: fs::read(artifact.file("bias")?)? })
    }
}

/// Mixes a number so that neighbours have nothing in common.
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    number ^ (number >> 27)
}

fn bytes(seed: u64, count: u64) -> Vec<u8> {
    (0..count).map(|index| mix(seed ^ (index << 20)).to_le_bytes()[0]).collect()
}

/// Small: lies inside its manifest.
#[stage(outputs = [seeds], cachers = [Json])]
fn seeds(params: &Params) -> Vec<u64> {
    (0..20).map(|index| mix(params.seed + index)).collect()
}

/// 1 MB, spilled to a file while it is written.
#[stage(inputs = [seeds], outputs = [noise], cachers = [Bytes])]
fn noise(seeds: &[u64]) -> Vec<u8> {
    bytes(seeds[0], 1 << 20)
}

/// Two files, one of them large.
#[stage(inputs = [seeds], outputs = [model], cachers = [TwoFiles])]
fn model(params: &Params, seeds: &[u64]) -> Model {
    let seed = seeds[1] ^ params.variant;
    Model { weights: bytes(seed, 60_000), bias: bytes(!seed, 100) }
}

/// Two outputs: a file, and one inside the manifest.
#[stage(inputs = [noise, model], outputs = [rows, text], cachers = [Bincode, Text])]
fn both(noise: &[u8], model: &Model) -> (Vec<u64>, String) {
    let rows = noise.chunks(1024).zip(model.weights.iter().cycle());
    let rows: Vec<u64> = rows.map(|(chunk, weight)| mix(u64::from(chunk[0] ^ weight))).collect();
    (rows.clone(), format!("{rows:x?}")[..1000].to_owned())
}

#[stage(inputs = [rows, text], outputs = [total], cachers = [Json])]
fn total(rows: &[u64], text: &str) -> u64 {
    rows.iter().fold(text.len() as u64, |sum, row| mix(sum ^ row))
}

#[aggregate(inputs = [total], outputs = [sum], cachers = [Json])]
fn sum(total: Across<u64>) -> Result<u64> {
    let mut sum = 0_u64;
    for row in &total {
        sum = sum.wrapping_add(*row.load()?);
    }
    Ok(sum)
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    seeds(record)?;
    noise(record)?;
    model(record)?;
    both(record)?;
    total(record)?;
    Ok(())
}

const VARIANTS: [(&str, u64); 2] = [("one", 1), ("other", 2)];

/// What a run must give, computed without any store.
fn expected(seed: u64) -> String {
    let totals = VARIANTS.map(|(_, variant)| {
        let params = Params { seed, variant };
        let seeds = seeds::body(&params);
        let (rows, text) = both::body(&noise::body(&seeds), &model::body(&params, &seeds));
        total::body(&rows, &text)
    });
    let sum = totals.iter().fold(0_u64, |sum, total| sum.wrapping_add(*total));
    format!("{totals:?} {sum}")
}

fn found(outcome: &Outcome) -> Result<String> {
    let mut totals = Vec::new();
    for (name, _) in VARIANTS {
        totals.push(*outcome.output::<u64>(name, "total")?.load()?);
    }
    let sum = outcome.aggregated::<u64>("sum")?.load()?;
    Ok(format!("{totals:?} {sum}"))
}

/// One key that several processes want at once: the body ends when all of them have come.
#[stage(outputs = [lonely], cachers = [Json])]
fn lonely() -> Result<u64> {
    tell("body lonely");
    let (peers, arrived) = (variable("FAULTS_PEERS")?.parse()?, variable("FAULTS_ARRIVED")?);
    let start = Instant::now();
    while fs::metadata(&arrived)?.len() < peers {
        assert!(start.elapsed() < Duration::from_mins(1), "the others do not come");
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(17)
}

/// A body that does not end before standard input does.
#[stage(outputs = [held], cachers = [Bytes])]
fn held() -> Result<Vec<u8>> {
    tell("body held");
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(bytes(5, 10_000))
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).map_err(|error| format!("{name}: {error}").into())
}

/// Writes a line at once. Nobody may be listening any more, which is fine.
fn tell(line: impl Display) {
    let line = line.to_string().replace('\n', " ");
    let _ = writeln!(io::stdout(), "{line}");
}

/// Set when the run is over: what is loaded after it is no part of it.
static OVER: AtomicBool = AtomicBool::new(false);

fn observe(event: &Event) {
    match event {
        _ if OVER.load(Ordering::SeqCst) => {}
        Event::Hit { stage, key, .. } => tell(format!("hit {stage} {key}")),
        Event::Started { stage, key, reason, .. } => {
            tell(format!("started {stage} {key} {reason}"));
        }
        Event::Waiting { stage, key, .. } => tell(format!("waits {stage} {key}")),
        Event::Finished { stage, key, kept, .. } => {
            tell(format!("{} {stage} {key}", if *kept { "kept" } else { "lost" }));
        }
        Event::Failed { error, .. } => tell(format!("failed {}", error.chain())),
        Event::Loaded { output, .. } => tell(format!("loaded {output}")),
        Event::Warning { message, lost, .. } => tell(format!("warning {lost} {message}")),
        _ => {}
    }
}

/// Waits until all others are there as well.
fn gate(arguments: &[String]) -> Result<()> {
    if arguments.iter().any(|argument| argument == "--gate") {
        tell("ready");
        io::stdin().read_to_end(&mut Vec::new())?;
    }
    Ok(())
}

fn run_pipeline(store: &str, seed: u64, arguments: &[String]) -> Result<u8> {
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let records = VARIANTS.map(|(name, variant)| (name, Params { seed, variant }));
    let experiment = Experiment::new("faults", pipeline).records(records).aggregate(sum);
    let mut options = RunOptions::new().store(store).jobs(2).observer(observe);
    options = options.read_only(has("--read-only")).durable(has("--durable"));
    if has("--force") {
        options = options.force::<String>([]);
    }
    gate(arguments)?;
    if has("--plan") {
        let plan = experiment.plan(&options)?;
        let cached = plan.calls.iter().filter(|call| call.verdict == Verdict::Cached).count();
        tell(format!("plan {cached} of {}", plan.calls.len()));
        return Ok(0);
    }
    let outcome = experiment.run(&options)?;
    OVER.store(true, Ordering::SeqCst);
    tell(outcome.line());
    tell(format!("values {}", found(&outcome)?));
    Ok(outcome.exit_code())
}

fn run_one(store: &str, arguments: &[String]) -> Result<u8> {
    let store = Store::options().observer(observe).open(store)?;
    let mut record = Record::new(&store, "one", ());
    gate(arguments)?;
    if arguments.iter().any(|argument| argument == "held") {
        tell(format!("values {}", held(&mut record)?.load()?.len()));
    } else {
        let mut arrived = fs::File::options().append(true).open(variable("FAULTS_ARRIVED")?)?;
        arrived.write_all(b".")?;
        tell(format!("values {}", lonely(&mut record)?.load()?));
    }
    Ok(0)
}

/// Adds shards from two threads, whatever becomes of each. After the first that is lost, `room` is removed.
fn add_shards(store: &str, first: u64, count: u64, rest: &[String]) -> Result<u8> {
    let durable = rest.iter().any(|argument| argument == "--durable");
    let room = rest.iter().find(|argument| !argument.starts_with("--"));
    let shelf = Shelf::of(&Store::options().durable(durable).open(store)?);
    gate(rest)?;
    let one_at_a_time = Mutex::new(());
    let add = |number| match shelf.add(number) {
        Ok(()) => tell(format!("added {number}")),
        Err(error) => {
            // Who has lost one too waits until there is room, however long that takes here.
            let removes = one_at_a_time.lock();
            room.map(fs::remove_file);
            drop(removes);
            tell(format!("lost {number} {}", error.chain()));
        }
    };
    std::thread::scope(|scope| {
        for half in 0..2 {
            let numbers = (first..first + count).filter(move |number| number % 2 == half);
            let add = &add;
            scope.spawn(move || numbers.for_each(add));
        }
    });
    Ok(0)
}

/// Tells which shards are found and whole.
fn find_shards(store: &str, first: u64, count: u64) -> Result<u8> {
    let shelf = Shelf::of(&Store::options().read_only(true).open(store)?);
    let keys: Vec<_> = (first..first + count).map(Shelf::key).collect();
    shelf.find(&keys);
    for number in first..first + count {
        match shelf.read(number) {
            Ok(true) => tell(format!("found {number}")),
            Ok(false) => {}
            Err(error) => tell(format!("failed {number} {error}")),
        }
    }
    let [whole, damaged] = shelf.lines();
    tell(format!("lines {whole} {damaged}"));
    Ok(0)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let seed = |text: &String| text.parse().map_err(memo_runtime::BoxError::from);
    let code = match &arguments[..] {
        [mode, at] if mode == "expected" => seed(at).map(|seed| {
            tell(format!("values {}", expected(seed)));
            0
        }),
        [mode, store, at, rest @ ..] if mode == "pipeline" => {
            seed(at).and_then(|seed| run_pipeline(store, seed, rest))
        }
        [mode, store, rest @ ..] if mode == "one" => run_one(store, rest),
        [mode, store, first, count, rest @ ..] if mode == "add" => seed(first)
            .and_then(|first| seed(count).and_then(|count| add_shards(store, first, count, rest))),
        [mode, store, first, count] if mode == "find" => seed(first)
            .and_then(|first| seed(count).and_then(|count| find_shards(store, first, count))),
        _ => Err("pipeline STORE SEED [FLAG..] | one STORE [held] | expected SEED".into()),
    };
    code.map_or_else(
        |error| {
            tell(format!("error {error}"));
            ExitCode::from(2)
        },
        ExitCode::from,
    )
}
