//! Array stages in the program `memo`.

use std::path::Path;

use memo_runtime::prelude::*;
use memo_runtime::testing::Recorder;
use memo_runtime::{Event, Shards};

use super::{files, memo, store};

#[stage(name = "arrays::square", each = [page in pages], outputs = [square], cachers = [Json])]
fn square(page: &u64) -> u64 {
    page * page
}

mod after {
    use memo_runtime::prelude::*;

    #[stage(name = "arrays::square", each = [page in pages], outputs = [square], cachers = [Json])]
    pub fn square(page: &u64) -> u64 {
        page.pow(2)
    }
}

#[stage(each = [page in pages], outputs = [square], cachers = [Json], was = "arrays::square")]
fn renamed(page: &u64) -> u64 {
    page * page
}

#[stage(each = [page in square], outputs = [text], cachers = [Text])]
fn text(page: &u64) -> String {
    format!("<{page}>")
}

#[stage(each = [page in square], outputs = [text], cachers = [Text], was = "text")]
fn text_renamed(page: &u64) -> String {
    format!("<{page}>")
}

type Squares = fn(&mut Record<()>) -> Result<Shards<u64>, memo_runtime::Error>;
type Texts = fn(&mut Record<()>) -> Result<Shards<String>, memo_runtime::Error>;

/// Runs an array, and returns its values and how many bodies ran.
fn run(store: &Path, stage: Squares, pages: std::ops::Range<u64>) -> (Vec<u64>, usize) {
    let (mut record, recorder) = record(store, pages);
    let values = stage(&mut record).unwrap().collect().unwrap();
    (values, started(&recorder))
}

fn record(store: &Path, pages: std::ops::Range<u64>) -> (Record<()>, Recorder) {
    let recorder = Recorder::new();
    let store = Store::options().observer(recorder.clone()).open(store).unwrap();
    let mut record = Record::new(&store, "base", ());
    record.insert("pages", pages.collect::<Vec<u64>>()).unwrap();
    (record, recorder)
}

fn started(recorder: &Recorder) -> usize {
    let events = recorder.take();
    events.iter().filter(|event| matches!(event, Event::ShardStarted { .. })).count()
}

/// Lists the plan of an array: the verdict of each call.
fn plan(store: &Path, stage: Squares, pages: std::ops::Range<u64>) -> Vec<memo_runtime::Verdict> {
    let pages: Vec<u64> = pages.collect();
    let pipeline = move |record: &mut Record<()>| {
        record.insert("pages", pages.clone())?;
        stage(record)?;
        Ok(())
    };
    let experiment = Experiment::new("arrays", pipeline).record("base", ());
    let plan = experiment.plan(&RunOptions::new().store(store)).unwrap();
    plan.calls.into_iter().map(|call| call.verdict).collect()
}

fn squares(pages: std::ops::Range<u64>) -> Vec<u64> {
    pages.map(|page| page * page).collect()
}

#[test]
fn shards_are_listed_shown_and_exported() {
    let (folder, store) = store();
    run(&store, square, 0..12);
    run(&store, square, 0..14);
    let (told, code) = memo(&store, &["show", "square"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.starts_with("arrays::square\n  array "), "{told}");
    assert!(told.contains("14 shards, 28 B, the latest ") && told.contains(" (base)"), "{told}");
    let (told, _) = memo(&store, &["show", "square", "--shard", "13"]);
    assert!(told.contains("  shard 13 ") && told.contains("\n    square\n    169\n"), "{told}");
    let (told, code) = memo(&store, &["show", "square", "--shard", "14"]);
    assert_eq!((code, told.contains("no shard 14 of any array")), (Some(2), true), "{told}");
    let (told, code) = memo(&store, &["show", "square", "zz"]);
    assert_eq!((code, told.contains("begins with `zz`")), (Some(2), true), "{told}");

    let (told, _) = memo(&store, &["show", "square", "--format", "json"]);
    let line: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&line["event"], &line["shards"]), (&"array".into(), &14.into()));
    let key = line["key"].as_str().unwrap();
    let (told, _) = memo(&store, &["show", "square", &key[..10]]);
    assert_eq!(told.matches("  shard ").count(), 14, "{told}");

    let to = folder.path().join("values");
    let export = || memo(&store, &["export", "square", "--to", to.to_str().unwrap()]);
    let (told, code) = export();
    assert_eq!((code, told.contains("14 values in ")), (Some(0), true), "{told}");
    let mut exported = files(&to);
    exported.sort();
    assert_eq!(exported.len(), 14, "{exported:?}");
    let name = exported[13].file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("13-") && name.len() == 20, "{name}");
    assert_eq!(exported[13].extension().unwrap(), "json");
    assert_eq!(std::fs::read(&exported[13]).unwrap(), b"169");
    assert_eq!(export().1, Some(0), "what is there already is fine");
    std::fs::write(&exported[13], "mine").unwrap();
    let (told, code) = export();
    assert_eq!((code, told.contains("is not written over")), (Some(1), true), "{told}");
    assert_eq!(std::fs::read(&exported[13]).unwrap(), b"mine");
}

#[test]
fn entries_are_shown_and_exported_too() {
    let (folder, store) = store();
    super::run(&store, "before", &[]);
    let (told, code) = memo(&store, &["show", "fit"]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(told.matches("  entry ").count(), 2, "{told}");
    let to = folder.path().join("values");
    let (told, code) = memo(&store, &["export", "fit", "--to", to.to_str().unwrap()]);
    assert_eq!((code, files(&to).len()), (Some(0), 2), "{told}");
}

/// Lists the lines of all packs of a store.
fn packs(store: &Path) -> Vec<std::path::PathBuf> {
    let is_pack = |path: &std::path::PathBuf| {
        path.to_string_lossy().contains("/shards/")
            && path.extension().is_some_and(|e| e == "jsonl")
    };
    files(store).into_iter().filter(is_pack).collect()
}

#[test]
fn damaged_packs_are_told() {
    let (folder, store) = store();
    run(&store, square, 0..5);
    let pack = packs(&store).remove(0);
    damage(&pack);
    let to = folder.path().join("values");
    let export = || memo(&store, &["export", "square", "--to", to.to_str().unwrap()]);
    let (told, code) = memo(&store, &["show", "square"]);
    assert_eq!((code, told.contains("1 damaged line")), (Some(0), true), "{told}");
    let (told, code) = export();
    assert_eq!((code, told.contains("could not be exported")), (Some(1), true), "{told}");
    assert_eq!(files(&to).len(), 4);
    for content in [&b"\0\xff\n{}\n"[..], b""] {
        std::fs::write(&pack, content).unwrap();
        let (told, code) = memo(&store, &["show", "square"]);
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains("no line of its packs can be read"), "{told}");
        for command in ["why", "accept"] {
            let (told, code) = memo(&store, &[command, "square"]);
            assert!(code.is_some_and(|code| code <= 2), "{told}");
        }
    }
}

#[test]
fn a_renamed_array_runs_no_body() {
    let (_folder, store) = store();
    assert_eq!(run(&store, square, 0..9), (squares(0..9), 9));
    let verdicts = plan(&store, renamed, 0..9);
    assert!(matches!(verdicts[..], [memo_runtime::Verdict::Cached]), "{verdicts:?}");
    assert_eq!(packs(&store).len(), 1, "a plan writes nothing");
    assert_eq!(run(&store, renamed, 0..10), (squares(0..10), 1));
    assert_eq!(run(&store, renamed, 0..10), (squares(0..10), 0));
    // It was carried over: the former name may go.
    let former =
        packs(&store).into_iter().filter(|p| p.to_string_lossy().contains("arrays.square"));
    former.for_each(|pack| std::fs::remove_file(pack).unwrap());
    assert_eq!(run(&store, renamed, 0..10), (squares(0..10), 0));
    let (told, code) = memo(&store, &["why", "renamed"]);
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn the_shards_of_renamed_arrays_are_elements_as_before() {
    let (_folder, path) = store();
    let run = |squares: Squares, texts: Texts| {
        let (mut record, recorder) = record(&path, 0..4);
        squares(&mut record).unwrap();
        let texts = texts(&mut record).unwrap().collect().unwrap();
        assert_eq!(texts, ["<0>", "<1>", "<4>", "<9>"]);
        started(&recorder)
    };
    assert_eq!(run(square, text), 8);
    assert_eq!(run(renamed, text), 0);
    assert_eq!(run(renamed, text_renamed), 0);
    assert_eq!(run(square, text_renamed), 0);
}

/// What another process does, as two stages of one name cannot be in the same.
pub(super) fn play(arguments: &str) {
    let (store, arguments) = arguments.split_once('\n').unwrap();
    let (store, count) = (Path::new(store), arguments[1..].parse().unwrap());
    match &arguments[..1] {
        "p" => println!("told {:?}", plan(store, after::square, 0..count)),
        "r" => println!("told {:?}", run(store, after::square, 0..count)),
        _ => {
            let (mut record, recorder) = record(store, 0..count);
            let shards = after::square(&mut record).unwrap();
            damage(&packs(store)[0]);
            let values = shards.collect().unwrap();
            println!("told {:?}", (values, started(&recorder)));
        }
    }
}

/// Has another process plan or run the array with other code, and returns what it said.
fn after(store: &Path, what: &str) -> String {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(super::VARIANT, "arrays")
        .env(super::ARGUMENTS, format!("{}\n{what}", store.display()))
        .output()
        .unwrap();
    let text = super::text(&output);
    let told = text.lines().find_map(|line| line.split_once("told ")).map(|(_, told)| told);
    told.unwrap_or_else(|| panic!("{text}")).to_owned()
}

fn damage(pack: &Path) {
    let text = std::fs::read_to_string(pack).unwrap();
    std::fs::write(pack, text.replacen("\"text\":\"9\"", "\"text\":\"8\"", 1)).unwrap();
}

#[test]
fn shards_of_accepted_code_are_found_until_that_is_taken_back() {
    let (_folder, store) = store();
    assert_eq!(run(&store, square, 0..9).1, 9);
    let before = packs(&store);
    let told = |pages, ran: usize| format!("{:?}", (squares(0..pages), ran));
    assert!(after(&store, "p9").contains("WillRun"));
    let (said, code) = memo(&store, &["accept", "square"]);
    assert_eq!((code, said.contains("1 entry with 9 shards will be")), (Some(0), true), "{said}");
    assert_eq!(after(&store, "p9"), "[Cached]");
    assert_eq!(after(&store, "r9"), told(9, 0));
    assert_eq!(packs(&store), before, "they are read where they lie");
    assert_eq!(after(&store, "r11"), told(11, 2));
    let (said, code) = memo(&store, &["accept", "--revert", "square"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(after(&store, "r11"), told(11, 9));
    assert_eq!(run(&store, square, 0..9).1, 0);
}

#[test]
fn a_shard_that_cannot_be_read_where_it_was_is_computed_again() {
    let (_folder, store) = store();
    run(&store, square, 0..4);
    after(&store, "p4");
    memo(&store, &["accept", "square"]);
    let told = |ran: usize| format!("{:?}", (squares(0..4), ran));
    assert_eq!(after(&store, "d4"), told(1));
    assert_eq!(after(&store, "r4"), told(0));
}

#[test]
fn why_tells_of_shards() {
    let (_folder, store) = store();
    let run = |count: u64| {
        let pipeline = move |record: &mut Record<()>| {
            record.insert("pages", (0..count).collect::<Vec<u64>>())?;
            square(record)?;
            Ok(())
        };
        let experiment = Experiment::new("arrays", pipeline).record("base", ());
        experiment.run(&RunOptions::new().store(&store).observer(Recorder::new())).unwrap();
    };
    run(9);
    let (told, code) = memo(&store, &["why", "square"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("why: never ran") && told.contains(": 9 shards, the latest "), "{told}");
    assert!(!told.contains("why the latest"), "{told}");
    run(11);
    let (told, _) = memo(&store, &["why", "square", "--record", "base"]);
    assert!(told.contains(": 11 shards, the latest "), "{told}");
    assert!(told.contains("why the latest: 2 of 11 shards are not there: 9, 10 (run "), "{told}");
    // A run that was killed leaves shards without an entry.
    let entries = files(&store).into_iter().filter(|p| p.to_string_lossy().contains("/entries/"));
    entries.for_each(|entry| std::fs::remove_file(entry).unwrap());
    let (told, code) = memo(&store, &["why", "square"]);
    assert_eq!((code, told.contains("11 shards")), (Some(0), true), "{told}");
}

#[test]
fn plans_and_tables_count_shards() {
    let (_folder, store) = store();
    let pipeline = |record: &mut Record<u64>| {
        record.insert("pages", (0..*record.params()).collect::<Vec<u64>>())?;
        square(record)?;
        text(record)?;
        Ok(())
    };
    let options = RunOptions::new().store(&store).observer(Recorder::new());
    let experiment = |count: u64| Experiment::new("arrays", pipeline).record("base", count);
    let planned = |count: u64| {
        let plan = experiment(count).plan(&options).unwrap();
        let shards =
            plan.calls.iter().map(|call| call.shards.map(|s| (s.total, s.cached, s.waiting)));
        (shards.collect::<Vec<_>>(), plan.calls.iter().all(|call| call.seconds.is_some()))
    };
    assert_eq!(planned(9), (vec![Some((9, 0, 0)), Some((9, 0, 9))], false));
    experiment(9).run(&options).unwrap();
    assert_eq!(planned(9), (vec![Some((9, 9, 0)), Some((9, 9, 0))], true));
    assert_eq!(planned(11), (vec![Some((11, 9, 0)), Some((11, 9, 2))], false));
    let outcome = experiment(11).run(&options).unwrap();
    let counts: Vec<_> =
        outcome.stages.iter().map(|stage| (stage.shards_ran, stage.shards_cached)).collect();
    assert_eq!(counts, [(2, 9), (2, 9)]);
    let (told, _) = memo(&store, &["why", "text"]);
    assert!(told.contains("why the latest: 2 of 11 shards are not there: 9, 10 (run "), "{told}");
}
