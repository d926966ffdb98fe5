//! What there is with the feature `tracing`: each event goes to whoever listens to the target `memo`.

use tracing::level_filters::LevelFilter;
use tracing::span::EnteredSpan;
use tracing::{Level, debug, enabled, error, info, info_span, trace, warn};

use crate::event::Event;

/// Whether anybody may listen to the target `memo`.
pub(crate) fn is_heard() -> bool {
    LevelFilter::current() != LevelFilter::OFF && enabled!(target: "memo", Level::ERROR)
}

/// Enters the span of a body, in which all lies that the body tells `tracing` on this thread.
pub(crate) fn enter(stage: &'static str, record: Option<&str>, attempt: u32) -> EnteredSpan {
    info_span!(target: "memo", "stage", stage, record, attempt).entered()
}

/// Tells an event: failures as errors, what was lost or goes wrong as warnings, what runs as information,
/// what was found and read for those who look closely.
pub(crate) fn event(event: &Event) {
    match event {
        Event::RunStarted { experiment, run, records, calls, jobs, .. } => {
            info!(target: "memo", experiment, run, records, calls, jobs, "run started");
        }
        Event::RunFinished { cached, ran, failed, skipped, seconds, saved } => {
            info!(target: "memo", cached, ran, failed, skipped, seconds, saved, "run finished");
        }
        Event::Started { stage, record, key, reason } => {
            info!(target: "memo", stage, record, %key, %reason, "started");
        }
        Event::Finished { stage, record, key, seconds, size, kept } => {
            info!(target: "memo", stage, record, %key, seconds, size, kept, "finished");
        }
        Event::Shards { stage, record, key, total, cached, to_compute, waiting, missing } => {
            info!(target: "memo", stage, record, %key, total, cached, to_compute, waiting, missing, "shards");
        }
        Event::Submitted { stage, record, message } => {
            info!(target: "memo", stage, record, "{message}");
        }
        Event::ShardStarted { stage, record, shard, key } => {
            debug!(target: "memo", stage, record, shard, %key, "shard started");
        }
        Event::ShardFinished { stage, record, shard, key, seconds, size, kept, skipped } => {
            debug!(target: "memo", stage, record, shard, %key, seconds, size, kept, skipped, "shard finished");
        }
        Event::ShardFailed { stage, record, shard, error } => {
            error!(target: "memo", stage, record, shard, error = %error.chain(), "shard failed");
        }
        Event::Log { stage, line } => info!(target: "memo", stage, line, "log"),
        Event::Failed { stage, record, error } => {
            error!(target: "memo", stage, record, error = %error.chain(), "failed");
        }
        Event::Skipped { stage, record, because } => {
            warn!(target: "memo", stage, record, because, "skipped");
        }
        Event::Retried { stage, record, shard, attempt, error } => {
            warn!(target: "memo", stage, record, shard, attempt, error, "retried");
        }
        Event::Warning { stage, record, message, lost } => {
            warn!(target: "memo", stage, record, lost, "{message}");
        }
        Event::Checked { stage, record, key, shards, differences } if differences.is_empty() => {
            info!(target: "memo", stage, record, %key, shards, "checked");
        }
        Event::Checked { stage, record, key, shards, differences } => {
            let what: Vec<String> = differences.iter().map(ToString::to_string).collect();
            let differences = what.join("; ");
            error!(target: "memo", stage, record, %key, shards, differences, "checked");
        }
        Event::NotChecked { stage, record, because } => {
            info!(target: "memo", stage, record, because, "not checked");
        }
        Event::Waiting { stage, record, key } => {
            info!(target: "memo", stage, record, %key, "waiting");
        }
        Event::Hit { stage, record, key, saved, completed, made_by } => {
            debug!(target: "memo", stage, record, %key, saved, completed, made_by, "hit");
        }
        Event::Loaded { stage, output, size } => {
            trace!(target: "memo", stage, output, size, "loaded");
        }
        Event::Evicted { stage, output } => trace!(target: "memo", stage, output, "evicted"),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Write as _};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record as Values};
    use tracing::{Metadata, Subscriber};

    use crate::prelude::*;

    /// Writes down what it is told, each event below the spans that are entered.
    #[derive(Clone, Default)]
    struct Listener {
        lines: Arc<Mutex<Vec<String>>>,
        spans: Arc<Mutex<Vec<String>>>,
        next: Arc<AtomicU64>,
        deaf: bool,
    }

    #[derive(Default)]
    struct Texts(String);

    impl Visit for Texts {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            if matches!(
                field.name(),
                "message" | "stage" | "record" | "reason" | "attempt" | "error"
            ) {
                let _ = write!(self.0, " {}={value:?}", field.name());
            }
        }
    }

    impl Subscriber for Listener {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            !self.deaf && matches!(metadata.target(), "memo" | "body")
        }
        fn new_span(&self, attributes: &Attributes<'_>) -> Id {
            let mut texts = Texts::default();
            attributes.record(&mut texts);
            self.lines.lock().unwrap().push(format!("span{}", texts.0));
            Id::from_u64(self.next.fetch_add(1, Ordering::Relaxed) + 1)
        }
        fn record(&self, _: &Id, _: &Values<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &tracing::Event<'_>) {
            let mut texts = Texts::default();
            event.record(&mut texts);
            let inside = "> ".repeat(self.spans.lock().unwrap().len());
            let (level, target) = (event.metadata().level(), event.metadata().target());
            self.lines.lock().unwrap().push(format!("{inside}{level} {target}{}", texts.0));
        }
        fn enter(&self, span: &Id) {
            self.spans.lock().unwrap().push(format!("{span:?}"));
        }
        fn exit(&self, _: &Id) {
            self.spans.lock().unwrap().pop();
        }
    }

    #[stage(name = "answer", outputs = [answer], cachers = [Json])]
    fn answer() -> u32 {
        tracing::info!(target: "body", "thinking");
        42
    }

    #[stage(name = "refuse", outputs = [never], cachers = [Json])]
    fn refuse() -> Result<u32> {
        Err("no".into())
    }

    #[test]
    fn every_event_goes_out_and_bodies_lie_in_a_span() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        let listener = Listener::default();
        tracing::subscriber::with_default(listener.clone(), || {
            answer(&mut Record::new(&store, "base", ())).unwrap();
            answer(&mut Record::new(&store, "base", ())).unwrap();
            refuse(&mut Record::new(&store, "base", ())).unwrap_err();
        });
        let lines = listener.lines.lock().unwrap().clone();
        let stage = |name: &str| format!("stage=\"{name}\" record=\"base\"");
        let (answer, refuse) = (stage("answer"), stage("refuse"));
        assert_eq!(
            lines,
            [
                format!("INFO memo message=started {answer} reason=never ran"),
                format!("span {answer} attempt=1"),
                "> INFO body message=thinking".to_owned(),
                format!("INFO memo message=finished {answer}"),
                format!("DEBUG memo message=hit {answer}"),
                format!("INFO memo message=started {refuse} reason=never ran"),
                format!("span {refuse} attempt=1"),
                format!(
                    "ERROR memo message=failed {refuse} error=stage `refuse` of record `base`: the stage failed: no"
                ),
            ]
        );
    }

    #[test]
    fn nothing_is_told_where_nobody_listens() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        let listener = Listener { deaf: true, ..Listener::default() };
        tracing::subscriber::with_default(listener.clone(), || {
            assert!(!store.is_observed());
            answer(&mut Record::new(&store, "base", ())).unwrap();
        });
        assert_eq!(*listener.lines.lock().unwrap(), [""; 0]);
    }
}
