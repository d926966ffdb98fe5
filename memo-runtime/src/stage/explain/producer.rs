//! Why the calls ran that make a changed input, and how a reason is kept.

use crate::event::{Change, MissReason, Producer};
use crate::key::ComponentKind;
use crate::stage::inputs::Input;
use crate::stage::node::{Node, Status};
use crate::store::manifest::KeptReason;

/// How many calls upwards a reason tells of. A chain of calls may be of any length.
const DEPTH: usize = 3;

impl Node {
    /// Says of each input that changed why the call ran that makes it, or will run.
    pub(super) fn name_producers(&self, changes: &mut [Change]) {
        for change in changes.iter_mut().filter(|change| change.kind == ComponentKind::Input) {
            let named = |parameter: &str| *parameter == *change.name;
            let input = self.spec.inputs.iter().position(|spec| named(spec.parameter));
            change.made_by = input.and_then(|index| producer(self.inputs.get(index)?));
        }
    }

    /// Makes of a reason what is kept of it: no secrets, no list without end.
    pub(crate) fn kept_reason(&self, mut reason: MissReason) -> KeptReason {
        const MOST: usize = 32;
        let mut more = String::new();
        if let MissReason::Changed { changes } = &mut reason
            && changes.len() > MOST
        {
            more = format!(", and {} more", changes.len() - MOST);
            changes.truncate(MOST);
        }
        let mut why = serde_json::to_value(&reason).unwrap_or_default();
        self.hide_secrets_in_value(&mut why);
        KeptReason { text: self.hide_secrets(format!("{reason}{more}")), why }
    }

    fn hide_secrets_in_value(&self, value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => *text = self.hide_secrets(std::mem::take(text)),
            serde_json::Value::Array(values) => {
                values.iter_mut().for_each(|value| self.hide_secrets_in_value(value));
            }
            serde_json::Value::Object(fields) => {
                fields.values_mut().for_each(|value| self.hide_secrets_in_value(value));
            }
            _ => {}
        }
    }
}

/// Finds the call that makes an input, if it was a miss. An aggregate's input has many: the first that
/// ran stands for all.
fn producer(input: &Input) -> Option<Box<Producer>> {
    let told = |node: &Node| {
        let ran = match node.status() {
            Status::Ran => true,
            Status::Miss(_) => false,
            Status::Open | Status::Hit | Status::Failed(_) => return None,
        };
        // That it lives in memory is not why it comes out differently.
        let says_why =
            |reason: &MissReason| !matches!(reason, MissReason::InMemory | MissReason::NoOutputs);
        let mut reason = node.known_reason().filter(says_why)?;
        cut(&mut reason, DEPTH - 1);
        Some(Box::new(Producer { stage: node.spec.name, ran, reason }))
    };
    input.handles().filter_map(crate::lazy::Handle::node).find_map(|node| told(node))
}

/// Leaves so many calls upwards in a reason.
fn cut(reason: &mut MissReason, depth: usize) {
    let MissReason::Changed { changes } = reason else { return };
    for change in changes {
        match &mut change.made_by {
            Some(producer) if depth > 0 => cut(&mut producer.reason, depth - 1),
            made_by => *made_by = None,
        }
    }
}
