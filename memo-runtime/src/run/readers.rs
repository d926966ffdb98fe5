//! Counts who will still read a call's values, so that they can be dropped after the last.

use crate::plan::lists::Lists;

/// For each call, how many of its readers are not done.
pub(super) struct Readers(Vec<usize>);

impl Readers {
    pub(super) fn new(counts: Vec<usize>) -> Self {
        Self(counts)
    }

    /// Returns how many of a call's readers are not done.
    pub(super) fn left(&self, call: usize) -> usize {
        self.0[call]
    }

    /// Notes that a call is done. Returns the calls whose values nobody reads any more.
    ///
    /// A call that lives in memory and has not run (`is_idle`) still might read its sources, as long as
    /// its own readers are not done; so it is done when they are.
    pub(super) fn finished(
        &mut self,
        call: usize,
        sources: &Lists,
        mut is_idle: impl FnMut(usize) -> bool,
    ) -> Vec<usize> {
        let (mut done, mut open) = (Vec::new(), Vec::new());
        let mut next = Some(call);
        while let Some(reader) = next {
            for source in &sources[reader] {
                self.0[*source] -= 1;
                if self.0[*source] == 0 {
                    done.push(*source);
                    if is_idle(*source) {
                        open.push(*source);
                    }
                }
            }
            next = open.pop();
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists<const N: usize>(lists: [Vec<usize>; N]) -> Lists {
        Lists::new(lists.into_iter().map(Vec::into_iter))
    }

    #[test]
    fn a_value_goes_after_its_last_reader() {
        // 0 is read by 1 and 2.
        let sources = lists([vec![], vec![0], vec![0]]);
        let mut readers = Readers::new(vec![2, 0, 0]);
        assert!(readers.finished(1, &sources, |_| false).is_empty());
        assert_eq!(readers.finished(2, &sources, |_| false), [0]);
    }

    #[test]
    fn an_idle_call_is_done_with_its_readers() {
        // 0 is read by 1, which stays idle and is read by 2.
        let sources = lists([vec![], vec![0], vec![1]]);
        let mut readers = Readers::new(vec![1, 1, 0]);
        assert_eq!(readers.finished(2, &sources, |call| call == 1), [1, 0]);
    }
}
