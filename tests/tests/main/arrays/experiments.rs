//! Array stages in experiments: plans, choices, many records, aggregates, interruptions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use memo_runtime::{Event, Verdict};

use crate::arrays::shards_in;
use crate::common::*;

#[derive(Clone, Serialize, Deserialize)]
struct Params {
    count: u32,
    offset: u32,
}

fn params(count: u32, offset: u32) -> Params {
    Params { count, offset }
}

#[stage(outputs = [pages], cachers = [Json])]
fn split(params: &Params) -> Vec<u32> {
    (0..params.count).collect()
}

#[stage(each = [page in pages], outputs = [square], cachers = [Json])]
fn square(ctx: &Context, page: u32) -> u32 {
    ctx.log(format!("page {page}"));
    page * page
}

#[stage(each = [square in square], outputs = [shifted], cachers = [Json])]
fn shift(params: &Params, square: u32) -> u32 {
    square + params.offset
}

#[stage(inputs = [shifted], outputs = [total], cachers = [Json])]
fn total(shifted: &Shards<u32>) -> Result<u32> {
    Ok(shifted.collect()?.iter().sum())
}

#[aggregate(inputs = [total], outputs = [totals], cachers = [Json])]
fn compare(total: Across<u32>) -> Result<Vec<u32>> {
    Ok(total.iter().map(|item| item.load().map(|total| *total)).collect::<Result<_, _>>()?)
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    split(record)?;
    square(record)?;
    shift(record)?;
    total(record)?;
    Ok(())
}

fn experiment(records: impl IntoIterator<Item = Params>) -> Experiment<Params> {
    let named = |(number, params)| (format!("r{number}"), params);
    let records = records.into_iter().enumerate().map(named);
    Experiment::new("squares", pipeline).records(records).aggregate(compare)
}

fn started(lab: &Lab) -> [usize; 2] {
    let events = lab.recorder().take();
    ["square", "shift"].map(|stage| shards_in(&events, stage).len())
}

#[test]
fn equal_work_of_many_records_is_shared() {
    for jobs in [1, 8] {
        let lab = Lab::new();
        let run = |experiment: Experiment<Params>| {
            let outcome = experiment.run(&lab.options().jobs(jobs)).unwrap();
            assert_eq!(outcome.exit_code(), 0, "{outcome:?}");
            (outcome.aggregated::<Vec<u32>>("totals").unwrap().load().unwrap(), started(&lab))
        };
        // 200 records, two lengths, four offsets.
        let records = || (0..200).map(|n| params(5 + n % 2, n / 2 % 4));
        let (totals, ran) = run(experiment(records()));
        let right: Vec<u32> =
            records().map(|p| (0..p.count).map(|x| x * x + p.offset).sum()).collect();
        assert_eq!(*totals, right);
        // Arrays of different lengths share their shards as well: 6 squares, each shifted in four ways.
        assert_eq!(ran, [6, 4 * 6]);
        assert_eq!(run(experiment(records())), (totals, [0, 0]));
        assert_eq!(run(experiment([params(7, 0)])).1, [1, 1]);
    }
}

#[test]
fn one_job_and_eight_give_the_same_files() {
    let kept = |jobs| {
        let lab = Lab::new();
        experiment([params(20, 1), params(20, 2)]).run(&lab.options().jobs(jobs)).unwrap();
        let artifacts = |path: &std::path::PathBuf| std::fs::read(path).unwrap();
        let outcome = experiment([params(20, 1), params(20, 2)]).run(&lab.options()).unwrap();
        let digest = |name| outcome.output::<u32>(name, "total").unwrap().digest().unwrap();
        let packs = lab.files("/shards/");
        let mut keys: Vec<String> = Vec::new();
        for pack in packs.iter().filter(|path| path.extension().unwrap() == "jsonl") {
            for line in std::fs::read_to_string(pack).unwrap().lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                keys.push(format!("{} {}", line["key"], line["outputs"]));
            }
        }
        keys.sort();
        (
            keys,
            digest("r0"),
            digest("r1"),
            lab.artifacts().iter().map(artifacts).collect::<Vec<_>>(),
        )
    };
    let one = kept(1);
    assert_eq!(one.0.len(), 60);
    assert_eq!(kept(8), one);
}

#[test]
fn a_plan_runs_nothing_and_knows_which_shards_are_new() {
    let lab = Lab::new();
    let plan = |count| {
        let plan = experiment([params(count, 1)]).plan(&lab.options()).unwrap();
        assert_eq!(started(&lab), [0, 0]);
        let verdict = |stage: &str| {
            let call = plan.calls.iter().find(|call| call.stage.ends_with(stage)).unwrap();
            call.verdict.clone()
        };
        ["split", "square", "shift", "total"].map(verdict)
    };
    assert!(!plan(4).contains(&Verdict::Cached));
    experiment([params(4, 1)]).run(&lab.options()).unwrap();
    lab.recorder().take();
    assert!(plan(4).iter().all(|verdict| *verdict == Verdict::Cached));
    assert!(!plan(5).contains(&Verdict::Cached));
    assert_eq!(lab.files("/v1/tmp/"), [""; 0].map(std::path::PathBuf::from));
}

#[test]
fn a_stage_may_be_forced_or_left_uncached_for_a_run() {
    let lab = Lab::new();
    let experiment = experiment([params(4, 1)]);
    experiment.run(&lab.options()).unwrap();
    lab.recorder().take();
    let run = |options: RunOptions| {
        let outcome = experiment.run(&options).unwrap();
        assert_eq!(outcome.exit_code(), 0);
        let ran = started(&lab);
        assert_eq!(*outcome.aggregated::<Vec<u32>>("totals").unwrap().load().unwrap(), [18]);
        assert_eq!(started(&lab), [0, 0], "what nobody reads after it is there");
        ran
    };
    assert_eq!(run(lab.options()), [0, 0]);
    assert_eq!(run(lab.options().force(["square"])), [4, 0]);
    assert_eq!(run(lab.options().force(["shift"])), [0, 4]);
    assert_eq!(run(lab.options().force::<String>([])), [4, 4]);
    let kept = memo_tests::files_below(&lab.store_path());
    // All but the source, and nothing is written.
    assert_eq!(run(lab.options().no_cache(["square"])), [4, 4]);
    let shards = |files: &[std::path::PathBuf]| {
        files.iter().filter(|path| path.to_string_lossy().contains("/v1/shards/")).count()
    };
    assert_eq!(shards(&memo_tests::files_below(&lab.store_path())), shards(&kept));
    assert_eq!(run(lab.options()), [0, 0]);
    assert_eq!(lab.warnings(), [""; 0]);
}

/// All shards of `shift` are found, though it is known only when those of `square` have run.
#[test]
fn an_array_that_runs_no_shard_is_found() {
    let lab = Lab::new();
    let experiment = experiment([params(4, 1)]);
    experiment.run(&lab.options()).unwrap();
    lab.recorder().take();
    let outcome = experiment.run(&lab.options().force(["square"])).unwrap();
    assert_eq!((outcome.ran, outcome.cached), (1, 4));
    assert_eq!(lab.ran(), ["square"]);
}

#[test]
fn what_shards_log_is_kept_with_them() {
    let lab = Lab::new();
    experiment([params(3, 1)]).run(&lab.options().jobs(1)).unwrap();
    let packs = lab.files("/shards/main.arrays.experiments.square/");
    let pack = packs.iter().find(|path| path.extension().unwrap() == "jsonl").unwrap();
    let text = std::fs::read_to_string(pack).unwrap();
    let logged: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["log"].clone())
        .collect();
    assert_eq!(logged, [["page 0"], ["page 1"], ["page 2"]].map(|log| serde_json::json!(log)));
}

static STOP: std::sync::OnceLock<Arc<AtomicBool>> = std::sync::OnceLock::new();

#[stage(each = [page in pages], outputs = [stopping], cachers = [Json])]
fn stopping(page: u32) -> u32 {
    if page == 6 {
        STOP.get().unwrap().store(true, Ordering::SeqCst);
    }
    page
}

#[test]
fn interrupted_in_the_middle_what_has_finished_is_kept() {
    let lab = Lab::new();
    let stop = STOP.get_or_init(Arc::default);
    let experiment = Experiment::new("stopped", |record: &mut Record<Params>| {
        split(record)?;
        stopping(record)?;
        Ok(())
    });
    let experiment = experiment.record("base", params(20, 0));
    let options = lab.options().jobs(1).interrupted_by(Arc::clone(stop));
    let outcome = experiment.run(&options).unwrap();
    assert!(outcome.interrupted);
    assert_eq!((outcome.exit_code(), outcome.failed), (130, 0), "{outcome:?}");
    assert_eq!(super::shards_of(&lab, "stopping"), (0..7).collect::<Vec<_>>());
    let outcome = experiment.run(&lab.options()).unwrap();
    assert_eq!((outcome.exit_code(), outcome.ran), (0, 1));
    let events = lab.recorder().take();
    assert_eq!(shards_in(&events, "stopping"), (7..20).collect::<Vec<_>>());
    let counts = events.iter().find_map(|event| match event {
        Event::Shards { stage, total, cached, to_compute, missing, .. }
            if stage.ends_with("stopping") =>
        {
            Some((*total, *cached, *to_compute, missing.clone()))
        }
        _ => None,
    });
    assert_eq!(counts, Some((20, 7, 13, "7-19".to_owned())));
}

#[stage(each = [page in pages], outputs = [fragile], cachers = [Json])]
fn fragile(page: u32) -> Result<u32> {
    if page == 3 { Err("three".into()) } else { Ok(page) }
}

/// That one shard fails does not stop the others, unless asked for.
#[test]
fn fail_fast_starts_no_more_shards() {
    let lab = Lab::new();
    let experiment = Experiment::new("fragile", |record: &mut Record<Params>| {
        split(record)?;
        fragile(record)?;
        Ok(())
    });
    let experiment = experiment.record("base", params(20, 0));
    let outcome = experiment.run(&lab.options().jobs(1).fail_fast(true)).unwrap();
    assert_eq!((outcome.exit_code(), outcome.failed), (1, 1), "{outcome:?}");
    let told = outcome.failures[0].chain();
    assert!(told.contains("1 of 20 shards failed; shard 3: the stage failed: three"), "{told}");
    assert_eq!(super::shards_of(&lab, "fragile"), [0, 1, 2, 3]);
    let outcome = experiment.run(&lab.options()).unwrap();
    assert_eq!(outcome.exit_code(), 1);
    assert_eq!(super::shards_of(&lab, "fragile"), (3..20).collect::<Vec<_>>());
}

#[test]
fn branches_share_the_shards_so_far() {
    let lab = Lab::new();
    let experiment = Experiment::new("branches", |record: &mut Record<Params>| {
        split(record)?;
        square(record)?;
        for offset in [1, 2] {
            let params = Params { offset, ..record.params().clone() };
            let mut branch = record.branch(format!("offset={offset}"), params);
            shift(&mut branch)?;
            total(&mut branch)?;
        }
        Ok(())
    });
    let experiment = experiment.record("base", params(4, 0));
    experiment.run(&lab.options()).unwrap();
    assert_eq!(started(&lab), [4, 8]);
    experiment.run(&lab.options()).unwrap();
    assert_eq!(started(&lab), [0, 0]);
}

static SPLITS: AtomicUsize = AtomicUsize::new(0);

/// Counts how often it is read: what is shared by shards is loaded once.
struct Counting;

impl Cacheable<Vec<u32>> for Counting {
    fn format(&self) -> Format {
        Format::new("counting", 1)
    }

    fn save(&self, value: &Vec<u32>, artifact: &Artifact) -> Result<()> {
        Json.save(value, artifact)
    }

    fn load(&self, artifact: &Artifact) -> Result<Vec<u32>> {
        SPLITS.fetch_add(1, Ordering::SeqCst);
        Json.load(artifact)
    }
}

#[stage(outputs = [pages], cachers = [Counting])]
fn counted(params: &Params) -> Vec<u32> {
    (0..params.count).collect()
}

#[stage(each = [page in pages], inputs = [pages as all], outputs = [share], cachers = [Json])]
fn share(page: u32, all: &[u32], offset: u32) -> u32 {
    all.iter().sum::<u32>() + page + offset
}

#[test]
fn a_found_array_of_elements_is_read_once() {
    for jobs in [1, 4] {
        let lab = Lab::new();
        let run = |offset| {
            SPLITS.store(0, Ordering::SeqCst);
            let experiment = Experiment::new("read", move |record: &mut Record<Params>| {
                counted(record)?;
                share(record, offset)?;
                Ok(())
            });
            let outcome = experiment.record("base", params(50, 0)).run(&lab.options().jobs(jobs));
            assert_eq!(outcome.unwrap().exit_code(), 0);
            (super::shards_of(&lab, "share").len(), SPLITS.load(Ordering::SeqCst))
        };
        assert_eq!(run(1).0, 50);
        // It is found, and its elements' keys are needed: read once. Its value is in memory for the shards.
        assert_eq!(run(2), (50, 1));
        assert_eq!(run(2), (0, 1));
    }
}

#[stage(each = [item in items], outputs = [shown], cachers = [Text])]
fn show<
    T: std::fmt::Debug + Clone + Serialize + serde::de::DeserializeOwned + Send + Sync + 'static,
>(
    item: &T,
) -> String {
    format!("{item:?}")
}

#[test]
fn generic_arrays_have_shards_of_their_own() {
    let lab = Lab::new();
    let run = |lab: &Lab| {
        let mut record = lab.record(());
        record.insert("items", vec![1_u8, 2]).unwrap();
        let small = show::<u8>(&mut record).unwrap().collect().unwrap();
        let mut record = lab.record(());
        record.insert("items", vec![1_u64, 2, 3]).unwrap();
        let large = show::<u64>(&mut record).unwrap().collect().unwrap();
        assert_eq!((small.concat(), large.concat()), ("12".to_owned(), "123".to_owned()));
        super::shards_of(lab, "show").len()
    };
    assert_eq!((run(&lab), run(&lab)), (5, 0));
}

#[test]
fn a_started_array_is_waited_for_as_any_call() {
    let lab = Lab::new();
    let mut record = lab.record(params(4, 5));
    split(&mut record).unwrap();
    let squares = square::start(&mut record).unwrap();
    let shifted = shift::start(&mut record).unwrap();
    assert_eq!(shifted.wait().unwrap().collect().unwrap(), [5, 6, 9, 14]);
    squares.wait().unwrap();
    // The thread that has run it may be about to note that it has ended.
    let begin = std::time::Instant::now();
    while !squares.status().has_ended() && begin.elapsed().as_secs() < 60 {
        std::thread::yield_now();
    }
    assert!(squares.status().has_succeeded(), "{squares:?}");
    assert_eq!(started(&lab), [4, 4]);
    let mut record = lab.record(params(4, 5));
    split(&mut record).unwrap();
    assert_eq!(
        square::start(&mut record).unwrap().wait().unwrap().collect().unwrap(),
        [0, 1, 4, 9]
    );
    assert_eq!(started(&lab), [0, 0]);
}

#[test]
fn outputs_take_other_names() {
    let lab = Lab::new();
    let mut record = lab.record(params(3, 1));
    split(&mut record).unwrap();
    let one = square::named(&mut record, ["first"]).unwrap();
    let two = square::named(&mut record, ["second"]).unwrap();
    assert_eq!(one.collect().unwrap(), two.collect().unwrap());
    let told = chain(record.get::<u32>("first"));
    assert!(told.contains("Shards<u32>"), "{told}");
    assert_eq!(started(&lab), [3, 0]);
}

/// An array of arrays: the inner ones are elements of an outer one.
#[stage(each = [page in pages], outputs = [row], cachers = [Json])]
fn row(page: u32) -> Vec<u32> {
    (0..page).collect()
}

#[stage(inputs = [row], outputs = [flat], cachers = [Json])]
fn flatten(row: &Shards<Vec<u32>>) -> Result<Vec<u32>> {
    Ok(row.collect()?.concat())
}

#[stage(each = [cell in flat], outputs = [cell], cachers = [Json])]
fn cell(cell: u32) -> u32 {
    cell + 1
}

#[test]
fn arrays_over_what_arrays_gave() {
    let lab = Lab::new();
    let run = |count| {
        let experiment = Experiment::new("cells", |record: &mut Record<Params>| {
            split(record)?;
            row(record)?;
            flatten(record)?;
            cell(record)?;
            Ok(())
        });
        experiment.record("base", params(count, 0)).run(&lab.options()).unwrap();
        let events = lab.recorder().take();
        [shards_in(&events, "row"), shards_in(&events, "cell")]
    };
    // 0; 0 1; 0 1 2: three different cells, each computed once.
    assert_eq!(run(4), [vec![0, 1, 2, 3], vec![0, 2, 5]]);
    assert_eq!(run(4), [const { Vec::<usize>::new() }; 2]);
    assert_eq!(run(5), [vec![4], vec![9]]);
}
