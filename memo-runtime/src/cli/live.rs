//! [`Live`]: the lines at the bottom of a terminal that change while a run goes on.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::text::{call_text, cut, roughly};
use crate::event::Event;

/// How often the lines are drawn anew.
const TICK: Duration = Duration::from_millis(120);

/// How much of a call's name is shown.
const WIDTH: usize = 60;

/// One bar for all calls, and one line for each body that runs. They appear with the first body, so that
/// a run that finds everything shows none.
pub(super) struct Live {
    lines: MultiProgress,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calls: usize,
    jobs: usize,
    done: usize,
    /// How long the bodies took that have run, in seconds.
    bodies: Vec<f64>,
    /// The bar for all calls.
    overall: Option<ProgressBar>,
    running: Vec<Body>,
}

/// A body that runs, and its line.
struct Body {
    stage: &'static str,
    record: Option<String>,
    line: ProgressBar,
}

impl Live {
    pub(super) fn new() -> Self {
        Self { lines: MultiProgress::new(), state: Mutex::default() }
    }

    /// Takes the lines away while something else is written.
    pub(super) fn suspended(&self, write: impl FnOnce()) {
        self.lines.suspend(write);
    }

    /// Takes the lines away for good.
    pub(super) fn clear(&self) {
        let mut state = self.state();
        state.running.drain(..).for_each(|body| body.line.finish_and_clear());
        if let Some(overall) = state.overall.take() {
            overall.finish_and_clear();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn event(&self, event: &Event) {
        let mut state = self.state();
        match event {
            Event::RunStarted { calls, jobs, .. } => {
                (state.calls, state.jobs) = (*calls, *jobs);
                return;
            }
            Event::Started { stage, record, .. } => {
                self.begin(&mut state, stage, record.as_deref());
            }
            Event::Finished { stage, record, seconds, .. } => {
                state.bodies.push(*seconds);
                state.ended(stage, record.as_ref());
            }
            Event::Failed { stage, record, .. } => state.ended(stage, record.as_ref()),
            Event::Hit { .. } | Event::Skipped { .. } => state.done += 1,
            _ => return,
        }
        state.update();
    }

    fn begin(&self, shown: &mut State, stage: &'static str, record: Option<&str>) {
        if shown.overall.is_none() {
            let overall = self.lines.add(ProgressBar::new(shown.calls as u64));
            overall.set_style(
                style("{bar:24} {pos} of {len} calls, {elapsed}{msg}").progress_chars("━╸ "),
            );
            overall.enable_steady_tick(TICK);
            shown.overall = Some(overall);
        }
        let line = self.lines.add(ProgressBar::new_spinner());
        line.set_style(style("{spinner} {msg}, {elapsed}"));
        line.set_message(cut(&call_text(stage, record), WIDTH));
        line.enable_steady_tick(TICK);
        shown.running.push(Body { stage, record: record.map(str::to_owned), line });
    }
}

impl State {
    fn ended(&mut self, stage: &'static str, record: Option<&String>) {
        self.done += 1;
        let is_it = |body: &Body| body.stage == stage && body.record.as_ref() == record;
        if let Some(body) = self.running.iter().position(is_it) {
            self.running.remove(body).line.finish_and_clear();
        }
    }

    fn update(&self) {
        if let Some(overall) = &self.overall {
            overall.set_position(self.done as u64);
            let left = self.time_left().map(|left| format!(", about {} left", roughly(left)));
            overall.set_message(left.unwrap_or_default());
        }
    }

    /// Guesses how long the run goes on, as if all that is left were to run for as long as what has run.
    #[expect(clippy::cast_precision_loss, reason = "a guess")]
    fn time_left(&self) -> Option<f64> {
        if self.bodies.len() < 2 {
            return None;
        }
        let mean = self.bodies.iter().sum::<f64>() / self.bodies.len() as f64;
        let left = self.calls.saturating_sub(self.done) as f64 - self.running.len() as f64 / 2.0;
        Some((mean * left.max(0.0) / self.jobs.max(1) as f64).ceil())
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_guessed_from_what_has_run() {
        let mut state = State { calls: 20, jobs: 2, done: 10, ..State::default() };
        assert_eq!(state.time_left(), None);
        state.bodies = vec![3.0, 5.0];
        assert_eq!(state.time_left(), Some(20.0));
    }
}
