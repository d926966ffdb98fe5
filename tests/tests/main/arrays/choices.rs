//! The options of a stage and of a run, on array stages.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use crate::arrays::{shards_in, shards_of};
use crate::common::*;
use memo_tests::{Child, in_a_process};

const ALL: [usize; 4] = [0, 1, 2, 3];

/// Calls a stage on a record with four pages, and returns which shards ran.
fn run<P: Serialize + Send + Sync + 'static>(
    lab: &Lab,
    params: P,
    call: impl FnOnce(&mut Record<P>) -> Result<()>,
) -> Vec<usize> {
    let mut record = lab.record(params);
    record.insert("pages", vec![1_u32, 2, 3, 4]).unwrap();
    call(&mut record).unwrap();
    shards_of(lab, "")
}

#[stage(each = [page in pages], outputs = [uncached], cachers = [Json], cache = false)]
fn uncached(page: u32) -> u32 {
    page * 10
}

#[stage(each = [value in uncached], outputs = [after], cachers = [Json])]
fn after_uncached(value: u32) -> u32 {
    value + 1
}

#[test]
fn without_caching_every_shard_runs_and_so_does_what_follows() {
    let lab = Lab::new();
    for _ in 0..2 {
        let ran = run(&lab, (), |record| {
            assert_eq!(uncached(record)?.collect()?, [10, 20, 30, 40]);
            assert_eq!(after_uncached(record)?.collect()?, [11, 21, 31, 41]);
            Ok(())
        });
        assert_eq!(ran, [0, 0, 1, 1, 2, 2, 3, 3]);
    }
    assert!(lab.files("/shards/").is_empty());
}

static FRESH: AtomicU32 = AtomicU32::new(0);

#[stage(each = [page in pages], outputs = [fresh], cachers = [Json], rerun = true)]
fn fresh(page: u32) -> u32 {
    page * 10 + if page == 2 { FRESH.load(Ordering::SeqCst) } else { 0 }
}

#[stage(each = [value in fresh], outputs = [read], cachers = [Json])]
fn read_fresh(value: u32) -> u32 {
    value + 1
}

#[test]
fn what_runs_again_lets_only_a_difference_go_on() {
    let lab = Lab::new();
    let run = || {
        let mut record = lab.record(());
        record.insert("pages", vec![1_u32, 2, 3, 4]).unwrap();
        fresh(&mut record).unwrap();
        let values = read_fresh(&mut record).unwrap().collect().unwrap();
        let events = lab.recorder().take();
        (values, shards_in(&events, "::fresh"), shards_in(&events, "read_fresh"))
    };
    assert_eq!(run(), (vec![11, 21, 31, 41], ALL.to_vec(), ALL.to_vec()));
    assert_eq!(run(), (vec![11, 21, 31, 41], ALL.to_vec(), vec![]));
    FRESH.store(5, Ordering::SeqCst);
    assert_eq!(run(), (vec![11, 26, 31, 41], ALL.to_vec(), vec![1]));
    FRESH.store(0, Ordering::SeqCst);
    assert_eq!(run(), (vec![11, 21, 31, 41], ALL.to_vec(), vec![]));
}

mod first {
    use crate::common::*;

    #[stage(
        name = "arrays::versioned", each = [page in pages], outputs = [x], cachers = [Json],
        version = 1, code = manual
    )]
    pub(super) fn versioned(page: u32) -> u32 {
        page
    }
}

mod second {
    use crate::common::*;

    #[stage(
        name = "arrays::versioned", each = [page in pages], outputs = [x], cachers = [Json],
        version = 2, code = manual
    )]
    pub(super) fn versioned(page: u32) -> u32 {
        page
    }
}

/// Two programs, one of which has the stage in another version.
#[test]
fn another_version_runs_every_shard() {
    if let Some(child) = Child::here() {
        let mut record = child.record(());
        record.insert("pages", vec![1_u32, 2, 3, 4]).unwrap();
        match &*child.variant {
            "1" => first::versioned(&mut record).unwrap(),
            _ => second::versioned(&mut record).unwrap(),
        };
        return child.report();
    }
    let lab = Lab::new();
    let ran = |version: &str| {
        let test = "arrays::choices::another_version_runs_every_shard";
        let lines = in_a_process(&lab, test, version, &[]);
        lines.iter().filter(|line| line.starts_with("ran versioned ")).count()
    };
    assert_eq!(["1", "1", "2", "2", "1"].map(ran), [4, 0, 4, 0, 0]);
}

#[derive(Clone, Serialize)]
struct Params {
    factor: u32,
    unread: u32,
}

#[stage(each = [page in pages], inputs = [offset], outputs = [scaled], cachers = [Json])]
fn scaled(params: &Params, page: u32, offset: &u32, exponent: u32) -> u32 {
    page.pow(exponent) * params.factor + offset
}

#[test]
fn what_all_shards_share_is_in_the_key_of_each() {
    let lab = Lab::new();
    let run = |factor, unread, offset: u32, exponent| {
        run(&lab, Params { factor, unread }, |record| {
            record.insert("offset", offset)?;
            let values = scaled(record, exponent)?.collect()?;
            assert_eq!(values[1], 2_u32.pow(exponent) * factor + offset);
            Ok(())
        })
    };
    assert_eq!(run(1, 1, 0, 1), ALL);
    assert_eq!(run(1, 2, 0, 1), [0; 0], "a field that is not read");
    assert_eq!(run(2, 1, 0, 1), ALL);
    assert_eq!(run(1, 1, 7, 1), ALL);
    assert_eq!(run(1, 1, 0, 2), ALL);
    assert_eq!(run(1, 1, 0, 1), [0; 0]);
}

const TOKEN: &str = "hunter2-correct-horse";

#[stage(each = [page in pages], outputs = [fetched], cachers = [Json], secret = [token], retries = 1)]
fn fetch(ctx: &Context, page: u32, token: &str) -> Result<usize> {
    ctx.log(format!("page {page} with {token}"));
    if page == 3 {
        Err(format!("the server does not know {token}").into())
    } else {
        Ok(token.len())
    }
}

#[test]
fn a_secret_shows_nowhere() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("pages", vec![1_u32, 2, 3, 4]).unwrap();
    let told = fetch(&mut record, TOKEN).unwrap_err().chain();
    assert!(told.contains("shard 2: ") && told.contains("does not know (secret)"), "{told}");
    for event in lab.recorder().take() {
        let event = serde_json::to_string(&event).unwrap();
        assert!(!event.contains("hunter2"), "{event}");
    }
    let digest = memo_runtime::digest_of(TOKEN).unwrap().to_string();
    for file in memo_tests::files_below(&lab.store_path()) {
        let bytes = std::fs::read(&file).unwrap();
        for needle in ["hunter2", &digest[..16]] {
            let holds = bytes.windows(needle.len()).any(|part| part == needle.as_bytes());
            assert!(!holds, "{needle} in {}", file.display());
        }
    }
}

static VISITS: AtomicUsize = AtomicUsize::new(0);

#[stage(each = [page in pages], done = true)]
fn visit(page: u32) {
    VISITS.fetch_add(page as usize, Ordering::SeqCst);
}

static CALLS: AtomicUsize = AtomicUsize::new(0);

#[stage(each = [page in pages])]
fn call_each(page: u32) {
    CALLS.fetch_add(page as usize, Ordering::SeqCst);
}

#[test]
fn without_outputs_a_marker_is_kept_or_every_shard_runs() {
    let lab = Lab::new();
    for visits in [10, 10] {
        run(&lab, (), |record| Ok(visit(record)?));
        assert_eq!(VISITS.load(Ordering::SeqCst), visits);
    }
    for calls in [10, 20] {
        run(&lab, (), |record| Ok(call_each(record)?));
        assert_eq!(CALLS.load(Ordering::SeqCst), calls);
    }
}

#[stage(each = [page in pages], outputs = [held])]
fn held(page: u32) -> u32 {
    page * 10
}

#[stage(inputs = [held], outputs = [sum], cachers = [Json])]
fn sum_held(held: &Shards<u32>) -> Result<u32> {
    Ok(held.collect()?.iter().sum())
}

#[test]
fn without_cachers_shards_live_in_memory() {
    let lab = Lab::new();
    let ran = || {
        run(&lab, (), |record| {
            let values = held(record)?;
            assert_eq!(*sum_held(record)?.load()?, 100);
            assert_eq!(values.collect()?, [10, 20, 30, 40]);
            Ok(())
        })
    };
    assert_eq!((ran(), ran()), (ALL.to_vec(), ALL.to_vec()));
    assert!(lab.files("/shards/").is_empty());
}

static LIMIT: AtomicU32 = AtomicU32::new(100);

#[stage(each = [page in pages], outputs = [checked], cachers = [Json], validate = is_low)]
fn checked(page: u32) -> u32 {
    page * 10
}

fn is_low(value: &u32) -> bool {
    *value < LIMIT.load(Ordering::SeqCst)
}

/// Its validator reads a static, so it is asked each time.
#[test]
fn a_found_shard_that_is_invalid_now_runs_again() {
    let lab = Lab::new();
    let call = |record: &mut Record<()>| Ok(checked(record).map(drop)?);
    assert_eq!(run(&lab, (), call), ALL);
    assert_eq!(run(&lab, (), call), [0; 0]);
    LIMIT.store(35, Ordering::SeqCst);
    let mut record = lab.record(());
    record.insert("pages", vec![1_u32, 2, 3, 4]).unwrap();
    let told = checked(&mut record).unwrap_err().chain();
    assert!(told.contains("1 of 4 shards failed; shard 3: the result is invalid"), "{told}");
    assert_eq!(shards_of(&lab, "checked"), [3]);
    LIMIT.store(100, Ordering::SeqCst);
    assert_eq!(run(&lab, (), call), [0; 0], "what was kept is still there");
}

static STALE: AtomicBool = AtomicBool::new(false);

#[stage(each = [page in pages], outputs = [dated], cachers = [Json], expires = "7d")]
fn dated(page: u32) -> u32 {
    page + u32::from(STALE.load(Ordering::SeqCst))
}

/// Makes the lines of packs older, as if the clock had stood elsewhere, and forgets the indices over them.
fn age(lab: &Lab, which: impl Fn(u64) -> bool, milliseconds: i64) {
    const SUM: usize = 32;
    const PREFIX: &str = "{\"memo\":1,\"sum\":\"";
    for path in lab.files("/shards/") {
        let is_pack = path.extension().is_some_and(|extension| extension == "jsonl");
        if !is_pack {
            std::fs::remove_file(&path).unwrap();
            continue;
        }
        let mut text = String::new();
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let rest = &line[PREFIX.len() + SUM + 2..];
            let mut head: serde_json::Value = serde_json::from_str(&format!("{{{rest}")).unwrap();
            if which(head["index"].as_u64().unwrap()) {
                head["completed"] = (head["completed"].as_i64().unwrap() - milliseconds).into();
            }
            let body = format!("{}\n", &head.to_string()[1..]);
            let sum = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(body.as_bytes()));
            let line = format!("{PREFIX}{sum}\",{body}");
            text += &line;
        }
        std::fs::write(&path, text).unwrap();
    }
}

#[test]
fn a_shard_is_served_until_it_is_too_old() {
    const DAY: i64 = 24 * 3_600_000;
    let lab = Lab::new();
    let call = |record: &mut Record<()>| Ok(dated(record).map(drop)?);
    assert_eq!(run(&lab, (), call), ALL);
    age(&lab, |_| true, 6 * DAY);
    assert_eq!(run(&lab, (), call), [0; 0]);
    age(&lab, |shard| shard == 2, 2 * DAY);
    STALE.store(true, Ordering::SeqCst);
    assert_eq!(
        run(&lab, (), |record| {
            assert_eq!(dated(record)?.collect()?, [1, 2, 4, 4]);
            Ok(())
        }),
        [2]
    );
    assert_eq!(run(&lab, (), call), [0; 0]);
    assert_eq!(lab.warnings(), [""; 0]);
}

#[test]
fn what_runs_again_and_gives_the_same_takes_no_room() {
    let lab = Lab::new();
    let run = |value: u32| {
        ALWAYS.store(value, Ordering::SeqCst);
        let ran = run(&lab, (), |record| {
            always(record)?;
            Ok(())
        });
        assert_eq!(ran, ALL);
        let packs = lab.files("/shards/");
        let packs = packs.iter().filter(|path| path.extension().is_some_and(|e| e == "jsonl"));
        packs.map(|path| std::fs::read_to_string(path).unwrap().lines().count()).sum::<usize>()
    };
    assert_eq!((run(0), run(0), run(0)), (4, 4, 4));
    // The line of another value takes the place of its own.
    assert_eq!((run(7), run(7), run(0), run(0)), (5, 5, 6, 6));
    // What a line says that is damaged is said once more.
    for pack in lab.files("/shards/") {
        if pack.extension().is_some_and(|extension| extension == "jsonl") {
            let text = std::fs::read_to_string(&pack).unwrap();
            std::fs::write(&pack, text.replacen("\"text\":\"10", "\"text\":\"11", 1)).unwrap();
        }
    }
    assert_eq!((run(0), run(0)), (7, 7));
}

static ALWAYS: AtomicU32 = AtomicU32::new(0);

#[stage(each = [page in pages], outputs = [always], cachers = [Json], rerun = true)]
fn always(page: u32) -> u32 {
    page * 10 + if page == 2 { ALWAYS.load(Ordering::SeqCst) } else { 0 }
}
