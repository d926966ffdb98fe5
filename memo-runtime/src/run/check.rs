//! Checking: the bodies of calls that were found run again, and what they give is compared.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Builder;
use std::time::Instant;

use super::told_start;
use crate::error::{Error, ErrorKind, panic_text};
use crate::event::{Difference, Event};
use crate::experiment::RunOptions;
use crate::experiment::declare::Declaration;
use crate::experiment::outcome::Outcome;
use crate::plan::verdicts::{Verdict, verdicts};
use crate::policy::find_stage;
use crate::stage::node::Node;

/// Checks what was declared: the calls of `stages` that are found, or all of them.
pub(crate) fn check(
    experiment: &str,
    declaration: &Declaration,
    options: &RunOptions,
    stages: &[String],
) -> Result<Outcome, Error> {
    let start = Instant::now();
    let stages = full_names(declaration, stages)?;
    let session = Arc::clone(&declaration.session);
    let store = &session.store;
    let jobs = options.jobs_or_cores();
    told_start(experiment, declaration, jobs);
    let verdicts = verdicts(&declaration.nodes);
    let mut outcome = Outcome::default();
    let mut chosen: Vec<&Arc<Node>> = Vec::new();
    for (node, verdict) in declaration.nodes.iter().zip(verdicts) {
        if !stages.is_empty() && !stages.contains(&node.spec.name) {
            continue;
        }
        match why_unchecked(node, &verdict) {
            None => chosen.push(node),
            Some(because) => {
                outcome.unchecked += 1;
                let (stage, record) = (node.spec.name, node.record_name());
                store.emit(|| Event::NotChecked { stage, record, because });
            }
        }
    }
    // What the calls read that lives in memory is made on the way.
    session.allow_to_run();
    let checking = Checking::new(chosen, options.fail_fast);
    std::thread::scope(|scope| {
        for _ in 1..jobs.min(checking.chosen.len()).max(1) {
            if Builder::new().spawn_scoped(scope, || checking.work()).is_err() {
                break;
            }
        }
        checking.work();
    });
    let differing = checking.differing.load(Ordering::Relaxed);
    outcome.checked = checking.checked.load(Ordering::Relaxed);
    outcome.differing = Some(differing);
    outcome.interrupted = session.is_interrupted();
    outcome.seconds = start.elapsed().as_secs_f64();
    Ok(outcome)
}

fn full_names(
    declaration: &Declaration,
    wanted: &[String],
) -> Result<HashSet<&'static str>, Error> {
    let mut known: Vec<_> = declaration.nodes.iter().map(|node| node.spec.name).collect();
    known.sort_unstable();
    known.dedup();
    let full = wanted.iter().map(|name| find_stage(name, &known));
    full.collect::<Result<_, String>>().map_err(|text| Error::new(ErrorKind::Usage, text))
}

/// Says why a call is not checked; nothing if it is.
fn why_unchecked(node: &Node, verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Cached if node.spec.expires.is_some() => {
            Some("its results may differ from time to time (`expires`)".to_owned())
        }
        Verdict::Cached if node.head().is_some_and(|head| head.kept().next().is_some()) => None,
        Verdict::Cached => Some("it keeps nothing that could be compared".to_owned()),
        Verdict::WillRun { reason } => Some(format!("it is not cached: {reason}")),
        Verdict::MayRun { waits_for } => {
            Some(format!("it is not known yet: it waits for {}", waits_for.join(", ")))
        }
        Verdict::NotNeeded => Some("its outputs live in memory only".to_owned()),
    }
}

/// The calls that are checked, one after the other by each worker.
struct Checking<'a> {
    chosen: Vec<&'a Arc<Node>>,
    next: AtomicUsize,
    checked: AtomicUsize,
    differing: AtomicUsize,
    fail_fast: bool,
    /// How many of the calls still read the values of another, by its address.
    readers: Mutex<HashMap<usize, usize>>,
}

impl<'a> Checking<'a> {
    fn new(chosen: Vec<&'a Arc<Node>>, fail_fast: bool) -> Self {
        let mut readers = HashMap::new();
        for node in &chosen {
            for above in read_by(node) {
                *readers.entry(Arc::as_ptr(&above).addr()).or_insert(0) += 1;
            }
        }
        let (next, checked, differing) = Default::default();
        Self { chosen, next, checked, differing, fail_fast, readers: Mutex::new(readers) }
    }

    fn work(&self) {
        while let Some(node) = self.chosen.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let is_over = self.fail_fast && self.differing.load(Ordering::Relaxed) > 0;
            if is_over || node.session.is_interrupted() {
                return;
            }
            self.check(node);
        }
    }

    fn check(&self, node: &Arc<Node>) {
        let checked = catch_unwind(AssertUnwindSafe(|| node.check()));
        let differences = checked.unwrap_or_else(|panic| {
            let what = format!("it panicked outside its body: {}", panic_text(&*panic));
            vec![Difference { output: None, what: node.hide_secrets(what), diff: None }]
        });
        if node.session.is_interrupted() && !differences.is_empty() {
            // Whoever was told to end early has not shown a difference.
            return;
        }
        self.checked.fetch_add(1, Ordering::Relaxed);
        self.differing.fetch_add(usize::from(!differences.is_empty()), Ordering::Relaxed);
        let (stage, record) = (node.spec.name, node.record_name());
        if let Some(key) = node.key() {
            node.session.store.emit(|| Event::Checked { stage, record, key, differences });
        }
        self.let_go(node);
    }

    /// Drops the values that no other call will read.
    fn let_go(&self, node: &Arc<Node>) {
        let is_unread = |node: &Arc<Node>, read: usize| {
            let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
            let left = readers.entry(Arc::as_ptr(node).addr()).or_default();
            *left = left.saturating_sub(read);
            *left == 0
        };
        read_by(node).iter().filter(|above| is_unread(above, 1)).for_each(|above| {
            above.drop_values();
        });
        // A validator may have read what is kept.
        if is_unread(node, 0) {
            node.drop_values();
        }
    }
}

/// Returns the calls whose values are read when a call runs: those of its inputs, and what they read in
/// turn if they live in memory. Each once.
fn read_by(node: &Node) -> Vec<Arc<Node>> {
    let mut found: Vec<Arc<Node>> = Vec::new();
    let mut known = HashSet::new();
    let mut open: Vec<Arc<Node>> = node.upstream().cloned().collect();
    while let Some(above) = open.pop() {
        if known.insert(Arc::as_ptr(&above).addr()) {
            if above.head().is_none() {
                open.extend(above.upstream().cloned());
            }
            found.push(above);
        }
    }
    found
}
