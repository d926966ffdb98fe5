//! Random pipelines, and what happens between their runs. A seed gives the same each time.

use std::collections::HashMap;

use crate::stages::{Fails, Flavour, Make, Params};

pub(crate) const AGGREGATES: [&str; 3] = ["board", "present", "top"];

/// Numbers that look random (`SplitMix64`).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// Whether something of so many percent happens.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// Where the argument comes from by which records differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Salt {
    None,
    Shared,
    Own,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) sources: Vec<usize>,
    pub(crate) flavour: Flavour,
    pub(crate) salt: Salt,
    pub(crate) coarse: bool,
    pub(crate) big: bool,
}

impl Call {
    pub(crate) fn make(&self, id: usize, params: Params) -> Make {
        let salt = match self.salt {
            Salt::None => 0,
            Salt::Shared => params.shared,
            Salt::Own => params.own,
        };
        Make { id, salt, coarse: self.coarse, big: self.big }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    pub(crate) calls: Vec<Call>,
    /// The call that the aggregates read.
    pub(crate) last: usize,
    /// Which of the aggregates there are.
    aggregates: [bool; 3],
}

impl Pipeline {
    pub(crate) fn random(random: &mut Random) -> Self {
        let count = 1 + random.below(8);
        let calls: Vec<Call> = (0..count).map(|id| Call::random(random, id)).collect();
        let last = if random.percent(70) { count - 1 } else { random.below(count) };
        let present = random.percent(40);
        let aggregates = [random.percent(30), present, present && random.percent(40)];
        Self { calls, last, aggregates }
    }

    pub(crate) fn aggregates(&self) -> [Option<Make>; 3] {
        let make = |id: usize| Make { id: 100 + id, salt: 0, coarse: false, big: false };
        [0, 1, 2].map(|id| self.aggregates[id].then(|| make(id)))
    }

    /// Whether a call lives in memory and is read by an aggregate that can do without it: whether that is a
    /// hit depends on who comes first, if the call fails now and did not before.
    fn may_be_missed(&self, id: usize) -> bool {
        self.aggregates[1] && id <= self.last
    }
}

impl Call {
    fn random(random: &mut Random, id: usize) -> Self {
        let mut sources: Vec<usize> = Vec::new();
        for _ in 0..if id == 0 { 0 } else { random.below(4) } {
            // Near ones more often, so that there are chains.
            let near = id.saturating_sub(3);
            let source =
                if random.percent(60) { near + random.below(id - near) } else { random.below(id) };
            sources.push(source);
        }
        let flavour = match random.below(20) {
            0..=8 => Flavour::Kept,
            9..=15 => Flavour::Memory,
            16..=18 => Flavour::Lazy,
            _ => Flavour::Uncached,
        };
        let salt = random.one_of(&[Salt::None, Salt::None, Salt::Shared, Salt::Own]);
        Self { sources, flavour, salt, coarse: random.percent(15), big: random.percent(50) }
    }
}

/// What is done to an entry between two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    RemoveEntry,
    CutEntry,
    RemoveArtifact,
    FlipArtifact,
}

/// One run, and what happens before it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Which of the former run's calls are harmed, by a number that is taken modulo their count.
    pub(crate) harms: Vec<(usize, Harm)>,
    pub(crate) records: Vec<Params>,
    pub(crate) fails: HashMap<(usize, u32), Fails>,
    /// Which of the calls' stages are forced, likewise.
    pub(crate) force: Vec<usize>,
}

/// A pipeline and some runs of it.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) pipeline: Pipeline,
    pub(crate) steps: Vec<Step>,
}

impl Scenario {
    pub(crate) fn random(seed: u64) -> Self {
        let random = &mut Random(seed);
        let pipeline = Pipeline::random(random);
        let records = 1 + random.below(4);
        let count = 2 + random.below(2);
        let steps = (0..count).map(|step| Step::random(random, &pipeline, records, step)).collect();
        Self { pipeline, steps }
    }
}

impl Step {
    fn random(random: &mut Random, pipeline: &Pipeline, records: usize, step: usize) -> Self {
        let shared = u32::from(random.percent(25));
        let params = |own: usize| Params { shared, own: u32::try_from(own).unwrap() };
        let records: Vec<Params> = (0..records)
            .map(|index| params(if random.percent(10) { 10 + random.below(3) } else { index }))
            .collect();
        let mut fails = HashMap::new();
        if random.percent(35) {
            for _ in 0..=random.below(2) {
                let id = random.below(pipeline.calls.len());
                let call = &pipeline.calls[id];
                // What is in a store did not fail, and a hit does not fail again.
                if step > 0 && call.flavour != Flavour::Kept && pipeline.may_be_missed(id) {
                    continue;
                }
                let record = records[random.below(records.len())];
                let make = call.make(id, record);
                fails.insert(
                    (id, make.salt),
                    random.one_of(&[Fails::WithAnError, Fails::WithAPanic]),
                );
            }
        }
        let mut harms = Vec::new();
        if step > 0 && random.percent(60) {
            let kinds: &[Harm] = if fails.is_empty() {
                &[Harm::RemoveEntry, Harm::CutEntry, Harm::RemoveArtifact, Harm::FlipArtifact]
            } else {
                &[Harm::RemoveEntry, Harm::CutEntry, Harm::RemoveArtifact]
            };
            for _ in 0..=random.below(3) {
                harms.push((random.below(1000), random.one_of(kinds)));
            }
        }
        let forced = if step > 0 && random.percent(20) { 1 + random.below(2) } else { 0 };
        let force = (0..forced).map(|_| random.below(1000)).collect();
        Self { harms, records, fails, force }
    }
}
