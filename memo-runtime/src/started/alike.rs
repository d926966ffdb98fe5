//! Which calls that are under way are equal, before their keys are known.

use std::sync::Arc;

use crate::digest::Digest;
use crate::key::ComponentKind;
use crate::lazy::{Handle, Origin};
use crate::stage::inputs::Input;
use crate::stage::node::Node;

impl Node {
    /// Returns what equal calls have in common; those that share any are equal.
    ///
    /// One is by the calls that the inputs come from: calls that are under way are shared, so equal inputs
    /// are one node. The other is by what those calls gave, as in a key, once all of that is known. What
    /// is never looked up may come out differently each time, so it is known by the call alone.
    pub(super) fn stamps(&self) -> Vec<Digest> {
        let by_call = self.stamp(|node, output| {
            let address = Arc::as_ptr(node).addr();
            Some(Digest::of(format!("{address} {output}").as_bytes()))
        });
        let by_content = self.stamp(|node, output| match node.uncached {
            None if node.has_ended_well() => node.identity(output),
            _ => None,
        });
        let mut stamps: Vec<Digest> = by_content.into_iter().chain(by_call).collect();
        stamps.dedup();
        stamps
    }

    fn stamp(&self, of_output: impl Fn(&Arc<Node>, usize) -> Option<Digest>) -> Option<Digest> {
        let mut maker = self.key_maker(&self.instance.digest);
        for (spec, input) in self.spec.inputs.iter().zip(&self.inputs) {
            maker.add_text(ComponentKind::Input, spec.parameter);
            match input {
                Input::One(None) => maker.add_text(ComponentKind::Input, "absent"),
                Input::One(Some(Handle { origin: Origin::Inserted(digest), .. })) => {
                    maker.add(ComponentKind::Input, "", digest);
                }
                Input::One(Some(Handle { origin: Origin::Node(node, output), .. })) => {
                    maker.add(ComponentKind::Input, "", &of_output(node, *output)?);
                }
                // Calls of these are not started.
                Input::One(Some(Handle { origin: Origin::Broken | Origin::Shard(..), .. }))
                | Input::Across(_)
                | Input::Each(_) => {
                    return None;
                }
            }
        }
        Some(maker.finish())
    }

    /// Whether both would do the same: what enters no key has to be the same as well.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        let mut outputs = self.outputs.iter().zip(&other.outputs);
        std::ptr::eq(self.spec, other.spec)
            && Arc::ptr_eq(&self.instance, &other.instance)
            && self.outputs.len() == other.outputs.len()
            && outputs.all(|(one, other)| one.published() == other.published())
    }
}
