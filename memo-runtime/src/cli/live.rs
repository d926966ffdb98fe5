//! [`Live`]: the lines at the bottom of a terminal that change while a run goes on.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::left::{Times, since};
use super::table::columns;
use super::text::{call_text, cut, roughly};
use crate::event::Event;

/// How often the lines are drawn anew.
const TICK: Duration = Duration::from_millis(120);

/// What a line shows besides a call's name: how it goes on, and since when.
const BESIDE: usize = 20;

/// What the line of all calls shows besides its bar, at its longest.
const COUNTS: usize = 46;

/// One bar for all calls, and one line for each body that runs. They appear with the first body, so that
/// a run that finds everything shows none.
pub(super) struct Live {
    lines: MultiProgress,
    state: Mutex<State>,
    /// Asked by the bar whenever it is drawn, so never held while a line is changed.
    times: Arc<Mutex<Times>>,
}

#[derive(Default)]
struct State {
    calls: usize,
    done: usize,
    /// The bar for all calls.
    overall: Option<ProgressBar>,
    running: Vec<Body>,
    /// Of each array, how many shards are there, and how many it has.
    arrays: HashMap<(&'static str, Option<String>), (usize, usize)>,
}

/// A body that runs, and its line.
struct Body {
    stage: &'static str,
    record: Option<String>,
    line: ProgressBar,
}

impl Live {
    pub(super) fn new() -> Self {
        Self { lines: MultiProgress::new(), state: Mutex::default(), times: Arc::default() }
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
        self.times.lock().unwrap_or_else(PoisonError::into_inner).hear(event);
        let mut state = self.state();
        match event {
            Event::RunStarted { calls, .. } => {
                state.calls = *calls;
                return;
            }
            Event::Started { stage, record, .. } => {
                self.begin(&mut state, stage, record.as_deref());
            }
            Event::Finished { stage, record, .. } | Event::Failed { stage, record, .. } => {
                state.ended(stage, record.as_ref());
            }
            Event::Shards { stage, record, cached, total, .. } => {
                state.arrays.insert((stage, record.clone()), (*cached, *total));
                return;
            }
            Event::ShardFinished { stage, record, .. } => {
                return state.one_more_shard(stage, record.as_ref());
            }
            Event::Hit { .. } | Event::Skipped { .. } => state.done += 1,
            _ => return,
        }
        state.update();
    }

    fn begin(&self, shown: &mut State, stage: &'static str, record: Option<&str>) {
        if shown.overall.is_none() {
            let overall = self.lines.add(ProgressBar::new(shown.calls as u64));
            let width = columns().saturating_sub(COUNTS).clamp(4, 24);
            let bar = format!("{{bar:{width}}} {{pos}} of {{len}} calls, {{since}}{{left}}");
            let bar = style(&bar).progress_chars("━╸ ");
            let times = Arc::clone(&self.times);
            let left = move |_: &ProgressState, line: &mut dyn Write| {
                let times = times.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(left) = times.left(Instant::now()) {
                    let _ = write!(line, ", about {} left", roughly(left));
                }
            };
            overall.set_style(bar.with_key("left", left));
            overall.enable_steady_tick(TICK);
            shown.overall = Some(overall);
        }
        let line = self.lines.add(ProgressBar::new_spinner());
        line.set_style(style("{spinner} {msg}, {since}"));
        let record = record.map(str::to_owned);
        line.set_message(shown.message(stage, record.as_ref()));
        line.enable_steady_tick(TICK);
        shown.running.push(Body { stage, record, line });
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

    /// What the line of a call says: of an array also how many of its shards are there.
    fn message(&self, stage: &'static str, record: Option<&String>) -> String {
        // Asked each time: people make windows larger to see more.
        let width = columns().saturating_sub(BESIDE).max(BESIDE);
        let call = cut(&call_text(stage, record.map(String::as_str)), width);
        match self.arrays.get(&(stage, record.cloned())) {
            Some((there, total)) => format!("{call}: {there} of {total} shards"),
            None => call,
        }
    }

    fn one_more_shard(&mut self, stage: &'static str, record: Option<&String>) {
        if let Some((there, _)) = self.arrays.get_mut(&(stage, record.cloned())) {
            *there += 1;
        }
        let is_it = |body: &&Body| body.stage == stage && body.record.as_ref() == record;
        if let Some(body) = self.running.iter().find(is_it) {
            body.line.set_message(self.message(stage, record));
        }
    }

    fn update(&self) {
        if let Some(overall) = &self.overall {
            overall.set_position(self.done as u64);
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("since", |state: &ProgressState, line: &mut dyn Write| {
        let _ = line.write_str(&since(state.elapsed()));
    })
}
