//! Reading entries ahead, on a thread of its own, while further calls are declared and the run is made ready.
//!
//! Nothing is decided by it: a call is looked up as ever, and only where its key is the very one that was
//! guessed is the manifest not read again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::inputs::Input;
use super::node::{Node, kept};
use crate::digest::Digest;
use crate::lazy::Origin;
use crate::session::Session;
use crate::store::Found;
use crate::store::manifest::{Head, Kept};

/// From so many records on it is worth a thread.
const RECORDS: usize = 64;

/// The thread that reads ahead. It ends when all was read, at the latest when this is dropped.
pub(crate) struct Ahead {
    session: Arc<Session>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ahead {
    /// Begins to read entries of what is declared from now on, where it is worth it.
    pub(crate) fn begin(session: &Arc<Session>, records: usize) -> Option<Self> {
        let declared = session.declared().filter(|_| records >= RECORDS)?;
        let (sender, told) = mpsc::channel::<Vec<Arc<Node>>>();
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let read = move || {
            for nodes in told {
                let now = Instant::now();
                let wanted = nodes.iter().take_while(|_| !ends.load(Ordering::Relaxed));
                wanted.for_each(|node| node.read(now));
            }
        };
        // Without a thread nothing is read ahead.
        let thread = thread::Builder::new().spawn(read).ok()?;
        declared.tell(Some(sender));
        Some(Self { session: Arc::clone(session), is_over, thread: Some(thread) })
    }

    /// Says that nothing more is declared that is worth it.
    pub(crate) fn all_declared(&self) {
        if let Some(declared) = self.session.declared() {
            declared.tell(None);
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.all_declared();
        if let Some(thread) = self.thread.take() {
            // One that has panicked has read what it has read.
            let _ = thread.join();
        }
    }
}

impl Node {
    /// Reads the entry, if the key can be told by what was read ahead before.
    fn read(&self, now: Instant) {
        let reads_across = self.inputs.iter().any(|input| matches!(input, Input::Across(_)));
        if reads_across || self.array.is_some() || self.never_looked_up().is_some() {
            return;
        }
        let key = self.key_by(&self.instance.digest, |origin| match origin {
            Origin::Node(node, output) => node.identity_ahead(*output),
            Origin::Inserted(digest) => Some(*digest),
            Origin::Shard(..) | Origin::Broken => None,
        });
        let Some(key) = key else { return };
        if let Found::Entry(head) =
            self.session.store.find(self.spec.name, &key, Some(self.spec), now)
        {
            let _ = self.ahead.set(head);
        }
    }

    fn identity_ahead(&self, output: usize) -> Option<Digest> {
        kept(self.ahead.get()?, output).map(Kept::identity)
    }

    /// Returns the entry that was read ahead, if it is that of this key.
    pub(super) fn read_ahead(&self, key: &Digest) -> Option<Arc<Head>> {
        let head = self.ahead.get().filter(|head| head.key == *key)?;
        let is_whole = head.broken_reference(self.session.store.files()).is_none();
        is_whole.then(|| Arc::clone(head))
    }
}
