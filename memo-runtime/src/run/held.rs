//! Which values with an artifact are in memory between stages, and which of them go when those are too many.

use std::collections::HashMap;

use crate::stage::node::Node;

pub(super) struct Held {
    /// How many bytes may be held.
    most: Option<u64>,
    sum: u64,
    /// By call: when its values were last used, and the size of their artifacts.
    values: HashMap<usize, (u64, u64)>,
    uses: u64,
}

impl Held {
    pub(super) fn new(most: Option<u64>) -> Self {
        Self { most, sum: 0, values: HashMap::new(), uses: 0 }
    }

    /// Notes that the values of a call were made or read just now.
    pub(super) fn used(&mut self, call: usize, node: &Node) {
        if self.most.is_none() {
            return;
        }
        self.dropped(call);
        let in_memory = |output: &usize| {
            let slot = &node.outputs[*output];
            !slot.is_lazy() && slot.peek_any().is_some()
        };
        let outputs = (0..node.outputs.len()).filter(in_memory);
        let size = outputs.filter_map(|output| node.kept(output)).map(|kept| kept.size).sum();
        if size > 0 {
            self.uses += 1;
            self.sum += size;
            self.values.insert(call, (self.uses, size));
        }
    }

    /// Notes that the values of a call have left memory.
    pub(super) fn dropped(&mut self, call: usize) {
        if let Some((_, size)) = self.values.remove(&call) {
            self.sum -= size;
        }
    }

    /// Returns the calls whose values are to go, those that were used longest ago first.
    pub(super) fn make_room(&mut self) -> Vec<usize> {
        let mut gone = Vec::new();
        while self.most.is_some_and(|most| self.sum > most) {
            let oldest = self.values.iter().min_by_key(|(_, (used, _))| *used);
            let Some(call) = oldest.map(|(call, _)| *call) else { break };
            self.dropped(call);
            gone.push(call);
        }
        gone
    }
}
