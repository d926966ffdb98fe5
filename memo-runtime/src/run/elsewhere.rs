//! Calls that somebody else computes just now: they hold nothing of the machine, and are tried again until the
//! other one is done.

use std::time::{Duration, Instant};

/// The longest that nobody looks whether the other one is done, for up to a hundred calls.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

#[derive(Default)]
pub(super) struct Elsewhere {
    away: Vec<Away>,
    /// By call, how long it was away the last time; what was never away is not there.
    pauses: std::collections::HashMap<usize, Duration>,
}

struct Away {
    call: usize,
    until: Instant,
}

impl Elsewhere {
    pub(super) fn is_empty(&self) -> bool {
        self.away.is_empty()
    }

    /// Whether a call was away before.
    pub(super) fn knows(&self, call: usize) -> bool {
        self.pauses.contains_key(&call)
    }

    /// Whether a call is away now.
    pub(super) fn is_away(&self, call: usize) -> bool {
        self.away.iter().any(|away| away.call == call)
    }

    /// Notes that somebody else computes a call. Returns whether that is new.
    pub(super) fn add(&mut self, call: usize, now: Instant) -> bool {
        let is_new = !self.knows(call);
        let pause = self.pauses.entry(call).or_insert(Duration::from_micros(500));
        // Many are looked at less often, so that looking costs no more.
        let hundreds = u32::try_from(self.away.len() / 100).unwrap_or(u32::MAX);
        *pause = (*pause * 2).min(LONGEST_PAUSE.saturating_mul(hundreds.saturating_add(1)));
        self.away.push(Away { call, until: now + *pause });
        is_new
    }

    /// Takes the calls that are to be tried again.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<usize> {
        self.away.extract_if(.., |away| away.until <= now).map(|away| away.call).collect()
    }

    /// Returns how long it is until the next one is to be tried.
    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        let until = self.away.iter().map(|away| away.until).min()?;
        Some(until.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_tried_again_less_and_less_often() {
        let mut elsewhere = Elsewhere::default();
        let mut now = Instant::now();
        assert!(elsewhere.is_empty() && elsewhere.pause(now).is_none());
        let mut pauses = Vec::new();
        for times in 0..9 {
            assert_eq!(elsewhere.add(7, now), times == 0, "told once");
            let pause = elsewhere.pause(now).unwrap();
            assert!(elsewhere.take_due(now).is_empty());
            now += pause;
            assert_eq!(elsewhere.take_due(now), [7]);
            pauses.push(pause.as_millis());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 50, 50, 50]);
    }
}
