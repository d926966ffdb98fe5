//! [`Indices`]: the tasks of an array, and how Slurm writes them.

use std::fmt;
use std::ops::RangeInclusive;

/// Slurm's own bound on `MaxArraySize`; a text that leads beyond it is not from Slurm.
const HIGHEST: u32 = 4_000_001;

/// A job: the number that `sbatch` gave to a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct JobId(pub(crate) u32);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl JobId {
    /// Reads a number, or the number and the cluster of `sbatch --parsable`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (number, cluster) = text.split_once(';').unwrap_or((text, "-"));
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let is_word = !cluster.is_empty() && !cluster.contains(char::is_whitespace);
        if is_number && is_word { number.parse().ok().filter(|id| *id > 0).map(Self) } else { None }
    }
}

/// One task: a job, and its index where the job is an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Task {
    pub(crate) job: JobId,
    pub(crate) index: Option<u32>,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) => write!(f, "{}_{index}", self.job),
            None => self.job.fmt(f),
        }
    }
}

/// A set of indices, kept as its ranges in rising order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Indices(Vec<RangeInclusive<u32>>);

impl FromIterator<u32> for Indices {
    fn from_iter<I: IntoIterator<Item = u32>>(indices: I) -> Self {
        let mut indices: Vec<u32> = indices.into_iter().collect();
        indices.sort_unstable();
        indices.dedup();
        let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
        for index in indices {
            match ranges.last_mut() {
                Some(last) if last.end().checked_add(1) == Some(index) => {
                    *last = *last.start()..=index;
                }
                _ => ranges.push(index..=index),
            }
        }
        Self(ranges)
    }
}

impl Indices {
    /// Returns each index, in rising order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(Clone::clone)
    }

    /// Whether there are none.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads what Slurm writes of an array: `0-3,7,20-40:5%4`. A step is expanded here, since Slurm's own
    /// expansion (`squeue -r`) drops the last index of a stepped range.
    pub(super) fn read(text: &str) -> Option<Self> {
        let list = match text.split_once('%') {
            Some((list, throttle)) => {
                number(throttle)?;
                list
            }
            None => text,
        };
        let mut indices = Vec::new();
        for piece in list.split(',') {
            let (range, step) = match piece.split_once(':') {
                Some((range, step)) => (range, number(step)?),
                None => (piece, 1),
            };
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (number(first)?, number(last)?);
            let count = last.checked_sub(first)? as usize;
            if step == 0 || last > HIGHEST || indices.len() + count > 2 * HIGHEST as usize {
                return None;
            }
            indices.extend((first..=last).step_by(step as usize));
        }
        Some(indices.into_iter().collect())
    }
}

/// Writes the set as `sbatch --array` takes it: `1-4,7`.
impl fmt::Display for Indices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, range) in self.0.iter().enumerate() {
            let comma = if position > 0 { "," } else { "" };
            match (range.start(), range.end()) {
                (first, last) if first == last => write!(f, "{comma}{first}")?,
                (first, last) => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

/// Reads digits only: `parse` would also take a sign.
fn number(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<Vec<u32>> {
        Indices::read(text).map(|indices| indices.iter().collect())
    }

    #[test]
    fn what_slurm_writes_is_read() {
        assert_eq!(read("7"), Some(vec![7]));
        assert_eq!(read("7-10%8"), Some(vec![7, 8, 9, 10]));
        assert_eq!(read("1-9:2,12"), Some(vec![1, 3, 5, 7, 9, 12]));
        assert_eq!(read("1-99:2").unwrap().len(), 50);
    }

    #[test]
    fn what_slurm_does_not_write_is_refused() {
        let wrong = [
            "",
            "N/A",
            "1-",
            "-1",
            "3-1",
            "1-9:0",
            "1,,2",
            "+1",
            "1%",
            "0-4,...",
            "1-99999999999",
            "0-4294967295",
            "1 ",
        ];
        for text in wrong {
            assert_eq!(read(text), None, "{text:?}");
        }
        let bomb = vec!["0-4000000"; 50].join(",");
        assert_eq!(read(&bomb), None, "no text makes this process as large as it likes");
    }

    #[test]
    fn job_numbers_are_read() {
        assert_eq!(JobId::read("12"), Some(JobId(12)));
        assert_eq!(JobId::read("12;test"), Some(JobId(12)));
        for wrong in ["", "0", "-1", "+1", "12;", "12 ", "12;a b", "Submitted batch job 12"] {
            assert_eq!(JobId::read(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn a_set_comes_back(indices in prop::collection::btree_set(0u32..5000, 1..300)) {
            let text = indices.iter().copied().collect::<Indices>().to_string();
            let back: BTreeSet<u32> = read(&text).unwrap().into_iter().collect();
            prop_assert_eq!(&back, &indices);
            prop_assert!(!text.contains(['%', ':']));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9,:%-]{0,40}|.*") {
            let _ = (read(&text), JobId::read(&text));
        }
    }
}
