//! Where the results of an experiment are published.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::plan::Calls;
use crate::record::Frame;
use crate::stage::node::Node;
use crate::store::results;

/// Finds out where everything would be published: unknown fields in a template, and two results that
/// would be published at one place, are mistakes that need not wait for a run.
pub(super) fn check_places(calls: &Calls, frames: &[Frame]) -> Vec<Error> {
    let mut errors = Vec::new();
    if !calls.publishes {
        return errors;
    }
    let mut taken: HashMap<PathBuf, (*const Node, usize)> = HashMap::new();
    let of_records = calls.records.iter().zip(frames).flat_map(|(record, frame)| {
        record.nodes.iter().map(move |node| (&calls.nodes[*node], frame))
    });
    let mut is_called = vec![false; calls.nodes.len()];
    let called = calls.records.iter().flat_map(|record| &record.nodes);
    called.for_each(|node| is_called[*node] = true);
    let of_all = calls.nodes.iter().zip(is_called).filter(|(_, is_called)| !is_called);
    let of_all = of_all.filter_map(|(node, _)| Some((node, frames.last()?)));
    for (node, frame) in of_records.chain(of_all) {
        for (output, slot) in node.outputs.iter().enumerate() {
            let Some(template) = slot.published() else { continue };
            match results::place(template, node, output, frame) {
                Err(error) => errors.push(error),
                Ok(place) => {
                    let us = (Arc::as_ptr(node), output);
                    if *taken.entry(place.clone()).or_insert(us) != us {
                        let message = format!(
                            "two results would be published at `{}`; name what differs in `{template}`, such as `{{record}}`",
                            place.display()
                        );
                        errors.push(node.blame(Error::new(ErrorKind::Wiring, message)));
                    }
                }
            }
        }
    }
    errors
}
