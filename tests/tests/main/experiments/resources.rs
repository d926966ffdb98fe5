//! Stages that ask for more than one job, or for much memory, while they run.

use std::sync::{Arc, Mutex};

use crate::common::*;

/// What runs at the moment, and what ran.
#[derive(Default)]
struct Board {
    running: Mutex<Vec<&'static str>>,
    /// What ran beside what, each time something began.
    beside: Mutex<Vec<Vec<&'static str>>>,
}

impl Board {
    fn during<R>(&self, name: &'static str, body: impl FnOnce() -> R) -> R {
        {
            let mut running = self.running.lock().unwrap();
            running.push(name);
            self.beside.lock().unwrap().push(running.clone());
        }
        let value = body();
        let mut running = self.running.lock().unwrap();
        let place = running.iter().position(|other| *other == name).unwrap();
        running.remove(place);
        value
    }
}

#[stage(outputs = [small], skip = [board], resources(cpus = 1))]
fn small(params: &u32, board: Arc<Board>) -> u32 {
    board.during("small", || *params)
}

#[stage(outputs = [large], skip = [board], resources(cpus = 2))]
fn large(params: &u32, board: Arc<Board>) -> u32 {
    board.during("large", || *params)
}

#[stage(outputs = [huge], skip = [board], resources(cpus = 64, gpus = 1, time = "1s", partition = "long"))]
fn huge(params: &u32, board: Arc<Board>) -> u32 {
    board.during("huge", || *params)
}

#[test]
fn a_stage_takes_as_many_jobs_as_it_asks_for() {
    let lab = Lab::new();
    let board = Arc::new(Board::default());
    let shared = Arc::clone(&board);
    let experiment = Experiment::new("cpus", move |record: &mut Record<u32>| {
        small(record, Arc::clone(&shared))?;
        large(record, Arc::clone(&shared))?;
        huge(record, Arc::clone(&shared))?;
        Ok(())
    });
    let records = (0..20).map(|number| (format!("r{number}"), number));
    let outcome = experiment.records(records).run(&lab.options().jobs(3)).unwrap();
    assert_eq!((outcome.ran, outcome.failed), (60, 0));
    let cpus = |name: &&str| match *name {
        "small" => 1,
        "large" => 2,
        _ => 3,
    };
    for beside in board.beside.lock().unwrap().iter() {
        assert!(beside.iter().map(cpus).sum::<u32>() <= 3, "{beside:?}");
    }
    let warnings = lab.warnings();
    assert_eq!(warnings, ["it asks for 64 cpus, and there are 3 jobs: it runs alone"], "once");
}

#[stage(outputs = [hungry], skip = [board], resources(memory = "600MiB"))]
fn hungry(params: &u32, board: Arc<Board>) -> u32 {
    board.during("hungry", || *params)
}

#[stage(outputs = [modest], skip = [board], resources(memory = "300MiB"))]
fn modest(params: &u32, board: Arc<Board>) -> u32 {
    board.during("modest", || *params)
}

#[stage(outputs = [greedy], skip = [board], resources(memory = "2GiB"))]
fn greedy(params: &u32, board: Arc<Board>) -> u32 {
    board.during("greedy", || *params)
}

#[test]
fn stages_share_the_memory_of_the_machine() {
    let lab = Lab::new();
    let board = Arc::new(Board::default());
    let shared = Arc::clone(&board);
    let experiment = Experiment::new("memory", move |record: &mut Record<u32>| {
        hungry(record, Arc::clone(&shared))?;
        modest(record, Arc::clone(&shared))?;
        greedy(record, Arc::clone(&shared))?;
        Ok(())
    });
    let records = (0..20).map(|number| (format!("r{number}"), number));
    let options = lab.options().jobs(4).machine_memory(1 << 30);
    let outcome = experiment.records(records).run(&options).unwrap();
    assert_eq!((outcome.ran, outcome.failed), (60, 0));
    let size = |name: &&str| match *name {
        "hungry" => 600,
        "modest" => 300,
        _ => 1024,
    };
    for beside in board.beside.lock().unwrap().iter() {
        assert!(beside.iter().map(size).sum::<u32>() <= 1024, "{beside:?}");
    }
    let warnings = lab.warnings();
    assert_eq!(warnings, ["it asks for 2 GiB of memory, and there are 1 GiB: it runs alone"]);
}
