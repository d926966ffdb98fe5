//! [`State`]: output names and what they are bound to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::lazy::Handle;

/// A name in a record's state.
type Name = Cow<'static, str>;

/// So many names lie side by side; from then on a tree holds them. A tree's first node has room for eleven,
/// and most of the thousands of records of an experiment have fewer.
const FEW: usize = 16;

/// Output names and what they are bound to, in the order of the names.
#[derive(Clone)]
pub(crate) enum State {
    Few(Vec<(Name, Bound)>),
    Many(BTreeMap<Name, Bound>),
}

/// A handle that a name is bound to.
#[derive(Clone)]
pub(crate) struct Bound {
    pub(crate) handle: Handle,
    /// Whether the name was bound on the record that this one branched off: then it may be bound anew.
    pub(super) inherited: bool,
}

impl Bound {
    pub(super) fn new(handle: Handle) -> Self {
        Self { handle, inherited: false }
    }
}

impl Default for State {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl State {
    /// Binds a name, whatever it was bound to.
    pub(crate) fn insert(&mut self, name: Name, bound: Bound) {
        match self {
            Self::Many(all) => drop(all.insert(name, bound)),
            Self::Few(few) => match few.binary_search_by(|(there, _)| there.cmp(&name)) {
                Ok(place) => few[place].1 = bound,
                Err(place) if few.len() < FEW => few.insert(place, (name, bound)),
                Err(_) => {
                    let mut all: BTreeMap<Name, Bound> = std::mem::take(few).into_iter().collect();
                    all.insert(name, bound);
                    *self = Self::Many(all);
                }
            },
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Bound> {
        match self {
            Self::Few(few) => {
                let place = few.binary_search_by(|(there, _)| (**there).cmp(name)).ok()?;
                Some(&few[place].1)
            }
            Self::Many(all) => all.get(name),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Name, &Bound)> {
        let (few, all) = match self {
            Self::Few(few) => (&few[..], None),
            Self::Many(all) => (&[][..], Some(all)),
        };
        few.iter().map(|(name, bound)| (name, bound)).chain(all.into_iter().flatten())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| &**name)
    }

    pub(crate) fn handles(&self) -> impl Iterator<Item = &Handle> {
        self.iter().map(|(_, bound)| &bound.handle)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::digest::Digest;
    use crate::lazy::Origin;
    use crate::slot::Slot;

    fn bound(number: u8) -> Bound {
        let slot = Arc::new(Slot::<()>::new(None, false));
        Bound::new(Handle { slot, origin: Origin::Inserted(Digest::of(&[number])) })
    }

    fn number(bound: &Bound) -> Digest {
        let Origin::Inserted(digest) = &bound.handle.origin else { panic!("another origin") };
        *digest
    }

    proptest! {
        #[test]
        fn few_names_and_many_are_held_as_a_map_holds_them(
            inserted in proptest::collection::vec((0..40_u8, any::<u8>()), 0..80),
        ) {
            let (mut state, mut map) = (State::default(), BTreeMap::new());
            for (name, value) in inserted {
                let name: Name = format!("name {name}").into();
                state.insert(name.clone(), bound(value));
                map.insert(name, Digest::of(&[value]));
                let all = state.iter().map(|(name, bound)| (name.clone(), number(bound)));
                prop_assert_eq!(all.collect::<Vec<_>>(), map.clone().into_iter().collect::<Vec<_>>());
            }
            for name in 0..40 {
                let name = format!("name {name}");
                prop_assert_eq!(state.get(&name).map(number), map.get(&*name).copied());
            }
        }
    }
}
