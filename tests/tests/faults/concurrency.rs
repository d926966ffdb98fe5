//! Several processes and one store.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{HELPER, Told, expected, locks_held, no_lock_is_left, pipeline, runs_well};

/// Starts helpers that all begin at the same time, and waits for them.
fn at_once(count: usize, mut helper: impl FnMut() -> Command) -> Vec<Told> {
    let (gate, opener) = std::io::pipe().unwrap();
    let mut children: Vec<Child> = (0..count)
        .map(|_| {
            let mut command = helper();
            command.arg("--gate").stdin(gate.try_clone().unwrap());
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut outputs: Vec<_> =
        children.iter_mut().map(|child| BufReader::new(child.stdout.take().unwrap())).collect();
    for output in &mut outputs {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
    }
    // The end of the pipe is what they wait for.
    drop(opener);
    let finish = |(child, output): (Child, BufReader<_>)| {
        let reader = std::thread::spawn(move || {
            output.lines().map(|line| line.unwrap()).collect::<Vec<_>>()
        });
        let mut told = Told::of(&child.wait_with_output().unwrap());
        told.lines.extend(reader.join().unwrap());
        told
    };
    children.into_iter().zip(outputs).map(finish).collect()
}

fn one(store: &Path) -> Command {
    let mut command = Command::new(HELPER);
    command.arg("one").arg(store);
    command
}

fn one_key_for(count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let arrived = folder.path().join("arrived");
    fs::write(&arrived, "").unwrap();
    let all = at_once(count, || {
        let mut command = one(&folder.path().join("store"));
        command.env("FAULTS_ARRIVED", &arrived).env("FAULTS_PEERS", count.to_string());
        command
    });
    for told in &all {
        told.is_quiet();
        assert_eq!((told.code, told.values()), (Some(0), "17"), "{told:?}");
    }
    let bodies = all.iter().flat_map(|told| told.all("body")).count();
    assert_eq!(bodies, 1, "{all:?}");
}

#[test]
fn two_processes_that_want_one_key_run_one_body() {
    one_key_for(2);
}

#[test]
fn ten_processes_that_want_one_key_run_one_body() {
    one_key_for(10);
}

#[test]
fn thirty_processes_start_at_once_on_an_empty_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("deep/er/store");
    let all = at_once(30, || pipeline(&store, 3, &[]));
    let right = expected(3);
    let mut started = Vec::new();
    for told in &all {
        told.is_quiet();
        assert_eq!((told.code, told.values()), (Some(0), &*right), "{told:?}");
        started.extend(told.keys("started"));
    }
    let keys: HashSet<_> = started.iter().collect();
    assert_eq!(keys.len(), crate::support::CALLS);
    assert_eq!(started.len(), keys.len(), "a body ran twice: {started:?}");
    crate::support::all_hits(&store, 3);
}

#[test]
fn when_the_holder_is_killed_another_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut holder = one(&store);
    holder.arg("held").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut holder = holder.spawn().unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "body held"));
    // Otherwise it would prove nothing that none is held in the end.
    assert_ne!(locks_held(&store), Some(vec![]));
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let mut command = one(&store);
            command.arg("held").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            assert!(lines.any(|line| line.unwrap().starts_with("waits ")));
            (child, lines)
        })
        .collect();
    holder.kill().unwrap();
    holder.wait().unwrap();
    let finish = |(child, lines): (Child, std::io::Lines<BufReader<_>>)| {
        let rest: Vec<String> = lines.map(|line| line.unwrap()).collect();
        let mut told = Told::of(&child.wait_with_output().unwrap());
        told.lines.extend(rest);
        told
    };
    let all: Vec<Told> = waiting.into_iter().map(finish).collect();
    for told in &all {
        told.is_quiet();
        assert_eq!((told.code, told.values()), (Some(0), "10000"), "{told:?}");
    }
    assert_eq!(all.iter().flat_map(|told| told.all("body")).count(), 1, "{all:?}");
    no_lock_is_left(&store);
    runs_well(&store, 1);
}
