//! Checking a call that was found: its body runs again, and what it gives is compared with what is kept.
//! Nothing of it is kept or handed out. Of an array, each shard that was found is checked by itself.

use std::any::Any;
use std::io::Read;
use std::sync::Arc;

use super::execute::called;
use super::inputs::{Failure, Values};
use super::node::{Node, kept};
use super::validate::Outputs;
use crate::artifact::Artifact;
use crate::artifact::saving::{Saved, Saving};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::event::Difference;
use crate::key::files::collect_references;
use crate::store::manifest::{Head, Kept, Reference};

mod diff;

type Value = Arc<dyn Any + Send + Sync>;

impl Node {
    /// Runs the body of a call that was found, and says what it gives differently.
    pub(crate) fn check(&self, shard: Option<usize>) -> Vec<Difference> {
        let outcome = match shard {
            None => self.head().map(|head| self.differences(&head, None)),
            Some(shard) => self.check_shard(shard),
        };
        let mut differences = outcome.unwrap_or(Ok(Vec::new())).unwrap_or_else(|error| {
            let what = self.hide_secrets(error.chain());
            vec![Difference { shard, output: None, what, diff: None }]
        });
        differences.iter_mut().for_each(|difference| difference.shard = shard);
        differences
    }

    fn check_shard(&self, shard: usize) -> Option<Result<Vec<Difference>, Error>> {
        let head = self.shard_head(shard)?.map_err(|what| Error::new(ErrorKind::Damaged, what));
        let hold = || self.each_inputs().try_for_each(|(_, each)| each.hold());
        Some(hold().and(head).and_then(|head| self.differences(&head, Some(shard))))
    }

    fn differences(&self, head: &Head, shard: Option<usize>) -> Result<Vec<Difference>, Error> {
        let failed = |error| Error::new(ErrorKind::Store, "no folder could be made").because(error);
        let scratch = tempfile::tempdir().map_err(failed)?;
        // The context goes last: its folder may hold the files that were made.
        let (values, _context) = self.made_again(shard)?;
        let mut fresh = Again { saved: Vec::new(), values, node: self };
        let mut differences = Vec::new();
        for (index, slot) in self.outputs.iter().enumerate() {
            let (Some(format), Some(before)) = (slot.format(), kept(head, index)) else {
                fresh.saved.push(None);
                continue;
            };
            let extension = format.file_extension();
            let artifact = Artifact::saving(Saving::new(scratch.path().to_owned(), extension));
            let value = fresh
                .values
                .get(index)
                .ok_or_else(|| Error::new(ErrorKind::Wiring, "an output is missing"))?;
            let (saved, files) = collect_references(None, || slot.save_value(&**value, &artifact));
            saved.map_err(|error| {
                let name = self.spec.outputs[index].name;
                let message = format!("the output `{name}` could not be written");
                Error::new(ErrorKind::Cacher, message).because(error)
            })?;
            let mut saved = artifact.into_saved()?;
            saved.references = files.iter().map(Reference::of).collect();
            differences.extend(self.difference(head, index, before, &saved));
            fresh.saved.push(Some(saved));
        }
        differences.extend(self.refused(&fresh));
        Ok(differences)
    }

    /// Runs the body as a run would, with as many attempts.
    fn made_again(&self, shard: Option<usize>) -> Result<(Vec<Value>, Context), Error> {
        let mut number = 1;
        loop {
            let interrupted = Arc::clone(&self.session.interrupted);
            let ctx = Context::new(self.spec.name, number, interrupted, std::env::temp_dir());
            let outcome = self.call_body(&ctx, shard);
            let is_around = matches!(outcome, Ok(Err(Failure::Around(_))));
            let error = match called(outcome) {
                Ok(Values(values)) => {
                    return Ok((values.into_iter().map(Arc::from).collect(), ctx));
                }
                Err(error) if is_around => return Err(error),
                Err(error) => error,
            };
            if number > self.spec.retries || !self.is_retried(number, shard, &error) {
                return Err(error);
            }
            number += 1;
        }
    }

    fn difference(
        &self,
        head: &Head,
        index: usize,
        before: &Kept,
        saved: &Saved,
    ) -> Option<Difference> {
        let after = Kept {
            digest: saved.digest,
            size: saved.size,
            meta: saved.meta.clone(),
            references: saved.references.clone(),
            format: before.format,
            extension: before.extension.clone(),
            text: None,
            hex: None,
            parts: Vec::new(),
        };
        if after.identity() == before.identity() {
            return None;
        }
        let output = Some(self.spec.outputs[index].name.to_owned());
        let what = match () {
            () if before.digest != after.digest => format!(
                "{} bytes with the digest {} are kept, {} bytes with the digest {} were made",
                before.size,
                before.digest.short(),
                after.size,
                after.digest.short()
            ),
            () if before.meta != after.meta => "the facts beside it differ".to_owned(),
            () => "the files that it refers to differ".to_owned(),
        };
        let old = self.session.store.open_kept(head, index).map(Artifact::loading);
        let new = saved.reopen(&before.extension);
        let texts = old.and_then(|old| Some((text(&old, before)?, text(&new, &after)?)));
        let diff = texts.and_then(|(old, new)| diff::of(&old, &new));
        Some(Difference {
            shard: None,
            output,
            what,
            diff: diff.map(|diff| self.hide_secrets(diff)),
        })
    }

    /// Runs the validator over what was made again.
    fn refused(&self, fresh: &Again<'_>) -> Option<Difference> {
        let what = self.validator.as_ref()?.check(fresh).err()?;
        let what = self.hide_secrets(what);
        Some(Difference { shard: None, output: None, what, diff: None })
    }
}

/// Reads an artifact of one file that is text, and not long.
fn text(artifact: &Artifact, kept: &Kept) -> Option<String> {
    const LARGEST: u64 = 4 << 20;
    if kept.size > LARGEST || !kept.parts.is_empty() {
        return None;
    }
    let mut text = String::new();
    artifact.reader().ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// What was made again, for the validator.
struct Again<'a> {
    node: &'a Node,
    values: Vec<Value>,
    saved: Vec<Option<Saved>>,
}

impl Outputs for Again<'_> {
    fn value(&self, index: usize) -> Result<Value, Error> {
        let gone = || Error::new(ErrorKind::Cacher, "the value is gone");
        self.values.get(index).cloned().ok_or_else(gone)
    }

    fn artifact(&self, index: usize) -> Result<Artifact, Error> {
        let extension = self.node.outputs[index].format().map_or("bin", |f| f.file_extension());
        if let Some(Some(saved)) = self.saved.get(index) {
            return Ok(saved.reopen(extension));
        }
        let message = "an output without a cacher has no file to validate";
        Err(Error::new(ErrorKind::Cacher, message))
    }
}
