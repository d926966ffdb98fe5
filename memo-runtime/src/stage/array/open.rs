//! Opening an array: its elements are counted, each shard gets its key, and those that are kept are found.

use std::sync::Arc;
use std::thread;

use super::elements::{EachInput, ElementKey, common_length};
use super::table::{Counts, Far, State, Table};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::event::MissReason;
use crate::key::files::FileDigest;
use crate::key::{ComponentKind, KeyMaker};
use crate::lazy::Origin;
use crate::stage::inputs::Input;
use crate::stage::node::{Node, Status};
use crate::store::packs::Shard;

/// As many elements are worth a thread.
const WORTH_A_THREAD: usize = 10_000;

impl Node {
    /// Returns the inputs of which each shard takes an element, with the names of their parameters.
    pub(in crate::stage) fn each_inputs(&self) -> impl Iterator<Item = (&'static str, &EachInput)> {
        self.spec.inputs.iter().zip(&self.inputs).filter_map(|(spec, input)| match input {
            Input::Each(each) => Some((spec.parameter, &**each)),
            Input::One(_) | Input::Across(_) => None,
        })
    }

    /// Opens the array, unless it is open. `None` while it is not known which elements there are.
    pub(super) fn open_array(&self) -> Result<Option<&Table>, Error> {
        let Some(array) = &self.array else { return Ok(None) };
        if let Some(table) = array.table() {
            return Ok(Some(table));
        }
        let Some(shared) = self.compute_key() else { return Ok(None) };
        if !self.each_inputs().all(|(_, each)| each.is_known()) {
            return Ok(None);
        }
        let total = self.count_elements()?;
        let packs = self.session.store.packs(self.spec.name, &shared, self.outputs.len());
        let formers = if self.looks_up_shards() { self.former_shards() } else { Vec::new() };
        let table = Table::new(packs, formers, self.oldest_key(), self.outputs.len(), total);
        self.set_key(shared);
        self.fill(&table, &shared)?;
        Ok(Some(array.table.get_or_init(|| table)))
    }

    /// Counts the elements. Arrays that are taken together must have as many each.
    fn count_elements(&self) -> Result<usize, Error> {
        let mut counts = Vec::new();
        for (parameter, each) in self.each_inputs() {
            let count = match each.array() {
                Some((node, _)) => node.table().map_or(0, Table::total),
                None => each.load()?,
            };
            counts.push((parameter, count));
        }
        Ok(common_length(&counts)?.unwrap_or(0))
    }

    /// Gives each shard whose elements are known its key, and finds those that are kept.
    fn fill(&self, table: &Table, shared: &Digest) -> Result<(), Error> {
        let total = table.total();
        let mut state = table.state();
        let waits = self.waits_for_shards(total);
        let mut keys = std::mem::take(&mut state.keys);
        for (shard, files) in self.enter_keys(shared, &mut keys, &waits)? {
            // Arrays that are taken together may name files each.
            state.files.entry(shard).or_default().extend(files);
        }
        if let Some(oldest) = &table.oldest {
            let mut oldest_keys = std::mem::take(&mut state.oldest_keys);
            self.enter_keys(oldest, &mut oldest_keys, &waits)?;
            state.oldest_keys = oldest_keys;
        }
        let kept = self.looks_up_shards().then(|| table.packs.find(&keys));
        if kept.is_none() && self.is_kept() {
            // What is made anew takes the place of what is there.
            table.packs.refresh();
        }
        state.keys = keys;
        if let Some(kept) = &kept {
            for what in kept.unreadable() {
                self.warn(format!("shards cannot be read: {what}"), false);
            }
        }
        let is_missing = |shard| kept.as_ref().is_some_and(|kept| !kept.is_found(shard));
        self.fill_from_formers(table, &mut state, &waits, &is_missing)?;
        let is_open = |shard: &usize| waits.get(*shard).is_none_or(|waits| !waits);
        for shard in (0..total).filter(is_open) {
            if !state.waits(shard) {
                continue;
            }
            let found = kept.as_ref().and_then(|kept| kept.get(shard));
            self.judge_shard(table, &mut state, shard, found);
        }
        Ok(())
    }

    /// Says of each shard whether it waits for a shard of another array; nothing where none does.
    fn waits_for_shards(&self, total: usize) -> Vec<bool> {
        let mut waits = Vec::new();
        for (node, output) in self.arrays_above() {
            for shard in 0..total {
                if node.identity_of_shard(shard, output).is_none() {
                    waits.resize(total, false);
                    waits[shard] = true;
                }
            }
        }
        waits
    }

    pub(super) fn arrays_above(&self) -> impl Iterator<Item = (&Arc<Node>, usize)> {
        self.each_inputs().filter_map(|(_, each)| each.array())
    }

    /// Returns the digest by which a shard's output enters other keys: once it is there, or once its key
    /// is known where no run keeps it.
    fn identity_of_shard(&self, shard: usize, output: usize) -> Option<Digest> {
        let table = self.table()?;
        let known = table.identity(shard, output);
        if known.is_some() || !self.lives_in_memory() {
            return known;
        }
        let is_known = !matches!(table.far(shard)?, Far::Waits | Far::Failed | Far::Lost);
        is_known.then(|| self.shard_identities(&table.oldest_key(shard), None, false)[output])
    }

    /// Whether it runs only for those who need its values.
    pub(crate) fn lives_in_memory(&self) -> bool {
        self.array.is_some() && !self.is_kept() && self.uncached.is_none()
    }

    /// Writes the keys of all shards whose elements are known, and returns the files that these name.
    pub(super) fn enter_keys(
        &self,
        shared: &Digest,
        keys: &mut [Digest],
        waits: &[bool],
    ) -> Result<Vec<(usize, Vec<FileDigest>)>, Error> {
        let total = keys.len();
        let chunks = thread::available_parallelism().map_or(1, usize::from);
        let chunks = chunks.min(total / WORTH_A_THREAD).max(1);
        let size = total.div_ceil(chunks).max(1);
        let work: Vec<(usize, &mut [Digest])> =
            keys.chunks_mut(size).enumerate().map(|(chunk, keys)| (chunk * size, keys)).collect();
        let named = match <[_; 1]>::try_from(work) {
            Ok([(first, keys)]) => vec![self.keys_of(shared, first, keys, waits)],
            Err(work) => thread::scope(|scope| {
                let threads: Vec<_> = work
                    .into_iter()
                    .map(|(first, keys)| {
                        scope.spawn(move || self.keys_of(shared, first, keys, waits))
                    })
                    .collect();
                let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                };
                threads.into_iter().map(join).collect()
            }),
        };
        let mut files = Vec::new();
        for named in named {
            files.extend(named?);
        }
        Ok(files)
    }

    /// Writes the keys of the shards from `first` on, and returns the files that their elements name.
    fn keys_of(
        &self,
        shared: &Digest,
        first: usize,
        keys: &mut [Digest],
        waits: &[bool],
    ) -> Result<Vec<(usize, Vec<FileDigest>)>, Error> {
        let mut named = Vec::new();
        let memory = self.session.store.files();
        let range = first..first + keys.len();
        let each: Vec<_> = self.each_inputs().collect();
        if let [(parameter, one)] = each[..]
            && one.array().is_none()
        {
            // The plain case takes no room for the elements.
            let mut shard = first;
            one.digest(range, memory, &mut |value, files| {
                keys[shard - first] =
                    self.shard_key(shared, shard, &[(parameter, ElementKey::Value(value))]);
                if !files.is_empty() {
                    named.push((shard, files));
                }
                shard += 1;
            })?;
            return Ok(named);
        }
        let mut values = vec![Vec::new(); each.len()];
        for ((_, each), values) in each.iter().zip(&mut values) {
            let mut shard = first;
            each.digest(range.clone(), memory, &mut |value, files| {
                values.push(value);
                if !files.is_empty() {
                    named.push((shard, files));
                }
                shard += 1;
            })?;
        }
        for shard in range.filter(|shard| waits.get(*shard).is_none_or(|waits| !waits)) {
            let element = |((parameter, each), values): (&(&'static str, &EachInput), &Vec<_>)| {
                let key = match each.array() {
                    Some((node, output)) => {
                        ElementKey::Shard(node.identity_of_shard(shard, output)?)
                    }
                    None => ElementKey::Value(values[shard - first]),
                };
                Some((*parameter, key))
            };
            let elements: Option<Vec<_>> = each.iter().zip(&values).map(element).collect();
            let unknown = || Error::new(ErrorKind::Wiring, "an element is not known");
            let elements = elements.ok_or_else(unknown)?;
            keys[shard - first] = self.shard_key(shared, shard, &elements);
        }
        Ok(named)
    }

    pub(super) fn shard_key(
        &self,
        shared: &Digest,
        shard: usize,
        elements: &[(&'static str, ElementKey)],
    ) -> Digest {
        let mut maker = KeyMaker::new();
        maker.add(ComponentKind::Stage, "", shared);
        elements.iter().for_each(|(parameter, element)| element.add_to(&mut maker, parameter));
        if self.array.as_ref().is_some_and(|array| array.takes_index) {
            maker.add_text(ComponentKind::Argument, &format!("index {shard}"));
        }
        maker.finish()
    }

    /// Whether shards are looked for in the store.
    fn looks_up_shards(&self) -> bool {
        self.never_looked_up().is_none()
    }

    /// Notes a shard as found, or as one that is to run.
    fn judge_shard(&self, table: &Table, state: &mut State, shard: usize, kept: Option<Shard<'_>>) {
        let Some(kept) = kept else { return state.queue_up(shard) };
        let key = state.keys[shard];
        if self.is_shard_good(&table.packs, &key, &kept) {
            let identities = self.known_identities(&state.oldest_key(shard), &kept);
            let (place, seconds) = (kept.place, f64::from(kept.seconds));
            state.found(shard, self.outputs.len(), place, &identities, seconds);
        } else {
            state.generations.insert(shard, kept.generation.saturating_add(1));
            state.queue_up(shard);
        }
    }

    /// Notes that the elements of a shard have ended: it can run, or is found, or never will.
    pub(crate) fn elements_ended(&self, shard: usize) {
        let (Some(table), Some(shared)) = (self.table(), self.key()) else { return };
        if table.far(shard) != Some(Far::Waits) {
            return;
        }
        let mut elements = Vec::new();
        for (parameter, each) in self.each_inputs() {
            match self.element_now(each, shard) {
                Ok(Now::Known(key)) => elements.push((parameter, key)),
                Ok(Now::Waits) => return,
                Ok(Now::Lost) => return table.state().lose(shard),
                Err(error) => return table.failed(shard, &error),
            }
        }
        let key = self.shard_key(&shared, shard, &elements);
        let oldest = table.oldest.map(|oldest| self.shard_key(&oldest, shard, &elements));
        let kept = if self.looks_up_shards() { table.packs.find_one(&key) } else { None };
        if kept.is_none() {
            let mut state = table.state();
            if state.far[shard] != Far::Waits {
                return;
            }
            state.set_keys(shard, key, oldest);
            drop(state);
            if self.find_in_formers(table, shard, &elements) {
                return;
            }
        }
        let mut state = table.state();
        if state.far[shard] == Far::Waits {
            state.set_keys(shard, key, oldest);
            self.judge_shard(table, &mut state, shard, kept);
            if self.lives_in_memory() {
                // By its key it enters the keys of others, which need not wait.
                state.news.push(shard);
            }
        }
    }

    fn element_now(&self, each: &EachInput, shard: usize) -> Result<Now, Error> {
        if let Some((node, output)) = each.array() {
            let Some(above) = node.table() else { return Ok(Now::Waits) };
            return Ok(match above.far(shard) {
                Some(Far::Failed | Far::Lost) => Now::Lost,
                _ => node
                    .identity_of_shard(shard, output)
                    .map_or(Now::Waits, |identity| Now::Known(ElementKey::Shard(identity))),
            });
        }
        let mut entered = None;
        let memory = self.session.store.files();
        each.digest(shard..shard + 1, memory, &mut |value, _| entered = Some(value))?;
        let unknown = || Error::new(ErrorKind::Wiring, "an element is not known");
        entered.map(|value| Now::Known(ElementKey::Value(value))).ok_or_else(unknown)
    }

    /// Whether a shard's elements that are shards of others are not those any more of which its key was
    /// made: one that was damaged may have come out as another.
    pub(super) fn has_other_elements(&self, shard: usize, key: &Digest) -> bool {
        if self.arrays_above().next().is_none() {
            return false;
        }
        let Some(shared) = self.key() else { return true };
        let element = |(parameter, each)| match self.element_now(each, shard) {
            Ok(Now::Known(key)) => Some((parameter, key)),
            _ => None,
        };
        let elements: Option<Vec<_>> = self.each_inputs().map(element).collect();
        elements.is_none_or(|elements| self.shard_key(&shared, shard, &elements) != *key)
    }

    /// Looks once more at the elements that shards wait for.
    pub(crate) fn catch_up(&self) {
        let waiting = self.table().map(Table::waiting).unwrap_or_default();
        waiting.into_iter().for_each(|shard| self.elements_ended(shard));
    }

    /// Returns the calls above that make a `Vec` of elements, and whose values can be had only by running
    /// them.
    pub(crate) fn valueless_elements(&self) -> Vec<Arc<Node>> {
        let unknown = |(_, each): (&'static str, &EachInput)| match &each.handle.origin {
            Origin::Node(node, output) if each.array().is_none() && !node.has_value(*output) => {
                Some(Arc::clone(node))
            }
            _ => None,
        };
        self.each_inputs().filter_map(unknown).collect()
    }

    /// Returns the stage without whose shards some of this array could not run.
    pub(crate) fn lost_to(&self) -> Option<&'static str> {
        let counts = self.table()?.counts();
        if counts.lost == 0 || counts.failed > 0 {
            return None;
        }
        let mut arrays = self.each_inputs().filter_map(|(_, each)| each.array());
        let (node, _) = arrays.find(|(node, _)| {
            node.table().is_some_and(|table| {
                let counts = table.counts();
                counts.failed + counts.lost > 0
            })
        })?;
        Some(node.spec.short_name())
    }

    /// Settles an array: a hit if all shards are there. False while its elements are not known.
    pub(crate) fn settle_array(&self) -> Result<bool, Error> {
        let Some(table) = self.open_array()? else { return Ok(false) };
        let counts = table.counts();
        if table.is_complete() && counts.lost + counts.failed == 0 {
            self.let_go_of_elements();
            self.set_seconds(0.0);
            self.set_status(Status::Hit);
            table.ends_now();
            self.told_shards(counts);
            self.told_array_hit(counts);
        } else {
            self.told_shards(counts);
            self.set_status(Status::Miss(self.why_shards_run(counts)));
        }
        Ok(true)
    }

    fn why_shards_run(&self, counts: Counts) -> MissReason {
        if let Some(reason) = self.never_looked_up() {
            return reason;
        }
        if counts.found == 0 && !self.is_array_known() {
            return self.explain();
        }
        // What waits for an element is taken to be missing, as the element is.
        let mut missing = self.table().map(Table::missing).unwrap_or_default();
        missing.extend(self.table().map(Table::waiting).unwrap_or_default());
        missing.sort_unstable();
        MissReason::Shards {
            count: missing.len(),
            missing: super::ranges::ranges(missing, MOST_RANGES),
            total: counts.total,
        }
    }

    /// Whether shards were kept that share what these do.
    fn is_array_known(&self) -> bool {
        self.key().is_some_and(|key| {
            let store = &self.session.store;
            matches!(
                store.look_up(self.spec.name, &key, Some(self.spec)),
                crate::store::Found::Entry(_)
            )
        })
    }
}

/// What is known of an element.
enum Now {
    Known(ElementKey),
    Waits,
    /// It could not be made.
    Lost,
}

/// How many ranges of shards are told.
pub(super) const MOST_RANGES: usize = 12;

impl EachInput {
    /// Whether it is known which elements there are.
    fn is_known(&self) -> bool {
        match (self.array(), self.handle.node()) {
            (Some((node, _)), _) => node.table().is_some(),
            (None, Some(node)) => match &self.handle.origin {
                Origin::Node(_, output) => node.has_value(*output),
                _ => true,
            },
            (None, None) => true,
        }
    }
}
