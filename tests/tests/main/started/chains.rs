//! Started calls that read what other started calls make.

use super::*;

#[test]
fn of_a_chain_only_the_end_is_waited_for() {
    for jobs in [1, 4] {
        let (lab, gate) = (Lab::new(), Gate::default());
        let _opens = Opens(gate.clone());
        let options = Store::options().observer(lab.recorder()).jobs(jobs);
        let mut record = Record::new(&options.open(lab.store_path()).unwrap(), "base", ());
        number::start(&mut record, 1, gate.clone()).unwrap();
        doubled::start(&mut record, gate.clone()).unwrap();
        let call = text::start(&mut record, gate.clone()).unwrap();
        gate.wait_for(1);
        assert!(matches!(call.status(), CallStatus::Pending { .. }), "{call:?}");
        gate.open();
        assert_eq!(*call.wait().unwrap().load().unwrap(), "it is 4");
        assert_eq!(lab.ran(), ["number", "doubled", "text"]);
    }
}

#[test]
fn nobody_has_to_wait_for_a_chain() {
    let (lab, gate) = (Lab::new(), Gate::opened());
    let mut record = lab.record(());
    number::start(&mut record, 1, gate.clone()).unwrap();
    doubled::start(&mut record, gate.clone()).unwrap();
    let call = text::start(&mut record, gate).unwrap();
    assert!(poll(&call).has_succeeded());
    assert_eq!(lab.ran(), ["number", "doubled", "text"]);
}

#[test]
fn a_plain_call_waits_for_what_it_reads() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let _opens = Opens(gate.clone());
    let mut record = lab.record(());
    number::start(&mut record, 1, gate.clone()).unwrap();
    doubled::start(&mut record, gate.clone()).unwrap();
    std::thread::scope(|scope| {
        let plain = scope.spawn(|| text(&mut record, Gate::opened()).unwrap());
        gate.wait_for(1);
        gate.open();
        assert_eq!(*plain.join().unwrap().load().unwrap(), "it is 4");
    });
    assert_eq!(lab.ran(), ["number", "doubled", "text"]);
}

#[test]
fn a_thread_that_waits_needs_no_free_job() {
    let (lab, busy, gate) = (Lab::new(), Gate::default(), Gate::opened());
    let _opens = Opens(busy.clone());
    let store = Store::options().jobs(1).open(lab.store_path()).unwrap();
    let mut record = Record::new(&store, "base", ());
    let other = number::start(&mut record, 100, busy.clone()).unwrap();
    busy.wait_for(1);
    number::start(&mut record, 1, gate.clone()).unwrap();
    doubled::start(&mut record, gate.clone()).unwrap();
    let call = text::start(&mut record, gate).unwrap();
    assert_eq!(*call.wait().unwrap().load().unwrap(), "it is 4");
    assert!(matches!(other.status(), CallStatus::Running { .. }));
}

#[test]
fn what_a_waiting_thread_runs_itself_takes_no_job() {
    let (lab, busy, gate) = (Lab::new(), Gate::default(), Gate::default());
    let _opens = (Opens(busy.clone()), Opens(gate.clone()));
    let store = Store::options().jobs(1).open(lab.store_path()).unwrap();
    let mut record = Record::new(&store, "base", ());
    number::start(&mut record, 100, busy.clone()).unwrap();
    busy.wait_for(1);
    let helped = number::start(&mut record, 1, gate.clone()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| helped.wait().unwrap());
        gate.wait_for(1);
        let next = number::start(&mut record, 2, Gate::opened()).unwrap();
        busy.open();
        assert!(poll(&next).has_succeeded());
        assert!(matches!(helped.status(), CallStatus::Running { .. }));
        gate.open();
    });
}

#[test]
fn a_handle_that_is_loaded_needs_no_free_job() {
    let (lab, busy, gate) = (Lab::new(), Gate::default(), Gate::opened());
    let _opens = Opens(busy.clone());
    let store = Store::options().jobs(1).open(lab.store_path()).unwrap();
    let mut record = Record::new(&store, "base", ());
    number::start(&mut record, 100, busy.clone()).unwrap();
    busy.wait_for(1);
    let call = number::start(&mut record, 1, gate).unwrap();
    assert_eq!(*record.get::<u32>("number").unwrap().load().unwrap(), 2);
    assert!(call.status().has_succeeded());
}

#[test]
fn a_call_that_waits_for_its_inputs_takes_no_job() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let _opens = Opens(gate.clone());
    let store = Store::options().jobs(2).open(lab.store_path()).unwrap();
    let mut record = Record::new(&store, "base", ());
    number::start(&mut record, 1, gate.clone()).unwrap();
    let waiting = doubled::start(&mut record, Gate::opened()).unwrap();
    gate.wait_for(1);
    // One of two jobs is free, though a call waits that was started before.
    let free = number::start(&mut record, 2, Gate::opened()).unwrap();
    assert!(poll(&free).has_succeeded());
    assert!(matches!(waiting.status(), CallStatus::Pending { .. }), "{waiting:?}");
    gate.open();
    assert!(poll(&waiting).has_succeeded());
}

#[stage(inputs = [left, right], outputs = [sum], cachers = [Json])]
fn sum(left: &u32, right: &u32) -> u32 {
    left + right
}

#[test]
fn a_diamond_runs_each_call_once() {
    let (lab, gate) = (Lab::new(), Gate::opened());
    let mut record = lab.record(());
    number::start(&mut record, 1, gate.clone()).unwrap();
    doubled::start(&mut record, gate.clone()).unwrap();
    record.alias("left", "number").unwrap();
    record.alias("right", "doubled").unwrap();
    assert_eq!(*sum::start(&mut record).unwrap().wait().unwrap().load().unwrap(), 6);
    assert_eq!(lab.ran(), ["number", "doubled", "sum"]);
}

#[stage(inputs = [link], outputs = [link], cachers = [Json])]
fn link(link: &u32) -> u32 {
    link + 1
}

#[test]
fn a_chain_may_be_long() {
    let lab = Lab::new();
    let mut record = lab.record(());
    number::named(&mut record, ["link"], 0, Gate::opened()).unwrap();
    let calls: Vec<_> = (0..3000).map(|_| link::start(&mut record).unwrap()).collect();
    assert_eq!(*record.get::<u32>("link").unwrap().load().unwrap(), 3001);
    assert!(calls.iter().all(|call| call.status().has_succeeded()));
    assert_eq!(lab.ran().len(), 3001);
}

#[stage(outputs = [outer], cachers = [Json], skip = [store])]
fn starts_others(count: u32, store: Store) -> Result<u32> {
    let mut record = Record::new(&store, "inside", ());
    let calls: Vec<_> = (0..count)
        .map(|from| number::start(&mut record, from, Gate::opened()))
        .collect::<Result<_, _>>()?;
    calls.iter().try_fold(0, |sum, call| Ok(sum + *call.wait()?.load()?))
}

#[test]
fn a_body_may_start_calls_and_wait_for_them() {
    let lab = Lab::new();
    let store = Store::options().jobs(1).open(lab.store_path()).unwrap();
    let mut record = Record::new(&store, "base", ());
    let call = starts_others::start(&mut record, 10, store.clone()).unwrap();
    assert!(poll(&call).has_succeeded());
    assert_eq!(*call.wait().unwrap().load().unwrap(), 55);
}
