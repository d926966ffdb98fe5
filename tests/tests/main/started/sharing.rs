//! Equal calls that are under way are one.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

#[test]
fn starting_again_while_it_runs_starts_nothing() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let _opens = Opens(gate.clone());
    let mut record = lab.record(());
    let calls: Vec<_> =
        (0..20).map(|_| number::start(&mut record, 1, gate.clone()).unwrap()).collect();
    gate.open();
    for call in &calls {
        assert_eq!(*call.wait().unwrap().load().unwrap(), 2);
    }
    assert_eq!(lab.lines(), ["ran number: never ran"]);
    assert_eq!(gate.arrived(), 1);
}

/// Nothing of this one is kept, so no lock and no look-up can stand in for sharing.
#[stage(outputs = [number], skip = [gate])]
fn in_memory(from: u32, gate: Gate) -> u32 {
    gate.pass();
    from + 1
}

#[stage(inputs = [number], outputs = [doubled], skip = [gate])]
fn after_that(number: &u32, gate: Gate) -> u32 {
    gate.pass();
    number * 2
}

#[test]
fn many_records_and_threads_share_one_run() {
    let (lab, first, second) = (Lab::new(), Gate::default(), Gate::opened());
    let (_opens, store, all) = (Opens(first.clone()), lab.store(), Barrier::new(8));
    std::thread::scope(|scope| {
        for index in 0..8 {
            let (store, all, first, second) = (&store, &all, &first, &second);
            scope.spawn(move || {
                let mut record = Record::new(store, format!("r{index}"), ());
                in_memory::start(&mut record, 1, first.clone()).unwrap();
                let call = after_that::start(&mut record, second.clone()).unwrap();
                all.wait();
                first.open();
                assert_eq!(*call.wait().unwrap().load().unwrap(), 4);
            });
        }
    });
    assert_eq!((first.arrived(), second.arrived()), (1, 1));
    assert_eq!(lab.ran(), ["in_memory", "after_that"]);
}

#[test]
fn a_plain_call_shares_what_was_started() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let _opens = Opens(gate.clone());
    let store = lab.store();
    let (mut one, mut two) = (Record::new(&store, "one", ()), Record::new(&store, "two", ()));
    let call = in_memory::start(&mut one, 1, gate.clone()).unwrap();
    gate.wait_for(1);
    let both = Barrier::new(3);
    std::thread::scope(|scope| {
        // The threads are waited for before what is outside is dropped.
        let _opens = Opens(gate.clone());
        for record in [&mut one, &mut two] {
            scope.spawn(|| {
                both.wait();
                assert_eq!(*in_memory(record, 1, gate.clone()).unwrap().load().unwrap(), 2);
            });
        }
        both.wait();
        // If they come when it has ended, they run on their own; but not while it runs.
        for _ in 0..1000 {
            std::thread::yield_now();
            assert_eq!(gate.arrived(), 1);
        }
        gate.open();
    });
    assert!(call.status().has_succeeded());
}

#[test]
fn other_arguments_are_other_calls() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let _opens = Opens(gate.clone());
    let mut record = lab.record(());
    let one = number::start(&mut record, 1, gate.clone()).unwrap();
    let ten = number::start(&mut record, 10, gate.clone()).unwrap();
    gate.open();
    assert_eq!(*one.wait().unwrap().load().unwrap(), 2);
    assert_eq!(*ten.wait().unwrap().load().unwrap(), 11);
    // The later call has the name.
    assert_eq!(*record.get::<u32>("number").unwrap().load().unwrap(), 11);
    assert_eq!(lab.ran(), ["number", "number"]);
}

#[stage(outputs = [count], cache = false, skip = [counter])]
fn counts(counter: Counter) -> u32 {
    counter.0.fetch_add(1, Ordering::Relaxed)
}

#[derive(Clone)]
struct Counter(Arc<AtomicU32>);

#[stage(inputs = [count], outputs = [shown], skip = [gate])]
fn shows(count: &u32, gate: Gate) -> String {
    gate.pass();
    format!("{count}")
}

#[test]
fn calls_that_read_what_is_never_cached_are_shared_only_if_they_read_the_same() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let (_opens, store, counter) = (Opens(gate.clone()), lab.store(), Counter(Arc::default()));
    let (mut one, mut two) = (Record::new(&store, "one", ()), Record::new(&store, "two", ()));
    counts(&mut one, counter.clone()).unwrap();
    counts(&mut two, counter).unwrap();
    let first = shows::start(&mut one, gate.clone()).unwrap();
    let again = shows::start(&mut one, gate.clone()).unwrap();
    let second = shows::start(&mut two, gate.clone()).unwrap();
    gate.open();
    let shown = |call: &Call<Lazy<String>>| String::clone(&call.wait().unwrap().load().unwrap());
    assert_eq!([shown(&first), shown(&again), shown(&second)], ["0", "0", "1"]);
    assert_eq!(lab.ran_sorted(), ["counts", "counts", "shows", "shows"]);
}

#[test]
fn many_threads_wait_for_one_call() {
    let (lab, gate) = (Lab::new(), Gate::default());
    let _opens = Opens(gate.clone());
    let mut record = lab.record(());
    let call = number::start(&mut record, 1, gate.clone()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(*call.wait().unwrap().load().unwrap(), 2));
        }
        gate.wait_for(1);
        gate.open();
    });
    assert_eq!(lab.ran(), ["number"]);
}

#[test]
fn no_more_bodies_run_at_a_time_than_there_are_jobs() {
    for jobs in [1, 3] {
        let (lab, gate) = (Lab::new(), Gate::default());
        let _opens = Opens(gate.clone());
        let store = Store::options().jobs(jobs).open(lab.store_path()).unwrap();
        let mut record = Record::new(&store, "base", ());
        let calls: Vec<_> =
            (0..12).map(|from| number::start(&mut record, from, gate.clone()).unwrap()).collect();
        gate.wait_for(jobs);
        gate.open();
        assert!(calls.iter().all(|call| poll(call).has_succeeded()));
        assert_eq!((gate.arrived(), gate.most()), (12, jobs));
    }
}
