//! Calls that another program computes at the same time: what waits for them holds no place of the run.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::common::*;

/// Whether the other program is in its body, and whether it may leave it.
#[derive(Default)]
struct Gate {
    state: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Gate {
    /// Stays until the gate is opened. Returns whether it was; the limit is for a run that never comes to it.
    fn pass(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        state.0 = true;
        self.changed.notify_all();
        let limit = Duration::from_secs(20);
        let waited = self.changed.wait_timeout_while(state, limit, |(_, open)| !*open);
        !waited.unwrap().1.timed_out()
    }

    fn wait_until_somebody_is_inside(&self) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |(inside, _)| !*inside).unwrap());
    }

    fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}

#[stage(outputs = [slow], cachers = [Json], skip = [gate])]
fn one_job(params: &u32, gate: Arc<Gate>) -> (u32, bool) {
    (*params, gate.pass())
}

#[stage(outputs = [slow], cachers = [Json], skip = [gate], resources(cpus = 2))]
fn all_jobs(params: &u32, gate: Arc<Gate>) -> (u32, bool) {
    (*params, gate.pass())
}

#[stage(outputs = [slow], cachers = [Json], skip = [gate], resources(memory = "1GiB"))]
fn all_memory(params: &u32, gate: Arc<Gate>) -> (u32, bool) {
    (*params, gate.pass())
}

#[stage(outputs = [other], cachers = [Json], skip = [gate], resources(memory = "512MiB"))]
fn other(gate: Arc<Gate>) -> u32 {
    gate.open();
    1
}

#[stage(inputs = [slow, other], outputs = [last], cachers = [Json])]
fn last(slow: &(u32, bool), other: &u32) -> u32 {
    slow.0 + other
}

type Slow = fn(&mut Record<u32>, Arc<Gate>) -> Result<Lazy<(u32, bool)>, Error>;

fn while_another_computes(slow: Slow, jobs: usize) {
    let lab = Lab::new();
    let gate = Arc::new(Gate::default());
    let shared = Arc::clone(&gate);
    let experiment = Experiment::new("elsewhere", move |record: &mut Record<u32>| {
        slow(record, Arc::clone(&shared))?;
        other(record, Arc::clone(&shared))?;
        last(record)?;
        Ok(())
    });
    let experiment = experiment.record("base", 5);
    // A store that is opened apart, as another process has it.
    let mut apart = Record::new(&Store::open(lab.store_path()).unwrap(), "apart", 5);
    let outcome = std::thread::scope(|scope| {
        let inside = Arc::clone(&gate);
        let computes = scope.spawn(move || *slow(&mut apart, inside).unwrap().load().unwrap());
        gate.wait_until_somebody_is_inside();
        let options = lab.options().jobs(jobs).machine_memory(1 << 30);
        let outcome = experiment.run(&options).unwrap();
        assert_eq!(computes.join().unwrap(), (5, true), "nothing else ran meanwhile");
        outcome
    });
    assert_eq!((outcome.cached, outcome.ran, outcome.failed), (1, 2, 0), "{outcome:?}");
    assert_eq!(*outcome.output::<u32>("base", "last").unwrap().load().unwrap(), 6);
    let lines = lab.lines();
    let waits = lines.iter().filter(|line| line.starts_with("waits for ")).count();
    // With two jobs the other call may come first, and then nobody has waited.
    assert!(waits == 1 || jobs > 1 && waits == 0, "it says so once: {lines:?}");
}

#[test]
fn another_call_takes_the_job_of_one_that_waits() {
    while_another_computes(one_job, 1);
}

#[test]
fn other_calls_take_all_jobs_of_one_that_waits() {
    while_another_computes(all_jobs, 2);
}

#[test]
fn other_calls_take_the_memory_of_one_that_waits() {
    while_another_computes(all_memory, 2);
}

#[stage(outputs = [pages], cachers = [Json])]
fn split(params: &u32) -> Vec<u32> {
    vec![*params]
}

#[stage(each = [page in pages], outputs = [shards], cachers = [Json], skip = [gate])]
fn shard(page: u32, gate: Arc<Gate>) -> (u32, bool) {
    (page, gate.pass())
}

#[stage(each = [page in pages], outputs = [others], cachers = [Json], skip = [gate])]
fn other_shard(page: u32, gate: Arc<Gate>) -> u32 {
    gate.open();
    page
}

#[test]
fn another_shard_takes_the_job_of_one_that_waits() {
    let lab = Lab::new();
    let gate = Arc::new(Gate::default());
    let shared = Arc::clone(&gate);
    let experiment = Experiment::new("elsewhere", move |record: &mut Record<u32>| {
        split(record)?;
        shard(record, Arc::clone(&shared))?;
        other_shard(record, Arc::clone(&shared))?;
        Ok(())
    });
    let experiment = experiment.record("base", 5);
    // A store that is opened apart, as another process has it.
    let store = Store::options().jobs(1).open(lab.store_path()).unwrap();
    let mut apart = Record::new(&store, "apart", 5);
    split(&mut apart).unwrap();
    let outcome = std::thread::scope(|scope| {
        let inside = Arc::clone(&gate);
        let computes = scope.spawn(move || shard(&mut apart, inside).unwrap().collect().unwrap());
        gate.wait_until_somebody_is_inside();
        let outcome = experiment.run(&lab.options().jobs(1)).unwrap();
        assert_eq!(computes.join().unwrap(), [(5, true)], "nothing else ran meanwhile");
        outcome
    });
    assert_eq!((outcome.cached, outcome.ran, outcome.failed), (2, 1, 0), "{outcome:?}");
    let lines = lab.lines();
    let waits = lines.iter().filter(|line| line.starts_with("waits for ")).count();
    assert_eq!(waits, 1, "it says so once: {lines:?}");
}

#[stage(outputs = [pages], cachers = [Json], skip = [gate])]
fn split_late(params: &u32, gate: Arc<Gate>) -> Vec<u32> {
    if *params > 5 {
        gate.wait_until_somebody_is_inside();
    }
    (5..=*params).collect()
}

#[stage(each = [page in pages], outputs = [shards], cachers = [Json], skip = [gate])]
fn shared_shard(page: u32, gate: Arc<Gate>) -> (u32, bool) {
    if page == 5 {
        return (page, gate.pass());
    }
    gate.open();
    (page, true)
}

#[test]
fn a_shard_that_another_record_computes_is_not_told_to_be_elsewhere() {
    let lab = Lab::new();
    let gate = Arc::new(Gate::default());
    let shared = Arc::clone(&gate);
    let experiment = Experiment::new("elsewhere", move |record: &mut Record<u32>| {
        split_late(record, Arc::clone(&shared))?;
        shared_shard(record, Arc::clone(&shared))?;
        Ok(())
    });
    let experiment = experiment.record("one", 5).record("both", 6);
    let outcome = experiment.run(&lab.options().jobs(2)).unwrap();
    assert_eq!((outcome.ran, outcome.failed), (4, 0), "{outcome:?}");
    let shards = outcome.shards::<(u32, bool)>("both", "shards").unwrap().collect().unwrap();
    assert_eq!(shards, [(5, true), (6, true)], "the other shard took its place");
    let lines = lab.lines();
    assert!(!lines.iter().any(|line| line.starts_with("waits for ")), "{lines:?}");
}

#[test]
fn an_interrupted_run_does_not_wait_for_what_another_computes() {
    let lab = Lab::new();
    let gate = Arc::new(Gate::default());
    let interrupted = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (shared, flag) = (Arc::clone(&gate), Arc::clone(&interrupted));
    let experiment = Experiment::new("elsewhere", move |record: &mut Record<u32>| {
        one_job(record, Arc::clone(&shared))?;
        Ok(())
    });
    let experiment = experiment.record("base", 5);
    let mut apart = Record::new(&Store::open(lab.store_path()).unwrap(), "apart", 5);
    let outcome = std::thread::scope(|scope| {
        let inside = Arc::clone(&gate);
        let computes = scope.spawn(move || one_job(&mut apart, inside).unwrap());
        gate.wait_until_somebody_is_inside();
        // The run is told to end when it says that it waits.
        let observer = move |event: &memo_runtime::Event| {
            if let memo_runtime::Event::Waiting { .. } = event {
                flag.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        };
        let options = lab.options().interrupted_by(interrupted).observer(observer);
        let outcome = experiment.run(&options).unwrap();
        gate.open();
        computes.join().unwrap();
        outcome
    });
    assert_eq!((outcome.exit_code(), outcome.cached, outcome.ran), (130, 0, 0));
}
