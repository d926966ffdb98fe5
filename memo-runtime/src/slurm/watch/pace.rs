//! [`Pace`]: when Slurm is asked next. Often at first, seldom later: a controller serves a whole site.

use std::time::{Duration, Instant};

/// How often Slurm is asked.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    first: Duration,
    most: Duration,
    /// After this long, and while Slurm does not answer.
    slow: Duration,
    slow_after: Duration,
    gap: Duration,
    begun: Instant,
    next: Instant,
}

impl Pace {
    /// Begins at `now`: after half a second, then twice as long each time, up to 15 s, and every minute
    /// once ten minutes are over.
    pub(crate) fn new(now: Instant) -> Self {
        Self::of(now, Duration::from_millis(500), Duration::from_secs(15))
    }

    /// Begins with `first` and grows up to `most`.
    pub(crate) fn of(now: Instant, first: Duration, most: Duration) -> Self {
        let slow = Duration::from_mins(1).max(most);
        let slow_after = Duration::from_mins(10);
        Self { first, most, slow, slow_after, gap: first, begun: now, next: now + first }
    }

    /// Begins again: there is something new to look for.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.gap = self.first;
        self.next = self.next.min(now + self.first);
    }

    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Slurm was asked at `now`, and answered or not.
    pub(super) fn looked(&mut self, now: Instant, answered: bool) {
        self.next = now + self.gap;
        let is_old = now.saturating_duration_since(self.begun) >= self.slow_after;
        let most = if is_old || !answered { self.slow } else { self.most };
        self.gap = (self.gap * 2).min(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(pace: &mut Pace, begin: Instant, until: Duration, answered: bool) -> usize {
        let mut count = 0;
        while pace.next() < begin + until {
            pace.looked(pace.next(), answered);
            count += 1;
        }
        count
    }

    #[test]
    fn a_controller_is_asked_seldom() {
        let begin = Instant::now();
        let mut pace = Pace::new(begin);
        assert!(looks(&mut pace, begin, Duration::from_mins(5), true) <= 30);
        let mut pace = Pace::new(begin);
        let hours = looks(&mut pace, begin, Duration::from_hours(2), true);
        assert!(hours <= 160, "{hours}");
    }

    #[test]
    fn the_first_answers_come_soon() {
        let begin = Instant::now();
        let mut pace = Pace::new(begin);
        assert!(looks(&mut pace, begin, Duration::from_secs(10), true) >= 4);
    }

    #[test]
    fn one_that_does_not_answer_is_left_in_peace() {
        let begin = Instant::now();
        let mut pace = Pace::new(begin);
        assert!(looks(&mut pace, begin, Duration::from_secs(400), false) <= 14);
        // And is asked as before when it is back.
        pace.looked(pace.next(), true);
        pace.looked(pace.next(), true);
        assert!(pace.gap <= Duration::from_secs(15));
    }
}
