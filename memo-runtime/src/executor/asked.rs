//! [`Asked`]: what a task is given, which may be more than the one before it had.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::stage::{More, MoreResources, Resources};

/// What a task is given; 0 or nothing where that is left to the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    pub(crate) cpus: u32,
    /// In bytes.
    pub(crate) memory: u64,
    /// In milliseconds.
    pub(crate) time: u64,
    pub(crate) gpus: u32,
    pub(crate) partition: String,
}

/// What a task has run out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    Time,
    Memory,
}

impl Asked {
    /// Takes what a stage asks for.
    pub(crate) fn of(resources: &Resources) -> Self {
        let Resources { cpus, memory, time, gpus, partition } = *resources;
        Self { cpus, memory, time, gpus, partition: partition.to_owned() }
    }

    /// Returns what is asked for after a task has run out of something.
    pub(crate) fn more(&self, lack: Lack, more: &MoreResources) -> Self {
        let mut next = self.clone();
        match lack {
            Lack::Time => next.time = of(self.time, more.time),
            Lack::Memory => next.memory = of(self.memory, more.memory),
        }
        for (next, more) in [(&mut next.cpus, more.cpus), (&mut next.gpus, more.gpus)] {
            if more > 0 {
                *next = more;
            }
        }
        if !more.partition.is_empty() {
            more.partition.clone_into(&mut next.partition);
        }
        next
    }
}

fn of(before: u64, more: More) -> u64 {
    match more {
        More::Nothing => before,
        More::Times(hundredths) => {
            let product = u128::from(before) * u128::from(hundredths);
            u64::try_from(product.div_ceil(100)).unwrap_or(u64::MAX)
        }
        More::To(amount) => amount,
    }
}

/// As the attribute of a stage has it: `memory = 128 MiB, time = 2 min`.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |name: &str, number: u32| (number > 0).then(|| format!("{name} = {number}"));
        let memory = self.memory.div_ceil(1 << 20);
        let minutes = self.time.div_ceil(60_000);
        let all = [
            number("cpus", self.cpus),
            (memory > 0).then(|| format!("memory = {memory} MiB")),
            (minutes > 0).then(|| format!("time = {minutes} min")),
            number("gpus", self.gpus),
            (!self.partition.is_empty()).then(|| format!("partition = {}", self.partition)),
        ];
        f.write_str(&all.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Resources =
        Resources { cpus: 2, memory: 1 << 30, time: 60_000, gpus: 0, partition: "short" };

    #[test]
    fn more_is_asked_of_what_was_lacking() {
        let more = MoreResources {
            memory: More::Times(150),
            time: More::To(600_000),
            ..MoreResources::NONE
        };
        let asked = Asked::of(&ASKED);
        let once = asked.more(Lack::Memory, &more);
        assert_eq!(once, Asked { memory: 3 << 29, ..asked.clone() });
        assert_eq!(once.more(Lack::Memory, &more).memory, 9 << 28, "of what was asked last");
        let longer = asked.more(Lack::Time, &more);
        assert_eq!(longer, Asked { time: 600_000, ..asked });
        assert_eq!(longer.more(Lack::Time, &more), longer, "there is no more");
        assert_eq!(
            longer.to_string(),
            "cpus = 2, memory = 1024 MiB, time = 10 min, partition = short"
        );
    }

    #[test]
    fn the_rest_goes_with_either() {
        let more = MoreResources { cpus: 8, gpus: 1, partition: "long", ..MoreResources::NONE };
        for lack in [Lack::Time, Lack::Memory] {
            let next = Asked::of(&ASKED).more(lack, &more);
            assert_eq!((next.cpus, next.gpus, &*next.partition), (8, 1, "long"));
            assert_eq!((next.memory, next.time), (ASKED.memory, ASKED.time));
        }
    }
}
