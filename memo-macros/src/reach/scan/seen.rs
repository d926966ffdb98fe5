//! Names that were seen already, found by their hashes.

use crate::tokens::Tokens;

/// A table of places in a list of tokens.
#[derive(Default, Debug, Clone)]
pub struct Seen {
    /// One more than the place; 0 where nothing is.
    slots: Vec<u32>,
    used: usize,
}

impl Seen {
    /// Adds the name at `at`; returns whether it is new. All names must be of the same list.
    pub fn insert(&mut self, tokens: Tokens, at: usize) -> bool {
        if (self.used + 1) * 2 > self.slots.len() {
            self.grow(tokens);
        }
        let Some(slot) = self.slot(tokens, at) else { return false };
        self.slots[slot] = u32::try_from(at + 1).unwrap_or_default();
        self.used += 1;
        true
    }

    /// The free place of a name; nothing if it is there.
    fn slot(&self, tokens: Tokens, at: usize) -> Option<usize> {
        let mask = self.slots.len() - 1;
        let mut slot = tokens.hash(at) as usize & mask;
        while self.slots[slot] != 0 {
            let other = self.slots[slot] as usize - 1;
            if tokens.hash(other) == tokens.hash(at) && tokens.text(other) == tokens.text(at) {
                return None;
            }
            slot = (slot + 1) & mask;
        }
        Some(slot)
    }

    fn grow(&mut self, tokens: Tokens) {
        let size = (self.slots.len() * 2).max(32);
        let former = std::mem::replace(&mut self.slots, vec![0; size]);
        for place in former {
            if place != 0
                && let Some(slot) = self.slot(tokens, place as usize - 1)
            {
                self.slots[slot] = place;
            }
        }
    }
}
