//! Reading entries ahead, on a thread of its own, while further calls are declared.
//!
//! Nothing is decided by it: a call is looked up as ever, and only where its key is the very one that was
//! guessed is the manifest not read again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use super::inputs::Input;
use super::node::{Node, kept};
use crate::digest::Digest;
use crate::lazy::Origin;
use crate::plan::Declared;
use crate::store::Found;
use crate::store::manifest::{Head, Kept};

/// From so many records on it is worth a thread.
const RECORDS: usize = 64;

/// Declares `records` records, and reads entries of what was declared meanwhile, if `wanted`.
pub(crate) fn while_declaring<R>(
    declared: Option<&Declared>,
    records: usize,
    wanted: bool,
    declare: impl FnOnce() -> R,
) -> R {
    let Some(declared) = declared.filter(|_| wanted && records >= RECORDS) else {
        return declare();
    };
    let (sender, nodes) = mpsc::channel::<Arc<Node>>();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for node in nodes {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                node.read();
            }
        });
        declared.tell(Some(sender));
        let _ends = Ends { declared, is_over: &is_over };
        declare()
    })
}

/// Ends the reading, also where declaring panics.
struct Ends<'a> {
    declared: &'a Declared,
    is_over: &'a AtomicBool,
}

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.declared.tell(None);
    }
}

impl Node {
    /// Reads the entry, if the key can be told by what was read ahead before.
    fn read(&self) {
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
            self.session.store.look_up(self.spec.name, &key, Some(self.spec))
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
