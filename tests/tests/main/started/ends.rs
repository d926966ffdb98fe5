//! How started calls end, and what is told of that.

use std::sync::atomic::{AtomicUsize, Ordering};

use memo_runtime::{Event, Observer};

use super::*;

#[test]
fn a_call_is_pending_then_runs_then_has_succeeded() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let _opens = Opens(gate.clone());
    let store = Store::options().observer(lab.recorder()).jobs(1).open(lab.store_path()).unwrap();
    let mut record = Record::new(&store, "base", ());
    let first = number::start(&mut record, 1, gate.clone()).unwrap();
    gate.wait_for(1);
    let CallStatus::Running { since: began } = first.status() else { panic!("{first:?}") };
    let mut other = Record::new(&store, "other", ());
    let second = number::start(&mut other, 2, gate.clone()).unwrap();
    let CallStatus::Pending { since: started } = second.status() else { panic!("{second:?}") };
    assert!(began <= started);
    gate.open();
    let (first, second) = (poll(&first), poll(&second));
    assert!(first.has_succeeded() && second.has_succeeded());
    assert!(began <= first.since() && first.since() <= second.since());
    assert_eq!(lab.lines(), ["ran number: never ran", "ran number: never ran"]);
}

#[test]
fn waiting_gives_what_the_plain_call_gives() {
    let (lab, gate) = (Lab::new(), Gate::opened());
    let mut record = lab.record(());
    let call = number::start(&mut record, 1, gate.clone()).unwrap();
    assert_eq!(*call.wait().unwrap().load().unwrap(), 2);
    assert!(call.status().has_succeeded());
    assert_eq!(*record.get::<u32>("number").unwrap().load().unwrap(), 2);
    assert_eq!(*number(&mut record, 1, gate.clone()).unwrap().load().unwrap(), 2);
    assert_eq!(lab.lines(), ["ran number: never ran", "hit number"]);
    assert_eq!(gate.arrived(), 1);
}

#[test]
fn what_is_cached_has_succeeded_at_once() {
    let (lab, gate) = (Lab::new(), Gate::opened());
    number(&mut lab.record(()), 1, gate.clone()).unwrap();
    lab.lines();
    let mut record = lab.record(());
    let call = number::start(&mut record, 1, gate.clone()).unwrap();
    assert!(call.status().has_succeeded());
    // As does what this record holds already.
    assert!(number::start(&mut record, 1, gate.clone()).unwrap().status().has_succeeded());
    assert!(doubled(&mut record, gate.clone()).is_ok());
    assert!(doubled::start(&mut record, gate).unwrap().status().has_succeeded());
    let lines = ["hit number", "hit number", "ran doubled: never ran", "loaded number"];
    assert_eq!(lab.lines()[..4], lines);
}

#[test]
fn what_was_inserted_has_succeeded_at_once() {
    let (lab, gate) = (Lab::new(), Gate::opened());
    let mut record = lab.record(());
    record.insert("number", 7_u32).unwrap();
    let call = number::start(&mut record, 1, gate.clone()).unwrap();
    assert!(call.status().has_succeeded());
    assert_eq!(*call.wait().unwrap().load().unwrap(), 7);
    assert_eq!((gate.arrived(), lab.lines()), (0, Vec::new()));
}

#[stage(outputs = [never], cachers = [Json], skip = [gate])]
fn fails(gate: Gate) -> Result<u32> {
    gate.pass();
    Err("there is no value".into())
}

#[stage(outputs = [never], cachers = [Json], skip = [gate])]
fn panics(gate: Gate) -> u32 {
    gate.pass();
    panic!("no luck")
}

#[stage(inputs = [never], outputs = [after], cachers = [Json])]
fn after(never: &u32) -> u32 {
    *never
}

#[test]
fn a_failure_is_told_by_status_and_wait_and_is_not_remembered() {
    let (lab, gate) = (Lab::new(), Gate::opened());
    let mut record = lab.record(());
    for attempt in 1..=2 {
        let call = fails::start(&mut record, gate.clone()).unwrap();
        let CallStatus::Failed { error, .. } = poll(&call) else { panic!("{call:?}") };
        assert_eq!(error.kind(), ErrorKind::Stage);
        let chain = error.chain();
        assert!(
            chain.ends_with("of record `base`: the stage failed: there is no value"),
            "{chain}"
        );
        assert_eq!(call.wait().unwrap_err().chain(), chain);
        assert_eq!(record.get::<u32>("never").unwrap().load().unwrap_err().chain(), chain);
        assert_eq!(gate.arrived(), attempt);
    }
}

#[test]
fn a_panic_is_a_failure() {
    let (lab, gate) = (Lab::new(), Gate::opened());
    let call = panics::start(&mut lab.record(()), gate).unwrap();
    let told = call.wait().unwrap_err().chain();
    assert!(told.ends_with("the stage panicked: no luck"), "{told}");
    assert!(matches!(call.status(), CallStatus::Failed { .. }));
}

#[test]
fn what_reads_from_a_failed_call_fails_with_its_error() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let _opens = Opens(gate.clone());
    let mut record = lab.record(());
    fails::start(&mut record, gate.clone()).unwrap();
    let call = after::start(&mut record).unwrap();
    assert!(matches!(call.status(), CallStatus::Pending { .. }));
    gate.open();
    let CallStatus::Failed { error, .. } = poll(&call) else { panic!("{call:?}") };
    assert!(error.chain().ends_with("there is no value"), "{}", error.chain());
    // So does a plain call, whose own error would be that an input is not known.
    let told = after(&mut record).unwrap_err().chain();
    assert!(told.ends_with("there is no value"), "{told}");
    assert_eq!(lab.ran(), ["fails"]);
}

#[stage(outputs = [patient], cachers = [Json], skip = [gate])]
fn patient(gate: Gate, ctx: &Context) -> Result<u32> {
    gate.pass();
    if ctx.is_interrupted() { Err("stopped early".into()) } else { Ok(1) }
}

#[test]
fn a_call_that_has_not_begun_is_cancelled_at_once() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let _opens = Opens(gate.clone());
    let store = Store::options().observer(lab.recorder()).jobs(1).open(lab.store_path()).unwrap();
    let (mut one, mut two) = (Record::new(&store, "one", ()), Record::new(&store, "two", ()));
    let first = patient::start(&mut one, gate.clone()).unwrap();
    gate.wait_for(1);
    let call = number::start(&mut two, 1, gate.clone()).unwrap();
    call.cancel();
    assert!(matches!(call.status(), CallStatus::Cancelled { .. }), "{call:?}");
    assert_eq!(call.wait().unwrap_err().kind(), ErrorKind::Interrupted);
    gate.open();
    assert!(first.wait().is_ok());
    // It is not remembered as such.
    let again = number::start(&mut two, 1, gate).unwrap();
    assert_eq!(*again.wait().unwrap().load().unwrap(), 2);
    assert!(matches!(call.status(), CallStatus::Cancelled { .. }), "{call:?}");
    assert_eq!(lab.ran(), ["patient", "number"]);
}

#[test]
fn a_body_that_runs_sees_that_it_is_cancelled() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let _opens = Opens(gate.clone());
    let mut record = lab.record(());
    let call = patient::start(&mut record, gate.clone()).unwrap();
    gate.wait_for(1);
    call.cancel();
    assert!(matches!(call.status(), CallStatus::Running { .. }), "{call:?}");
    gate.open();
    let error = call.wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(error.chain().ends_with("cancelled: the stage failed: stopped early"), "{error:?}");
    assert!(matches!(call.status(), CallStatus::Cancelled { .. }), "{call:?}");
    assert_eq!(*patient(&mut record, gate).unwrap().load().unwrap(), 1);
}

#[test]
fn a_body_that_does_not_look_is_kept_though_it_was_cancelled() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let _opens = Opens(gate.clone());
    let mut record = lab.record(());
    let call = number::start(&mut record, 1, gate.clone()).unwrap();
    gate.wait_for(1);
    call.cancel();
    gate.open();
    let handle = call.wait().unwrap();
    assert!(call.status().has_succeeded());
    call.cancel();
    // What is cancelled later is not: a value that is damaged is made again.
    handle.evict();
    std::fs::remove_dir_all(lab.store_path().join("v1")).unwrap();
    assert_eq!(*handle.load().unwrap(), 2);
}

#[test]
fn a_call_that_two_records_want_is_cancelled_by_both() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let _opens = Opens(gate.clone());
    let store = lab.store();
    let (mut one, mut two) = (Record::new(&store, "one", ()), Record::new(&store, "two", ()));
    let first = patient::start(&mut one, gate.clone()).unwrap();
    gate.wait_for(1);
    let second = patient::start(&mut two, gate.clone()).unwrap();
    first.cancel();
    first.cancel();
    gate.open();
    assert_eq!(*second.wait().unwrap().load().unwrap(), 1);
    assert!(first.status().has_succeeded());
    assert_eq!(lab.ran(), ["patient"]);
}

#[test]
fn dropped_handles_records_and_stores_do_not_end_a_call() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let _opens = Opens(gate.clone());
    let store = lab.store();
    let mut record = Record::new(&store, "base", ());
    drop(number::start(&mut record, 1, gate.clone()).unwrap());
    drop(doubled::start(&mut record, gate.clone()).unwrap());
    gate.wait_for(1);
    drop((record, store));
    gate.open();
    let kept =
        || lab.recorder().events().iter().filter(|e| matches!(e, Event::Finished { .. })).count();
    while kept() < 2 {
        std::thread::yield_now();
    }
    lab.lines();
    let mut record = lab.record(());
    number(&mut record, 1, gate.clone()).unwrap();
    assert_eq!(*doubled(&mut record, gate).unwrap().load().unwrap(), 4);
    assert_eq!(lab.lines(), ["hit number", "hit doubled", "loaded doubled"]);
}

#[test]
fn a_store_that_is_read_only_computes_and_keeps_nothing() {
    let (lab, gate) = (Lab::new(), Gate::opened());
    let options = Store::options().read_only(true).observer(lab.recorder());
    let mut record = Record::new(&options.open(lab.store_path()).unwrap(), "base", ());
    number::start(&mut record, 1, gate.clone()).unwrap();
    let call = doubled::start(&mut record, gate).unwrap();
    assert_eq!(*call.wait().unwrap().load().unwrap(), 4);
    assert!(!lab.store_path().exists());
    assert_eq!(lab.ran(), ["number", "doubled"]);
}

/// An observer that panics as soon as a body is told to start.
#[derive(Default)]
struct Panics(AtomicUsize);

impl Observer for Panics {
    fn event(&self, event: &Event) {
        if let Event::Started { .. } = event {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic!("an observer has a bad day");
        }
    }
}

#[test]
fn a_panic_around_a_body_leaves_nobody_waiting() {
    let (lab, gate) = (Lab::new(), Gate::opened());
    let store = Store::options().observer(Panics::default()).open(lab.store_path()).unwrap();
    let mut record = Record::new(&store, "base", ());
    let call = number::start(&mut record, 1, gate).unwrap();
    let CallStatus::Failed { error, .. } = poll(&call) else { panic!("{call:?}") };
    assert!(error.chain().ends_with("an observer has a bad day"), "{}", error.chain());
}
