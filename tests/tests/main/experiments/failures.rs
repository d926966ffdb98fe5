//! What fails, what is skipped for it, and what goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use memo_runtime::Event;

use crate::common::*;

#[derive(Clone, Default, Serialize, Deserialize)]
struct Params {
    fails: String,
}

#[stage(outputs = [one], cachers = [Json])]
fn one(params: &Params) -> Result<u32> {
    if params.fails == "one" { Err("one has failed".into()) } else { Ok(1) }
}

#[stage(inputs = [one], outputs = [two], cachers = [Json])]
fn two(params: &Params, one: &u32) -> Result<u32> {
    assert!(params.fails != "two", "two has panicked");
    Ok(one + 1)
}

#[stage(inputs = [two], outputs = [three], cachers = [Json])]
fn three(two: &u32) -> u32 {
    two + 1
}

#[stage(outputs = [aside], cachers = [Json])]
fn aside(params: &Params) -> usize {
    params.fails.len()
}

fn pipeline(record: &mut Record<Params>) -> Result<()> {
    one(record)?;
    two(record)?;
    three(record)?;
    aside(record)?;
    Ok(())
}

fn failing(fails: &[&str]) -> Experiment<Params> {
    let params = |fails: &str| Params { fails: fails.to_owned() };
    let records = fails.iter().map(|fails| (format!("r-{fails}"), params(fails)));
    Experiment::new("failing", pipeline).records(records)
}

#[test]
fn a_failure_stops_only_what_depends_on_it() {
    for jobs in [1, 8] {
        let lab = Lab::new();
        let experiment = failing(&["one", "two", "none"]);
        let outcome = experiment.run(&lab.options().jobs(jobs)).unwrap();
        // `aside` three times, `one`, `two` and `three` of the last, `one` of the second.
        assert_eq!((outcome.failed, outcome.skipped, outcome.ran), (2, 3, 7), "{outcome:?}");
        assert_eq!(outcome.exit_code(), 1);
        assert_eq!(*outcome.output::<u32>("r-none", "three").unwrap().load().unwrap(), 3);
        assert!(outcome.output::<u32>("r-one", "three").unwrap().load().is_err());
        let mut texts: Vec<_> = outcome.failures.iter().map(Error::chain).collect();
        texts.sort();
        assert!(texts[0].contains("`r-one`") && texts[0].contains("one has failed"), "{texts:?}");
        assert!(texts[1].contains("`r-two`") && texts[1].contains("two has panicked"), "{texts:?}");
        // The next run makes just what has failed, and what waits for it.
        lab.lines();
        let outcome = experiment.run(&lab.options().jobs(jobs)).unwrap();
        assert_eq!((outcome.failed, outcome.skipped, outcome.cached), (2, 3, 7));
        assert_eq!(lab.ran_sorted(), ["one", "two"]);
    }
}

#[test]
fn what_is_skipped_says_because_of_whom() {
    let lab = Lab::new();
    failing(&["one"]).run(&lab.options()).unwrap();
    let skipped: Vec<_> = lab
        .recorder()
        .take()
        .into_iter()
        .filter_map(|event| match event {
            Event::Skipped { stage, because, .. } => Some((stage, because)),
            _ => None,
        })
        .collect();
    assert_eq!(skipped.len(), 2);
    assert!(skipped.iter().all(|(_, because)| because.ends_with("::one")), "{skipped:?}");
}

#[test]
fn exit_codes_tell_what_became_of_it() {
    let lab = Lab::new();
    assert_eq!(failing(&["none"]).run(&lab.options()).unwrap().exit_code(), 0);
    assert_eq!(failing(&["none"]).run(&lab.options()).unwrap().exit_code(), 0);
    assert_eq!(failing(&["two"]).run(&lab.options()).unwrap().exit_code(), 1);
    let outcome = failing(&["new"]).run(&lab.options().read_only(true)).unwrap();
    assert_eq!((outcome.exit_code(), outcome.ran, outcome.lost), (3, 4, 4));
}

#[test]
fn fail_fast_starts_nothing_more() {
    let lab = Lab::new();
    let outcome = failing(&["one", "two", "none"]).run(&lab.options().jobs(1).fail_fast(true));
    let outcome = outcome.unwrap();
    assert_eq!((outcome.failed, outcome.exit_code()), (1, 1));
    assert!(outcome.ran < 7, "{outcome:?}");
}

static INTERRUPT: std::sync::OnceLock<Arc<AtomicBool>> = std::sync::OnceLock::new();
static AFTER: AtomicUsize = AtomicUsize::new(0);

#[stage(outputs = [first], cachers = [Json])]
fn interrupts(ctx: &Context) -> bool {
    INTERRUPT.get().unwrap().store(true, Ordering::SeqCst);
    ctx.is_interrupted()
}

#[stage(inputs = [first], outputs = [second], cachers = [Json])]
fn after(first: &bool) -> bool {
    AFTER.fetch_add(1, Ordering::SeqCst);
    *first
}

#[test]
fn an_interrupted_run_ends_what_runs_and_starts_nothing_more() {
    let lab = Lab::new();
    let flag = INTERRUPT.get_or_init(Arc::default);
    let experiment = Experiment::new("interrupted", |record: &mut Record<()>| {
        interrupts(record)?;
        after(record)?;
        Ok(())
    });
    let experiment = experiment.record("base", ());
    let outcome = experiment.run(&lab.options().interrupted_by(Arc::clone(flag))).unwrap();
    assert!(outcome.interrupted);
    assert_eq!((outcome.exit_code(), outcome.ran, outcome.failed), (130, 1, 0));
    assert_eq!(AFTER.load(Ordering::SeqCst), 0);
    // What was finished is kept.
    let outcome = experiment.run(&lab.options()).unwrap();
    assert_eq!((outcome.cached, outcome.ran, outcome.exit_code()), (1, 1, 0));
}

#[test]
fn the_last_line_adds_up() {
    let lab = Lab::new();
    failing(&["none"]).run(&lab.options()).unwrap();
    let outcome = failing(&["one", "none"]).run(&lab.options()).unwrap();
    let line = outcome.line();
    assert!(line.starts_with("4 cached, 1 ran, 1 failed, 2 skipped in "), "{line}");
    let (cached, ran) = outcome.stages.iter().fold((0, 0), |(c, r), s| (c + s.cached, r + s.ran));
    assert_eq!((cached, ran), (4, 1));
}
