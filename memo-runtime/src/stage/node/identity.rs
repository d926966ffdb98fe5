//! By which digests a call is told from others, and its outputs enter the keys of what reads them.

use super::{Node, Status, kept};
use crate::digest::Digest;
use crate::key::{ComponentKind, KeyMaker};
use crate::lazy::Origin;

impl Node {
    /// Returns what tells this call from all others of a run, in any process, before any digest is known:
    /// the call itself, and the calls that its inputs come from.
    pub(crate) fn plan_identity(&self) -> Digest {
        let mut open = vec![self];
        while let Some(node) = open.last().copied() {
            let above = node.upstream().map(|above| &**above);
            let (known, before) = (open.len(), node.plan_identity.get());
            if before.is_none() {
                open.extend(above.filter(|above| above.plan_identity.get().is_none()));
            }
            if open.len() == known {
                node.plan_identity.get_or_init(|| Box::new(node.identity_of_inputs()));
                open.pop();
            }
        }
        self.plan_identity.get().map_or_else(|| self.identity_of_inputs(), |known| **known)
    }

    /// Makes the identity in a plan of those of the calls above.
    fn identity_of_inputs(&self) -> Digest {
        let mut maker = self.key_maker(&self.instance.digest);
        for (spec, input) in self.spec.inputs.iter().zip(&self.inputs) {
            maker.add_text(ComponentKind::Input, spec.parameter);
            for row in input.rows() {
                let (output, digest) = match row.origin() {
                    Some(Origin::Node(node, output) | Origin::Shard(node, output, _)) => {
                        (*output, node.plan_identity())
                    }
                    Some(Origin::Inserted(digest)) => (usize::MAX, *digest),
                    Some(Origin::Broken) | None => (usize::MAX, Digest::of(b"absent")),
                };
                maker.add(ComponentKind::Input, row.name, &digest);
                maker.add_text(ComponentKind::Input, &output.to_string());
                maker.add(ComponentKind::Param, "", row.params.unwrap_or(&Digest::of(b"none")));
            }
        }
        maker.finish()
    }

    /// Returns the digest by which an output enters the keys of what reads it; `None` while that is
    /// not known.
    ///
    /// An output that is kept enters by its artifact. One that is not enters by the key of the call.
    pub(crate) fn identity(&self, output: usize) -> Option<Digest> {
        if self.array.is_some() {
            return self.identity_of_all(output);
        }
        let (head, key, settled) = {
            let state = self.state();
            let settled = matches!(state.status, Status::Hit | Status::Ran);
            let outlived = if settled { None } else { state.outlived().cloned() };
            let oldest_key = state.rare.as_ref().and_then(|rare| rare.oldest_key);
            let key = oldest_key.or(state.key)?;
            (state.head.clone().or(outlived), key, settled)
        };
        if let Some(kept) = head.as_ref().and_then(|head| kept(head, output)) {
            return Some(kept.identity());
        }
        let will_be_kept = self.is_kept() && self.outputs[output].format().is_some();
        if will_be_kept && !settled {
            return None;
        }
        let mut maker = KeyMaker::new();
        maker.add(ComponentKind::Stage, "", &key);
        maker.add_text(ComponentKind::Input, &output.to_string());
        if self.state().spoiled {
            // Nobody knows what was read, so nothing that follows may be found by another run.
            maker.add_text(ComponentKind::Input, self.session.store.run());
        }
        Some(maker.finish())
    }
}
