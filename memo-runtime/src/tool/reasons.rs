//! Why an entry was computed: as it says itself, or by comparison with the entries before it.

use serde::Serialize;
use serde_json::Value;

use crate::event::{Change, MissReason};
use crate::key::ComponentKind;
use crate::stage::explain;
use crate::stage::explain::code;
use crate::store::Store;
use crate::store::entries::Entry;

/// Why an entry was computed.
#[derive(Debug, Serialize)]
pub(super) struct Reason {
    pub(super) text: String,
    /// As events tell it.
    pub(super) why: Value,
    /// Whether it was kept with the entry; otherwise it was found by comparison.
    pub(super) kept: bool,
}

impl Reason {
    /// Finds out why an entry was computed; `all` are those of its stage, the latest first.
    pub(super) fn of(entry: &Entry, all: &[Entry], store: &Store) -> Self {
        if let Some(accepted) = &entry.detail.accepted {
            let code: String = accepted.code.chars().take(8).collect();
            let text = format!("the code {code} ran, whose entries `memo accept` carried over");
            let why = serde_json::json!({ "why": "accepted", "code": accepted.code });
            return Self { text, why, kept: true };
        }
        if let Some(reason) = &entry.detail.reason {
            return Self { text: reason.text.clone(), why: reason.why.clone(), kept: true };
        }
        let reason = compared(entry, all, store);
        let why = serde_json::to_value(&reason).unwrap_or_default();
        Self { text: reason.to_string(), why, kept: false }
    }

    /// Names the inputs that had changed.
    pub(super) fn changed_inputs(&self) -> Vec<String> {
        let changes = self.why.get("changes").and_then(Value::as_array);
        let name = |change: &Value| {
            let is_input = change.get("kind").and_then(Value::as_str) == Some("input");
            let name = change.get("name").and_then(Value::as_str);
            name.filter(|_| is_input).map(str::to_owned)
        };
        changes.into_iter().flatten().filter_map(name).collect()
    }
}

fn compared(entry: &Entry, all: &[Entry], store: &Store) -> MissReason {
    let earlier = all.iter().filter(|other| {
        other.head.completed < entry.head.completed && other.head.key != entry.head.key
    });
    let changes =
        |other: &Entry| explain::changes(&other.detail.components, &entry.detail.components);
    match earlier.map(changes).min_by_key(Vec::len) {
        None => MissReason::NeverRan,
        Some(changes) => {
            let changes = changes.into_iter().flat_map(|change| with_code_named(change, store));
            MissReason::Changed { changes: changes.collect() }
        }
    }
}

/// Names the code that has changed in place of two fingerprints, as far as it is known.
fn with_code_named(mut change: Change, store: &Store) -> Vec<Change> {
    if change.kind != ComponentKind::Code {
        return vec![change];
    }
    let items = |code: &Option<String>| store.code(code.as_deref()?);
    let named = match (items(&change.old), items(&change.new)) {
        (Some(old), Some(new)) => code::changes(&old, &new),
        _ => Vec::new(),
    };
    if !named.is_empty() {
        return named;
    }
    for fingerprint in [&mut change.old, &mut change.new].into_iter().flatten() {
        *fingerprint = fingerprint.chars().take(8).collect();
    }
    vec![change]
}
