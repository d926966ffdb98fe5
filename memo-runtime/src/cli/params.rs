//! What `--print-params` prints.

use std::collections::BTreeMap;

use serde::Serialize;

use super::output::Paint;
use super::table::{table, written};
use super::text::{cut, short_names};
use crate::plan::Plan;

/// What a plan shows in the place of a secret.
const SECRET: &str = "(secret)";

/// How much of a value is shown.
const WIDTH: usize = 60;

/// The params of one record, and where they go.
#[derive(Debug, Serialize)]
pub(super) struct RecordParams {
    record: String,
    fields: Vec<Field>,
    stages: Vec<StageKey>,
}

/// One field of the params.
#[derive(Debug, Serialize)]
struct Field {
    #[serde(rename = "field")]
    path: String,
    value: String,
    /// The stages in whose keys it is; `None` if that cannot be told by its name.
    in_keys_of: Option<Vec<&'static str>>,
}

/// What enters the key of one call.
#[derive(Debug, Serialize)]
struct StageKey {
    stage: &'static str,
    parts: Vec<String>,
}

impl RecordParams {
    /// Brings the fields of a record's params together with the keys of its calls.
    pub(super) fn new(record: &str, fields: &[(String, String)], plan: &Plan) -> Self {
        let calls = plan.calls.iter().filter(|call| call.records.iter().any(|name| name == record));
        let stages: Vec<_> =
            calls.map(|call| StageKey { stage: call.stage, parts: call.parts.clone() }).collect();
        let (read, secrets) = (read_by(&stages), secrets(&stages));
        // Keys name the fields of the Rust type, which `serde` may call otherwise.
        let known =
            |path: &str| fields.iter().any(|(field, _)| is_in(field, path) || is_in(path, field));
        let all_known = read.keys().all(|path| known(path));
        let fields = fields.iter().map(|(field, value)| {
            let mut stages: Vec<_> = read
                .iter()
                .filter(|(path, _)| is_in(field, path) || is_in(path, field))
                .flat_map(|(_, stages)| stages.iter().copied())
                .collect();
            stages.sort_unstable();
            stages.dedup();
            let is_secret = secrets.iter().any(|path| is_in(field, path) || is_in(path, field));
            let value = if is_secret { SECRET } else { value }.to_owned();
            let in_keys_of = (all_known || !stages.is_empty()).then_some(stages);
            Field { path: field.clone(), value, in_keys_of }
        });
        Self { record: record.to_owned(), fields: fields.collect(), stages }
    }

    /// Writes it for people.
    pub(super) fn text(&self, paint: Paint) -> String {
        let names = short_names(self.stages.iter().map(|call| call.stage));
        let mut fields = table(&["field", "value", "in the keys of"], &[], paint);
        for Field { path, value, in_keys_of } in &self.fields {
            let stages = match in_keys_of.as_deref() {
                Some([]) => "no stage".to_owned(),
                Some(stages) => {
                    stages.iter().map(|stage| names[stage]).collect::<Vec<_>>().join(", ")
                }
                None => "?".to_owned(),
            };
            fields.add_row([path.clone(), cut(value, WIDTH), stages]);
        }
        let mut keys = table(&["stage", "params and arguments in its key"], &[], paint);
        for StageKey { stage, parts } in &self.stages {
            let parts: Vec<_> = parts.iter().map(|part| cut(part, WIDTH)).collect();
            let parts = if parts.is_empty() { "none".to_owned() } else { parts.join(", ") };
            keys.add_row([names[stage].to_owned(), parts]);
        }
        let heading = paint.strong(&format!("record {}", self.record));
        let (fields, keys) = (indented(&written(&fields)), indented(&written(&keys)));
        format!("{heading}\n{fields}\n\n{keys}\n")
    }
}

/// Returns the paths of the params that enter keys, and whose. An empty path is the whole params.
fn read_by(stages: &[StageKey]) -> BTreeMap<String, Vec<&'static str>> {
    let mut read: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for call in stages {
        for part in &call.parts {
            let (name, _) = part.split_once(" = ").unwrap_or((part, ""));
            let path = match name.strip_prefix("params") {
                Some("") => "",
                Some(path) if path.starts_with('.') => &path[1..],
                _ => continue,
            };
            read.entry(path.to_owned()).or_default().push(call.stage);
        }
    }
    read
}

/// Returns the paths of the params that a stage has declared to be secret.
fn secrets(stages: &[StageKey]) -> Vec<&str> {
    let parts = stages.iter().flat_map(|call| &call.parts);
    parts
        .filter_map(|part| part.strip_suffix(SECRET)?.strip_suffix(" = ")?.strip_prefix("params."))
        .collect()
}

/// Whether the field `inner` lies in `outer`, or is it.
fn is_in(inner: &str, outer: &str) -> bool {
    outer.is_empty()
        || inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn indented(text: &str) -> String {
    let lines: Vec<_> =
        text.lines().map(|line| format!("  {line}").trim_end().to_owned()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{PlannedCall, Verdict};

    fn params(parts: &[(&'static str, &[&str])]) -> String {
        let calls = parts.iter().enumerate().map(|(id, (stage, parts))| PlannedCall {
            id,
            stage,
            records: vec!["base".into()],
            key: None,
            parts: parts.iter().map(|&part| part.to_owned()).collect(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            verdict: Verdict::Cached,
            notes: Vec::new(),
            seconds: None,
            shards: None,
        });
        let plan =
            Plan { experiment: "x".into(), calls: calls.collect(), unknown_beyond: Vec::new() };
        let fields = [("train.rate", "0.1"), ("seed", "7"), ("verbose", "false")]
            .map(|(field, value)| (field.to_owned(), value.to_owned()));
        RecordParams::new("base", &fields, &plan).text(Paint::NONE)
    }

    #[test]
    fn fields_are_shown_with_the_keys_they_are_in() {
        let parts: [(&str, &[&str]); 3] = [
            ("digits::load", &["params.seed = 7"]),
            ("digits::fit", &["params.train = {rate: 0.1}", "top_k = 3"]),
            ("digits::score", &[]),
        ];
        assert_eq!(
            params(&parts),
            "record base\n  \
               field       value  in the keys of\n  \
               train.rate  0.1    fit\n  \
               seed        7      load\n  \
               verbose     false  no stage\n\n  \
               stage  params and arguments in its key\n  \
               load   params.seed = 7\n  \
               fit    params.train = {rate: 0.1}, top_k = 3\n  \
               score  none\n"
        );
    }

    #[test]
    fn secrets_are_not_shown() {
        let text = params(&[("fit", &["params.seed = (secret)"]), ("score", &["params = {..}"])]);
        assert!(text.contains("seed        (secret)  fit, score\n"), "{text}");
    }

    #[test]
    fn nothing_is_claimed_of_renamed_fields() {
        let text = params(&[("fit", &["params.renamed = 1"])]);
        assert!(text.contains("verbose     false  ?\n"), "{text}");
    }
}
