//! Checking: the bodies of calls that were found run again, and what they give is compared.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
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
use crate::stage::array::table::Table;
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
        let (is_chosen, because) = match why_unchecked(node, &verdict) {
            None => (true, None),
            because => (node.table().is_some_and(|table| found_in(node, table)), because),
        };
        if is_chosen {
            chosen.push(node);
        }
        if let Some(because) = because {
            outcome.unchecked += 1;
            let because = told_of_shards(node, is_chosen, because);
            let (stage, record) = (node.spec.name, node.record_name());
            store.emit(|| Event::NotChecked { stage, record, because });
        }
    }
    // What the calls read that lives in memory is made on the way.
    session.allow_to_run();
    let checking = Checking::new(chosen, options.fail_fast);
    std::thread::scope(|scope| {
        for _ in 1..jobs.min(checking.bodies.len()).max(1) {
            if Builder::new().spawn_scoped(scope, || checking.work()).is_err() {
                break;
            }
        }
        checking.work();
    });
    checking.tell_rest();
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
        Verdict::Cached if node.table().is_some_and(|table| found_in(node, table)) => None,
        Verdict::Cached if node.head().is_some_and(|head| head.kept().next().is_some()) => None,
        Verdict::Cached => Some("it keeps nothing that could be compared".to_owned()),
        Verdict::WillRun { reason } => Some(format!("it is not cached: {reason}")),
        Verdict::MayRun { waits_for } => {
            Some(format!("it is not known yet: it waits for {}", waits_for.join(", ")))
        }
        Verdict::NotNeeded => Some("its outputs live in memory only".to_owned()),
    }
}

/// Whether shards were found, and there is something to compare.
fn found_in(node: &Node, table: &Table) -> bool {
    let is_kept = node.outputs.iter().any(|output| output.format().is_some());
    is_kept && node.spec.expires.is_none() && table.counts().found > 0
}

/// Says why some shards of an array are not checked, while others are.
fn told_of_shards(node: &Node, is_chosen: bool, because: String) -> String {
    match node.table().map(Table::counts) {
        Some(counts) if is_chosen => {
            let missing = counts.total - counts.found;
            let are = if missing == 1 { "is" } else { "are" };
            format!("{missing} of {} shards {are} not cached", counts.total)
        }
        _ => because,
    }
}

/// The bodies that run again, one after the other by each worker.
struct Checking<'a> {
    chosen: Vec<Chosen<'a>>,
    /// Which call each is of, by its place, and which shard of it.
    bodies: Vec<(usize, Option<usize>)>,
    next: AtomicUsize,
    checked: AtomicUsize,
    differing: AtomicUsize,
    /// Whether any body gave something else.
    has_seen: AtomicBool,
    fail_fast: bool,
    /// How many of the calls still read the values of another, by its address.
    readers: Mutex<HashMap<usize, usize>>,
}

/// A call that is checked.
struct Chosen<'a> {
    node: &'a Arc<Node>,
    found: Mutex<Found>,
}

/// What is known of a call that is checked.
#[derive(Default)]
struct Found {
    /// How many of its bodies have not run yet.
    left: usize,
    ran: usize,
    differences: Vec<Difference>,
    /// How many differences are not told.
    more: usize,
}

impl Chosen<'_> {
    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what one body gave differently. True after the last one.
    fn add(&self, differences: Vec<Difference>) -> bool {
        /// How many differences of an array are told.
        const MOST: usize = 100;
        let mut found = self.found();
        let room = MOST.saturating_sub(found.differences.len()).min(differences.len());
        found.more += differences.len() - room;
        found.differences.extend(differences.into_iter().take(room));
        found.left -= 1;
        found.ran += 1;
        found.left == 0
    }

    /// Returns how many bodies have run, and what they gave differently.
    fn all(&self) -> (usize, Vec<Difference>) {
        let mut found = self.found();
        let mut all = std::mem::take(&mut found.differences);
        all.sort_by_key(|difference| difference.shard);
        if found.more > 0 {
            let what = format!("and {} more", found.more);
            all.push(Difference { shard: None, output: None, what, diff: None });
        }
        (found.ran, all)
    }
}

impl<'a> Checking<'a> {
    fn new(chosen: Vec<&'a Arc<Node>>, fail_fast: bool) -> Self {
        let mut readers = HashMap::new();
        let mut bodies = Vec::new();
        let begun = |(place, node): (usize, &'a Arc<Node>)| {
            let shards = node.table().map(Table::found_ones);
            let left = shards.as_ref().map_or(1, Vec::len);
            match shards {
                None => bodies.push((place, None)),
                Some(shards) => bodies.extend(shards.into_iter().map(|s| (place, Some(s)))),
            }
            let found = Found { left, ..Found::default() };
            Chosen { node, found: Mutex::new(found) }
        };
        let chosen: Vec<Chosen<'_>> = chosen.into_iter().enumerate().map(begun).collect();
        for Chosen { node, .. } in &chosen {
            for above in read_by(node) {
                *readers.entry(Arc::as_ptr(&above).addr()).or_insert(0) += 1;
            }
        }
        let (next, checked, differing, has_seen) = Default::default();
        let readers = Mutex::new(readers);
        Self { chosen, bodies, next, checked, differing, has_seen, fail_fast, readers }
    }

    fn work(&self) {
        while let Some((place, shard)) = self.bodies.get(self.next.fetch_add(1, Ordering::Relaxed))
        {
            let chosen = &self.chosen[*place];
            let is_over = self.fail_fast && self.has_seen.load(Ordering::Relaxed);
            if is_over || chosen.node.session.is_interrupted() {
                return;
            }
            self.check(chosen, *shard);
        }
    }

    fn check(&self, chosen: &Chosen<'_>, shard: Option<usize>) {
        let node = chosen.node;
        let checked = catch_unwind(AssertUnwindSafe(|| node.check(shard)));
        let differences = checked.unwrap_or_else(|panic| {
            let what = format!("it panicked outside its body: {}", panic_text(&*panic));
            vec![Difference { shard, output: None, what: node.hide_secrets(what), diff: None }]
        });
        if node.session.is_interrupted() && !differences.is_empty() {
            // Whoever was told to end early has not shown a difference.
            return;
        }
        if !differences.is_empty() {
            self.has_seen.store(true, Ordering::Relaxed);
        }
        if chosen.add(differences) {
            self.tell(chosen);
        }
    }

    /// Tells of arrays of which some shards have run again, and the others do not since it ended early.
    fn tell_rest(&self) {
        let is_half = |chosen: &&Chosen<'_>| {
            let found = chosen.found();
            found.ran > 0 && found.left > 0
        };
        self.chosen.iter().filter(is_half).for_each(|chosen| self.tell(chosen));
    }

    fn tell(&self, chosen: &Chosen<'_>) {
        let node = chosen.node;
        let (ran, differences) = chosen.all();
        let shards = node.table().map(|_| ran);
        node.let_go_of_elements();
        self.checked.fetch_add(1, Ordering::Relaxed);
        self.differing.fetch_add(usize::from(!differences.is_empty()), Ordering::Relaxed);
        let (stage, record) = (node.spec.name, node.record_name());
        if let Some(key) = node.key() {
            node.session.store.emit(|| Event::Checked { stage, record, key, shards, differences });
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
pub(crate) fn read_by(node: &Node) -> Vec<Arc<Node>> {
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
