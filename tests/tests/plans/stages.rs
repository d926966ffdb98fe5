//! Stages that do what their arguments say, and tell that they did.

use std::collections::HashMap;
use std::hash::Hasher;
use std::sync::{Arc, Mutex};

use memo_runtime::Experiment;
use memo_runtime::prelude::*;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

/// What the bodies share with the test. It enters no key.
#[derive(Default)]
pub(crate) struct World {
    /// What ran: the digest of what each body was given.
    pub(crate) ran: Mutex<Vec<u64>>,
    /// Which bodies fail, by what they are given.
    pub(crate) fails: HashMap<(usize, u32), Fails>,
}

impl World {
    pub(crate) fn take_ran(&self) -> Vec<u64> {
        let mut ran = std::mem::take(&mut *self.ran.lock().unwrap());
        ran.sort_unstable();
        ran
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fails {
    WithAnError,
    WithAPanic,
}

/// What a body makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Make {
    pub(crate) id: usize,
    pub(crate) salt: u32,
    /// The value does not depend on the inputs.
    pub(crate) coarse: bool,
    /// The value is too large for a manifest.
    pub(crate) big: bool,
}

impl Make {
    /// Returns what tells a run of the body from others.
    pub(crate) fn label(&self, inputs: &[Option<u64>]) -> u64 {
        digest(&(self.id, self.salt, inputs))
    }

    /// Returns the value.
    pub(crate) fn number(&self, inputs: &[Option<u64>]) -> u64 {
        if self.coarse { digest(&(self.id, self.salt)) } else { digest(&(self, inputs)) }
    }

    fn run(&self, inputs: &[Option<u64>], world: &World) -> Result<Vec<u8>> {
        world.ran.lock().unwrap().push(self.label(inputs));
        match world.fails.get(&(self.id, self.salt)) {
            Some(Fails::WithAnError) => return Err(format!("{} fails", self.id).into()),
            Some(Fails::WithAPanic) => panic!("{} panics", self.id),
            None => {}
        }
        let mut bytes = self.number(inputs).to_le_bytes().to_vec();
        bytes.resize(if self.big { 5000 } else { 8 }, 7);
        Ok(bytes)
    }
}

pub(crate) fn digest(value: &impl std::hash::Hash) -> u64 {
    let mut hasher = Xxh3::new();
    value.hash(&mut hasher);
    hasher.finish()
}

pub(crate) fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[..8].try_into().unwrap())
}

fn all(inputs: &[&[u8]]) -> Vec<Option<u64>> {
    inputs.iter().map(|input| Some(number(input))).collect()
}

/// How the stage of a call treats its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Flavour {
    Kept,
    Memory,
    Lazy,
    Uncached,
}

/// Declares a stage of each flavour.
macro_rules! stages {
    ($make:ident, $world:ident, $($kept:ident $memory:ident $lazy:ident $uncached:ident ($($input:ident),*);)*) => { $(
        #[stage(inputs = [$($input),*], outputs = [node], cachers = [Bytes], skip = [$world], code = manual)]
        fn $kept($($input: &[u8],)* $make: Make, $world: Arc<World>) -> Result<Vec<u8>> {
            $make.run(&all(&[$($input),*]), &$world)
        }

        #[stage(inputs = [$($input),*], outputs = [node], skip = [$world], code = manual)]
        fn $memory($($input: &[u8],)* $make: Make, $world: Arc<World>) -> Result<Vec<u8>> {
            $make.run(&all(&[$($input),*]), &$world)
        }

        #[stage(inputs = [$($input),*], outputs = [Lazy(node)], cachers = [Bytes], skip = [$world], code = manual)]
        fn $lazy($($input: &[u8],)* $make: Make, $world: Arc<World>) -> Result<Vec<u8>> {
            $make.run(&all(&[$($input),*]), &$world)
        }

        #[stage(inputs = [$($input),*], outputs = [node], cachers = [Bytes], skip = [$world], code = manual, cache = false)]
        fn $uncached($($input: &[u8],)* $make: Make, $world: Arc<World>) -> Result<Vec<u8>> {
            $make.run(&all(&[$($input),*]), &$world)
        }
    )* };
}

stages! { make, world,
    kept_0 memory_0 lazy_0 uncached_0 ();
    kept_1 memory_1 lazy_1 uncached_1 (a);
    kept_2 memory_2 lazy_2 uncached_2 (a, b);
    kept_3 memory_3 lazy_3 uncached_3 (a, b, c);
}

const NAMES: [[&str; 4]; 4] = [
    ["kept_0", "memory_0", "lazy_0", "uncached_0"],
    ["kept_1", "memory_1", "lazy_1", "uncached_1"],
    ["kept_2", "memory_2", "lazy_2", "uncached_2"],
    ["kept_3", "memory_3", "lazy_3", "uncached_3"],
];

pub(crate) fn stage_name(inputs: usize, flavour: Flavour) -> &'static str {
    NAMES[inputs][flavour as usize]
}

/// Calls the stage of that flavour and number of inputs, whose inputs are `a`, `b` and `c`.
pub(crate) fn call(
    record: &mut Record<Params>,
    (inputs, flavour): (usize, Flavour),
    name: String,
    make: Make,
    world: Arc<World>,
) -> Result<()> {
    use Flavour::{Kept, Lazy, Memory, Uncached};
    let name = [name];
    match (inputs, flavour) {
        (0, Kept) => kept_0::named(record, name, make, world)?,
        (0, Memory) => memory_0::named(record, name, make, world)?,
        (0, Lazy) => lazy_0::named(record, name, make, world)?,
        (0, Uncached) => uncached_0::named(record, name, make, world)?,
        (1, Kept) => kept_1::named(record, name, make, world)?,
        (1, Memory) => memory_1::named(record, name, make, world)?,
        (1, Lazy) => lazy_1::named(record, name, make, world)?,
        (1, Uncached) => uncached_1::named(record, name, make, world)?,
        (2, Kept) => kept_2::named(record, name, make, world)?,
        (2, Memory) => memory_2::named(record, name, make, world)?,
        (2, Lazy) => lazy_2::named(record, name, make, world)?,
        (2, Uncached) => uncached_2::named(record, name, make, world)?,
        (_, Kept) => kept_3::named(record, name, make, world)?,
        (_, Memory) => memory_3::named(record, name, make, world)?,
        (_, Lazy) => lazy_3::named(record, name, make, world)?,
        (_, Uncached) => uncached_3::named(record, name, make, world)?,
    };
    Ok(())
}

#[aggregate(inputs = [last], outputs = [board], cachers = [Bytes], skip = [world], code = manual)]
fn board(last: Across<Vec<u8>>, make: Make, world: Arc<World>) -> Result<Vec<u8>> {
    let values: Result<Vec<_>> = last.iter().map(|item| Ok(Some(number(&item.load()?)))).collect();
    make.run(&values?, &world)
}

#[aggregate(inputs = [last], outputs = [present], cachers = [Bytes], skip = [world], code = manual)]
fn present(last: Across<Option<Vec<u8>>>, make: Make, world: Arc<World>) -> Result<Vec<u8>> {
    let values: Result<Vec<_>> =
        last.iter().map(|item| Ok(item.present()?.map(|value| number(&value)))).collect();
    make.run(&values?, &world)
}

#[aggregate(inputs = [present], outputs = [top], cachers = [Bytes], skip = [world], code = manual)]
fn top(present: &[u8], make: Make, world: Arc<World>) -> Result<Vec<u8>> {
    make.run(&all(&[present]), &world)
}

/// Adds the aggregates.
pub(crate) fn aggregates(
    experiment: Experiment<Params>,
    makes: [Option<Make>; 3],
    world: &Arc<World>,
) -> Experiment<Params> {
    let mut experiment = experiment;
    if let Some(make) = makes[0] {
        let world = Arc::clone(world);
        experiment = experiment.aggregate(move |records| board(records, make, Arc::clone(&world)));
    }
    if let Some(make) = makes[1] {
        let world = Arc::clone(world);
        experiment =
            experiment.aggregate(move |records| present(records, make, Arc::clone(&world)));
    }
    if let Some(make) = makes[2] {
        let world = Arc::clone(world);
        experiment = experiment.aggregate(move |records| top(records, make, Arc::clone(&world)));
    }
    experiment
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Params {
    pub(crate) shared: u32,
    pub(crate) own: u32,
}
