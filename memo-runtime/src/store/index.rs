//! The index of a stage's entries: a view, from which a run finds thousands of heads without opening a
//! manifest for each.
//!
//! It holds the heads of entries by the folders that these lie in, each folder with the identity that it had.
//! An entry comes into its folder, leaves it and gives way to another one by a name in it, which changes the
//! folder's times; so while device, inode and times are what they were, so are the entries. As with a file
//! whose digest is remembered, that counts only if the folder was at rest when its heads were read.
//!
//! Nobody trusts an index. What it lacks, what is damaged in it, and what lies in a folder that has changed is
//! read from the manifest. What it gives is judged as if it had been read there. The one difference: a manifest
//! that was changed in place, which nothing of this crate does, is not seen; the index tells what was right.
//! It is made by the end of a run that had to open many manifests, so a small experiment has none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use super::layout::Layout;
use super::manifest::Head;
use crate::digest::Digest;
use crate::stage::StageSpec;

mod format;
mod heads;
mod make;
mod view;

use view::View;

/// How many entries of a stage are looked for before its index is: few manifests are opened as quickly.
const FEW: usize = 8;

/// How many keys of opened manifests are noted at most, so that a process that runs for ever does not grow.
const MOST: usize = 1 << 17;

/// The indexes that a store's process uses, by the names of their stages.
#[derive(Debug, Default)]
pub(super) struct Indexes(RwLock<HashMap<String, Arc<OfStage>>>);

/// What a process knows of the index of one stage.
#[derive(Debug, Default)]
pub(super) struct OfStage(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How many entries were looked for before the index was.
    looked: usize,
    /// The keys of the entries whose manifests were opened.
    opened: Vec<Digest>,
    /// Whether the index was asked for.
    is_asked: bool,
    /// The index, if it was asked for and is there.
    view: Option<View>,
}

impl State {
    fn view(&mut self, layout: &Layout, stage: &str) -> Option<&mut View> {
        if !self.is_asked {
            self.is_asked = true;
            self.view = View::open(&layout.entries(stage), stage);
        }
        self.view.as_mut()
    }
}

impl OfStage {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OfStage {
    /// Returns the head of the entry of `key`, if the index has it.
    pub(super) fn find(
        &self,
        layout: &Layout,
        stage: &str,
        key: &Digest,
        asked: Option<&'static StageSpec>,
        now: Instant,
    ) -> Option<Head> {
        let mut state = self.state();
        if state.looked < FEW {
            state.looked += 1;
            return None;
        }
        heads::read(state.view(layout, stage)?.find(key, now)?, stage, key, asked)
    }

    /// Notes that the manifest of an entry had to be opened.
    pub(super) fn opened(&self, key: &Digest) {
        let mut state = self.state();
        if state.opened.len() < MOST {
            state.opened.push(*key);
        }
    }
}

impl Indexes {
    /// Returns what is known of the index of a stage.
    pub(super) fn of(&self, stage: &str) -> Arc<OfStage> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(stage).cloned();
        known.unwrap_or_else(|| {
            let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(stage.to_owned()).or_default())
        })
    }

    /// Looks at the folder of `key` again before an index says anything of it.
    pub(super) fn doubt(&self, key: &Digest) {
        for of_stage in self.0.read().unwrap_or_else(PoisonError::into_inner).values() {
            if let Some(view) = &mut of_stage.state().view {
                view.doubt(key);
            }
        }
    }

    fn take(&self) -> HashMap<String, Arc<OfStage>> {
        std::mem::take(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests;
