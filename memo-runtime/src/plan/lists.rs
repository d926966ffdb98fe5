//! Many short lists of positions in one piece of memory: a plan has a few of them for each call.

use std::ops::Index;

pub(crate) struct Lists {
    /// Where in `all` each list begins, and at last where the last one ends.
    begins: Vec<usize>,
    all: Vec<usize>,
}

impl Lists {
    /// Makes a list of each of the iterators, sorted, each position once.
    pub(crate) fn new<I: Iterator<Item = usize>>(lists: impl Iterator<Item = I>) -> Self {
        let (mut begins, mut all) = (vec![0], Vec::new());
        for list in lists {
            let begin = all.len();
            all.extend(list);
            all[begin..].sort_unstable();
            let mut kept = begin;
            for at in begin..all.len() {
                if at == begin || all[at] != all[at - 1] {
                    all[kept] = all[at];
                    kept += 1;
                }
            }
            all.truncate(kept);
            begins.push(kept);
        }
        Self { begins, all }
    }

    /// Returns for each of so many positions the lists that it is in, in their order.
    pub(crate) fn reversed(&self, positions: usize) -> Self {
        let mut begins = vec![0; positions + 1];
        self.all.iter().for_each(|position| begins[position + 1] += 1);
        for at in 1..begins.len() {
            begins[at] += begins[at - 1];
        }
        let (mut next, mut all) = (begins.clone(), vec![0; self.all.len()]);
        for list in 0..self.len() {
            for position in &self[list] {
                all[next[*position]] = list;
                next[*position] += 1;
            }
        }
        Self { begins, all }
    }

    /// Keeps those lists that `keep` says.
    pub(crate) fn retain(&mut self, keep: &[bool]) {
        let kept = keep.iter().enumerate().filter(|(_, keep)| **keep);
        *self = Self::new(kept.map(|(list, _)| self[list].iter().copied()));
    }

    /// Returns the lists in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[usize]> {
        (0..self.len()).map(|list| &self[list])
    }

    /// Returns how many lists there are.
    pub(crate) fn len(&self) -> usize {
        self.begins.len() - 1
    }

    /// Returns how long each list is.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.begins.windows(2).map(|ends| ends[1] - ends[0])
    }
}

impl Index<usize> for Lists {
    type Output = [usize];

    fn index(&self, list: usize) -> &[usize] {
        &self.all[self.begins[list]..self.begins[list + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(lists: &Lists) -> Vec<&[usize]> {
        lists.iter().collect()
    }

    #[test]
    fn each_position_is_once_in_a_list_and_found_from_both_sides() {
        let sources = [vec![], vec![0], vec![1, 0, 1], vec![2, 1, 2, 0]];
        let sources = Lists::new(sources.iter().map(|list| list.iter().copied()));
        assert_eq!(all(&sources), [&[][..], &[0], &[0, 1], &[0, 1, 2]]);
        assert_eq!(all(&sources.reversed(4)), [&[1, 2, 3][..], &[2, 3], &[3], &[]]);
        assert_eq!(sources.lengths().collect::<Vec<_>>(), [0, 1, 2, 3]);
    }

    #[test]
    fn lists_of_other_positions_are_turned_round_and_left_out() {
        let mut called =
            Lists::new([vec![0, 2, 0], vec![2]].iter().map(|list| list.iter().copied()));
        assert_eq!(all(&called.reversed(4)), [&[0][..], &[], &[0, 1], &[]]);
        called.retain(&[false, true]);
        assert_eq!(all(&called), [&[2][..]]);
    }

    #[test]
    fn equal_lists_side_by_side_stay_apart() {
        let lists = Lists::new([vec![4, 4], vec![4]].iter().map(|list| list.iter().copied()));
        assert_eq!(all(&lists), [&[4][..], &[4]]);
    }
}
