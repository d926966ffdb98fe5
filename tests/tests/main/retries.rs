//! Attempts after a failure.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use memo_runtime::{Attempt, Event};

use crate::common::*;

/// Counts executions by name: each test has its own.
static EXECUTIONS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn execution(of: &str) -> usize {
    let mut all = EXECUTIONS.lock().unwrap();
    all.push(of.to_owned());
    all.iter().filter(|name| *name == of).count()
}

fn executions(of: &str) -> usize {
    EXECUTIONS.lock().unwrap().iter().filter(|name| *name == of).count()
}

#[stage(outputs = [x], cachers = [Json], retries = 2)]
fn needs(name: &str, attempts: usize) -> Result<usize> {
    let number = execution(name);
    if number < attempts { Err(format!("attempt {number} failed"))? } else { Ok(number) }
}

#[stage(outputs = [x], cachers = [Json])]
fn never_again(name: &str) -> Result<usize> {
    execution(name);
    Err("once is enough".into())
}

#[stage(outputs = [x], cachers = [Json], retries = 0)]
fn none_at_all(name: &str) -> Result<usize> {
    execution(name);
    Err("once is enough".into())
}

#[test]
fn k_retries_are_at_most_k_and_one_executions() {
    let lab = Lab::new();
    assert_eq!(*needs(&mut lab.record(()), "third", 3).unwrap().load().unwrap(), 3);
    assert_eq!(executions("third"), 3);
    let error = needs(&mut lab.record(()), "fourth", 4).unwrap_err();
    assert_eq!(executions("fourth"), 3);
    assert!(error.chain().ends_with("attempt 3 failed"), "{}", error.chain());
    needs(&mut lab.record(()), "first", 1).unwrap();
    assert_eq!(executions("first"), 1);
    never_again(&mut lab.record(()), "never").unwrap_err();
    none_at_all(&mut lab.record(()), "none").unwrap_err();
    assert_eq!((executions("never"), executions("none")), (1, 1));
}

#[test]
fn each_failed_attempt_is_told_with_its_cause() {
    let lab = Lab::new();
    needs(&mut lab.record(()), "told", 3).unwrap();
    let retried: Vec<_> = lab
        .recorder()
        .take()
        .into_iter()
        .filter_map(|event| match event {
            Event::Retried { attempt, error, .. } => Some((attempt, error)),
            _ => None,
        })
        .collect();
    assert_eq!(retried.iter().map(|(attempt, _)| *attempt).collect::<Vec<_>>(), [1, 2]);
    assert!(retried[0].1.contains("attempt 1 failed") && retried[1].1.contains("attempt 2 failed"));
}

#[derive(Debug)]
struct Transient(u32);

impl std::fmt::Display for Transient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "transient {}", self.0)
    }
}

impl std::error::Error for Transient {}

static SEEN: Mutex<Vec<(u32, bool, String)>> = Mutex::new(Vec::new());

fn transient(attempt: &Attempt) -> bool {
    let seen = (attempt.number(), attempt.is::<Transient>(), attempt.error().chain());
    SEEN.lock().unwrap().push(seen);
    attempt.is::<Transient>() && attempt.number() < 3
}

#[stage(outputs = [x], cachers = [Json], retries = 9, retry_if = transient)]
fn chooses(failures: u32) -> Result<u32> {
    let number = u32::try_from(execution(&format!("chooses {failures}"))).unwrap();
    if number <= failures { Err(Transient(number).into()) } else { Err("for good".into()) }
}

#[test]
fn a_predicate_sees_number_and_error() {
    let lab = Lab::new();
    chooses(&mut lab.record(()), 1).unwrap_err();
    assert_eq!(executions("chooses 1"), 2);
    let seen: Vec<_> = std::mem::take(&mut *SEEN.lock().unwrap());
    assert_eq!(
        seen.iter().map(|(n, is, _)| (*n, *is)).collect::<Vec<_>>(),
        [(1, true), (2, false)]
    );
    assert!(seen[0].2.ends_with("transient 1") && seen[1].2.ends_with("for good"), "{seen:?}");
    chooses(&mut lab.record(()), 9).unwrap_err();
    assert_eq!(executions("chooses 9"), 3, "the predicate ends it before the number does");
    SEEN.lock().unwrap().clear();
}

static PANICS: AtomicU32 = AtomicU32::new(0);

#[stage(outputs = [x], cachers = [Json], retries = 1)]
fn panics_once() -> u32 {
    assert!(PANICS.fetch_add(1, Ordering::SeqCst) > 0, "the first time");
    7
}

#[test]
fn a_panic_is_a_failed_attempt() {
    let lab = Lab::new();
    assert_eq!(*panics_once(&mut lab.record(())).unwrap().load().unwrap(), 7);
    assert_eq!(PANICS.load(Ordering::SeqCst), 2);
}

#[stage(outputs = [x], cachers = [Json], retries = 3)]
fn counts_attempts(ctx: &Context) -> Result<u32> {
    ctx.log(format!("attempt {}", ctx.attempt()));
    if ctx.attempt() < 3 { Err("again".into()) } else { Ok(ctx.attempt()) }
}

#[test]
fn the_body_may_know_which_attempt_it_is_and_the_key_does_not() {
    let lab = Lab::new();
    assert_eq!(*counts_attempts(&mut lab.record(())).unwrap().load().unwrap(), 3);
    lab.lines();
    assert_eq!(*counts_attempts(&mut lab.record(())).unwrap().load().unwrap(), 3);
    assert_eq!(lab.lines(), ["hit counts_attempts", "log: attempt 3", "loaded x"]);
    assert_eq!(lab.entries().len(), 1);
}

#[stage(outputs = [x], cachers = [Json], retries = 2, validate = |x: &usize| *x >= 2)]
fn invalid_at_first(name: &str) -> usize {
    execution(name)
}

#[test]
fn an_invalid_result_is_a_failed_attempt() {
    let lab = Lab::new();
    assert_eq!(*invalid_at_first(&mut lab.record(()), "invalid").unwrap().load().unwrap(), 2);
    assert_eq!(executions("invalid"), 2);
    let lines = lab.lines();
    assert!(lines.iter().any(|line| line.starts_with("retried invalid_at_first")), "{lines:?}");
}
