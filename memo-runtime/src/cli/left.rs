//! [`Times`]: how long bodies take, to guess how long a run goes on.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::event::Event;

/// What is known of the times of a run's bodies: how long they took now or, for what was found, when they
/// ran; and since when the others run.
#[derive(Default)]
pub(super) struct Times {
    calls: usize,
    jobs: usize,
    done: usize,
    /// For each stage the sum of the seconds, and of how many bodies.
    stages: HashMap<&'static str, (f64, f64)>,
    running: Vec<(&'static str, Option<String>, Instant)>,
    /// Of each array that runs, how many of its shards have not ended.
    shards: HashMap<(&'static str, Option<String>), Shards>,
    /// How many bodies ran to their end.
    ran: usize,
}

/// The shards of an array.
#[derive(Default)]
struct Shards {
    left: usize,
    ran: usize,
    /// How long those took that have run.
    seconds: f64,
}

impl Shards {
    /// Guesses how long the others take, one after the other.
    #[expect(clippy::cast_precision_loss, reason = "a guess")]
    fn rest(&self) -> Option<f64> {
        (self.ran > 0).then(|| self.seconds / self.ran as f64 * self.left as f64)
    }
}

impl Times {
    pub(super) fn hear(&mut self, event: &Event) {
        match event {
            Event::RunStarted { calls, jobs, .. } => (self.calls, self.jobs) = (*calls, *jobs),
            Event::Started { stage, record, .. } => {
                self.running.push((stage, record.clone(), Instant::now()));
            }
            Event::Shards { stage, record, to_compute, waiting, .. } => {
                let left = to_compute + waiting;
                let shards = Shards { left, ..Shards::default() };
                self.shards.insert((stage, record.clone()), shards);
            }
            Event::ShardFinished { stage, record, seconds, .. } => {
                if let Some(shards) = self.shards.get_mut(&(*stage, record.clone())) {
                    shards.left = shards.left.saturating_sub(1);
                    shards.ran += 1;
                    shards.seconds += seconds;
                }
            }
            Event::Hit { stage, saved, .. } => {
                self.took(stage, *saved);
                self.done += 1;
            }
            Event::Finished { stage, record, seconds, .. } => {
                self.took(stage, *seconds);
                self.ran += 1;
                self.ended(stage, record.as_ref());
            }
            Event::Failed { stage, record, .. } => self.ended(stage, record.as_ref()),
            Event::Skipped { .. } => self.done += 1,
            _ => {}
        }
    }

    fn took(&mut self, stage: &'static str, seconds: f64) {
        let (sum, count) = self.stages.entry(stage).or_default();
        *sum += seconds;
        *count += 1.0;
    }

    fn ended(&mut self, stage: &str, record: Option<&String>) {
        self.done += 1;
        let is_it = |(name, of, _): &(&str, Option<String>, Instant)| {
            *name == stage && of.as_ref() == record
        };
        if let Some(body) = self.running.iter().position(is_it) {
            let (stage, record, _) = self.running.remove(body);
            self.shards.remove(&(stage, record));
        }
    }

    /// Guesses how long the run goes on, in seconds, as if all that is left were to run. A body takes as
    /// long as others of its stage have; one that has no others, or runs longer than they did, as long
    /// again as it runs already.
    #[expect(clippy::cast_precision_loss, reason = "a guess")]
    pub(super) fn left(&self, now: Instant) -> Option<f64> {
        let knows_shards = self.shards.values().any(|shards| shards.ran > 0);
        if !knows_shards && (self.ran + self.running.len() < 2 || self.ran == 0) {
            return None;
        }
        let (mut sum, mut count) = self
            .stages
            .values()
            .fold((0.0, 0.0), |sums, stage| (sums.0 + stage.0, sums.1 + stage.1));
        let (mut of_running, mut longest) = (0.0, 0.0f64);
        for (stage, record, since) in &self.running {
            let shards = self.shards.get(&(*stage, record.clone()));
            if let Some(rest) = shards.and_then(Shards::rest) {
                of_running += rest;
                continue;
            }
            let elapsed = now.saturating_duration_since(*since).as_secs_f64();
            let mean = self.stages.get(stage).map(|(sum, count)| sum / count);
            let left =
                mean.map(|mean| mean - elapsed).filter(|left| *left > 0.0).unwrap_or(elapsed);
            of_running += left;
            longest = longest.max(left);
            (sum, count) = (sum + elapsed + left, count + 1.0);
        }
        let waiting = self.calls.saturating_sub(self.done + self.running.len()) as f64;
        let all = of_running + waiting * sum / count.max(1.0);
        Some((all / self.jobs.max(1) as f64).max(longest).ceil())
    }
}

/// Writes since when something runs: `4 s`.
pub(super) fn since(elapsed: Duration) -> String {
    super::text::roughly(elapsed.as_secs_f64().floor()).replace("0 µs", "0 s")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::event::MissReason;

    fn started(times: &mut Times, stage: &'static str, record: &str) {
        let (record, key) = (Some(record.to_owned()), Digest::of(b"key"));
        times.hear(&Event::Started { stage, record, key, reason: MissReason::NeverRan });
    }

    fn finished(times: &mut Times, stage: &'static str, record: &str, seconds: f64) {
        let (record, key) = (Some(record.to_owned()), Digest::of(b"key"));
        times.hear(&Event::Finished { stage, record, key, seconds, size: 0, kept: true });
    }

    #[test]
    fn the_time_left_is_guessed_from_what_has_run() {
        let mut times = Times { calls: 6, jobs: 2, ..Times::default() };
        assert_eq!(times.left(Instant::now()), None);
        for (record, seconds) in [("a", 3.0), ("b", 5.0)] {
            started(&mut times, "fit", record);
            finished(&mut times, "fit", record, seconds);
        }
        // Four calls of four seconds, two at a time.
        assert_eq!(times.left(Instant::now()), Some(8.0));
    }

    #[test]
    fn a_body_that_runs_long_makes_the_guess_longer() {
        let mut times = Times { calls: 10, jobs: 1, ..Times::default() };
        started(&mut times, "load", "a");
        finished(&mut times, "load", "a", 0.001);
        started(&mut times, "train", "a");
        let left = |seconds| times.left(Instant::now() + Duration::from_secs(seconds)).unwrap();
        let (early, late) = (left(1), left(100));
        assert!(early < 15.0 && late > 800.0, "{early} {late}");
    }

    #[test]
    fn recorded_times_of_what_was_found_count() {
        let mut times = Times { calls: 3, jobs: 1, ..Times::default() };
        let (key, made_by) = (Digest::of(b"key"), String::new());
        let record = Some("a".to_owned());
        times.hear(&Event::Hit { stage: "fit", record, key, saved: 60.0, completed: 0, made_by });
        started(&mut times, "load", "b");
        finished(&mut times, "load", "b", 1.0);
        started(&mut times, "fit", "b");
        let left = times.left(Instant::now()).unwrap();
        assert!((59.0..=61.0).contains(&left), "{left}");
    }
}
