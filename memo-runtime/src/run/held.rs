//! Which values are in memory between stages, and which of them go when those are too many.

use std::collections::{BTreeMap, HashMap};

use super::limits::bytes;
use crate::stage::node::Node;

pub(super) struct Held {
    /// How many bytes may be held.
    most: Option<u64>,
    /// How many bytes are held, and how many of those cannot be read again.
    sum: u64,
    fixed: u64,
    values: HashMap<usize, Value>,
    /// The calls of which something can be read again, by when that was last used.
    by_use: BTreeMap<u64, usize>,
    uses: u64,
    /// Whether it was told that more is held than may be.
    told: bool,
}

/// What is in memory of a call's outputs.
struct Value {
    used: u64,
    /// The bytes that can be read again, and those that cannot.
    size: Size,
}

/// How much of a call's outputs is in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Size {
    /// What has an artifact, by its size.
    kept: u64,
    /// What has none, as far as the type of the value tells how large it is.
    fixed: u64,
}

impl Held {
    pub(super) fn new(most: Option<u64>) -> Self {
        let (values, by_use) = (HashMap::new(), BTreeMap::new());
        Self { most, sum: 0, fixed: 0, values, by_use, uses: 0, told: false }
    }

    /// Notes that the values of a call were made or read just now.
    pub(super) fn used(&mut self, call: usize, node: &Node) {
        if self.most.is_some() {
            self.holds(call, Size::of(node));
        }
    }

    fn holds(&mut self, call: usize, size: Size) {
        self.dropped(call);
        if size == Size::default() {
            return;
        }
        self.uses += 1;
        self.sum += size.kept + size.fixed;
        self.fixed += size.fixed;
        if size.kept > 0 {
            self.by_use.insert(self.uses, call);
        }
        self.values.insert(call, Value { used: self.uses, size });
    }

    /// Notes that the values of a call have left memory.
    pub(super) fn dropped(&mut self, call: usize) {
        if let Some(Value { used, size }) = self.values.remove(&call) {
            self.by_use.remove(&used);
            self.sum -= size.kept + size.fixed;
            self.fixed -= size.fixed;
        }
    }

    /// Returns the calls whose values that can be read again are to go, those that were used longest ago first.
    pub(super) fn make_room(&mut self) -> Vec<usize> {
        let mut gone = Vec::new();
        while self.most.is_some_and(|most| self.sum > most) {
            let Some((_, call)) = self.by_use.pop_first() else { break };
            if let Some(value) = self.values.get_mut(&call) {
                self.sum -= std::mem::take(&mut value.size.kept);
            }
            gone.push(call);
        }
        gone
    }

    /// Says, once, that what cannot be read again is more than may be held.
    pub(super) fn too_much(&mut self) -> Option<String> {
        let most = self.most.filter(|most| self.fixed > *most)?;
        let is_first = !std::mem::replace(&mut self.told, true);
        let (held, most) = (bytes(self.fixed), bytes(most));
        is_first.then(|| {
            format!(
                "values without an artifact take at least {held}, and {most} may be held in memory: with a cacher they could leave it"
            )
        })
    }
}

impl Size {
    fn of(node: &Node) -> Self {
        let mut size = Self::default();
        for (index, slot) in node.outputs.iter().enumerate() {
            let Some(held) = slot.held_size() else { continue };
            match node.kept(index) {
                Some(kept) => size.kept += kept.size,
                None => size.fixed += held,
            }
        }
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(most: u64, sizes: &[(u64, u64)]) -> Held {
        let mut held = Held::new(Some(most));
        for (call, (kept, fixed)) in sizes.iter().enumerate() {
            held.holds(call, Size { kept: *kept, fixed: *fixed });
        }
        held
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let mut held = held(25, &[(10, 0), (10, 0), (10, 0)]);
        held.holds(0, Size { kept: 10, fixed: 0 });
        assert_eq!(held.make_room(), [1]);
        assert_eq!(held.make_room(), [0_usize; 0]);
        held.dropped(2);
        held.holds(3, Size { kept: 16, fixed: 0 });
        assert_eq!(held.make_room(), [0]);
        assert_eq!(held.too_much(), None);
    }

    #[test]
    fn what_cannot_be_read_again_stays_and_counts() {
        let mut held = held(25, &[(0, 20), (10, 0), (5, 3)]);
        // Of the third, what is kept goes, and the rest stays.
        assert_eq!(held.make_room(), [1, 2]);
        assert_eq!((held.sum, held.fixed), (23, 23));
        assert_eq!(held.too_much(), None);
        held.holds(3, Size { kept: 0, fixed: 3 });
        assert_eq!(held.make_room(), [0_usize; 0]);
        let told = held.too_much().unwrap();
        assert!(told.contains("26 bytes, and 25 bytes may be held"), "{told}");
        assert_eq!(held.too_much(), None, "once");
        (0..4).for_each(|call| held.dropped(call));
        assert_eq!((held.sum, held.fixed), (0, 0));
    }
}
