//! A session is what records share: a store, a policy, and whether calls run at once or are planned.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::plan::Declared;
use crate::policy::Policy;
use crate::stage::explain::Neighbours;
use crate::stage::former::AcceptedCode;
use crate::store::Store;

pub(crate) struct Session {
    pub(crate) store: Store,
    pub(crate) policy: Policy,
    pub(crate) mode: Mode,
    /// Set when the run is to end: no further body starts.
    pub(crate) interrupted: Arc<AtomicBool>,
    /// Entries of the stages that missed, to explain why.
    pub(crate) neighbours: Neighbours,
    pub(crate) experiment: Option<String>,
    /// The former fingerprints whose entries were accepted.
    pub(crate) accepted: AcceptedCode,
    /// Whether it was told that results are not kept.
    pub(crate) told_unkept: AtomicBool,
    /// Whether this process runs what another one has submitted. That one has decided what is made anew: what
    /// else is in the store is taken as it is.
    pub(crate) is_worker: bool,
}

pub(crate) enum Mode {
    /// A call runs, or finds its result, before it returns.
    AtOnce,
    /// A call becomes a node of the plan. `dry` forbids to run one that is forced.
    Planned { declared: Box<Declared>, dry: AtomicBool },
}

impl Session {
    pub(crate) fn at_once(store: &Store) -> Self {
        Self {
            store: store.clone(),
            policy: Policy::default(),
            mode: Mode::AtOnce,
            interrupted: Arc::default(),
            neighbours: Neighbours::default(),
            accepted: AcceptedCode::default(),
            experiment: None,
            told_unkept: AtomicBool::new(false),
            is_worker: false,
        }
    }

    pub(crate) fn declared(&self) -> Option<&Declared> {
        match &self.mode {
            Mode::AtOnce => None,
            Mode::Planned { declared, .. } => Some(declared),
        }
    }

    /// Whether a value that is not cached may not be made.
    pub(crate) fn is_dry(&self) -> bool {
        match &self.mode {
            Mode::AtOnce => false,
            Mode::Planned { dry, .. } => dry.load(Ordering::Relaxed),
        }
    }

    /// Lets a plan make values that are not cached from now on.
    pub(crate) fn allow_to_run(&self) {
        if let Mode::Planned { dry, .. } = &self.mode {
            dry.store(false, Ordering::Relaxed);
        }
    }

    /// Whether this is the first result that is not kept.
    pub(crate) fn is_first_unkept(&self) -> bool {
        !self.told_unkept.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
