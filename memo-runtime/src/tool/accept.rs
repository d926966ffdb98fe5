//! `memo accept`: entries of former code are found again, on the user's word, and `--revert`.

use std::collections::HashSet;

use super::args::Accept;
use super::{clock, open, stage};
use crate::cli::output::Output;
use crate::cli::text::{counted, last_part};
use crate::error::{Error, ErrorKind};
use crate::key::ComponentKind;
use crate::plain::plain;
use crate::stage::explain::code;
use crate::store::Store;
use crate::store::accepted::{digits, fingerprint};
use crate::store::entries::Entry;

/// Lets the entries of former code be found.
pub(super) fn accept(args: &Accept, output: &Output) -> Result<(), Error> {
    let store = open(&args.store, args.dry_run)?;
    let stage = stage(&store, &args.stage)?;
    let name = last_part(&stage);
    let entries = store.entries_of(&stage, usize::MAX);
    if !entries.is_empty() && entries.iter().all(|entry| code_of(entry).is_none()) {
        let message = format!(
            "the code of `{stage}` is not in its key (`code = manual`), so no change of it costs a result: there is nothing to accept"
        );
        return Err(Error::new(ErrorKind::Usage, message));
    }
    let new = asked_for(&store, &stage, &entries)?;
    let old = former(args.from.as_deref(), new.code, &stage, &entries)?;
    let served = served(&store, &stage, old, &entries);
    let (new_text, old_text) = (short(new.code), short(old));
    output.result(&format!("{stage}: code {old_text} → {new_text} ({})", new.told));
    for line in differences(&store, old, new.code) {
        output.result(&format!("  {}", plain(&line)));
    }
    if store.accepted(&stage, new.code).contains(&old) {
        output.result(&format!("the entries of {old_text} are accepted for {new_text} already"));
        return Ok(());
    }
    let entries = entries_text(served.0) + &shards_text(served.1);
    if args.dry_run {
        output.result(&format!("{entries} would be found for {new_text}; nothing was written"));
        return Ok(());
    }
    store.accept(&stage, new.code, old).map_err(|error| not_written(&store, error))?;
    output.result(&format!(
        "{entries} will be found for {new_text} from now on; `memo accept --revert {name}` takes that back"
    ));
    Ok(())
}

/// Takes back all that was accepted for a stage.
pub(super) fn revert(args: &Accept, output: &Output) -> Result<(), Error> {
    let store = open(&args.store, args.dry_run)?;
    let stage = stage(&store, &args.stage)?;
    let acceptances = store.acceptances(&stage);
    let mut entries = store.entries_of(&stage, usize::MAX);
    entries.retain(Entry::is_accepted);
    if acceptances.is_empty() && entries.is_empty() {
        output.result(&format!("{stage}: nothing was accepted, so nothing is taken back"));
        return Ok(());
    }
    let what = format!(
        "{} and {} that were carried over",
        counted(acceptances.len(), "acceptance"),
        entries_text(entries.len())
    );
    if args.dry_run {
        output.result(&format!("{stage}: {what} would be taken back; nothing was written"));
        return Ok(());
    }
    // The word first: otherwise a run at the same time carries over again what is just taken back.
    for acceptance in &acceptances {
        std::fs::remove_file(acceptance).map_err(|error| not_written(&store, error))?;
    }
    for entry in &entries {
        store.retire(entry).map_err(|error| not_written(&store, error))?;
    }
    output
        .result(&format!("{stage}: {what} are taken back; the entries are among the former ones"));
    Ok(())
}

/// The code that is asked for now, as far as the store knows.
struct Asked {
    code: u128,
    told: String,
}

/// The newest code is what was asked for last, or what ran last.
fn asked_for(store: &Store, stage: &str, entries: &[Entry]) -> Result<Asked, Error> {
    let mut ran = entries.iter().filter(|entry| !entry.is_accepted());
    let ran = ran.find_map(|entry| Some((code_of(entry)?, entry.head.completed)));
    let told = |word: &str, at: u64| format!("{word} {}", clock::text(at));
    match (store.seen(stage), ran) {
        (Some((code, at)), ran) if ran.is_none_or(|(_, completed)| at >= completed) => {
            Ok(Asked { code, told: told("asked for", at) })
        }
        (_, Some((code, at))) => Ok(Asked { code, told: told("last ran", at) }),
        _ => {
            let message = format!(
                "the store has met no new code of `{stage}`; start the experiment with `--plan` first"
            );
            Err(Error::new(ErrorKind::Usage, message))
        }
    }
}

/// Finds the former code: that of the latest entry that differs, or the one that was named.
fn former(wanted: Option<&str>, new: u128, stage: &str, entries: &[Entry]) -> Result<u128, Error> {
    let mut codes: Vec<u128> = Vec::new();
    for code in entries.iter().filter(|entry| !entry.is_accepted()).filter_map(code_of) {
        if code != new && !codes.contains(&code) {
            codes.push(code);
        }
    }
    let usage = |message: String| Error::new(ErrorKind::Usage, message);
    let Some(wanted) = wanted else {
        let message = format!(
            "no entry of `{stage}` has other code than {}; start the experiment with `--plan` first, so that the store knows the new code",
            short(new)
        );
        return codes.first().copied().ok_or_else(|| usage(message));
    };
    let wanted = wanted.to_ascii_lowercase();
    let found: Vec<u128> =
        codes.iter().copied().filter(|code| digits(*code).starts_with(&wanted)).collect();
    let all: Vec<String> = codes.iter().map(|code| short(*code)).collect();
    match found[..] {
        [code] => Ok(code),
        [] => Err(usage(format!(
            "no former code of `{stage}` begins with `{wanted}`; there are {}",
            if all.is_empty() { "none".to_owned() } else { all.join(", ") }
        ))),
        _ => Err(usage(format!("`{wanted}` could be {}; give more digits", all.join(" or ")))),
    }
}

/// Counts the entries of a code, and their shards, with those that are accepted for it.
fn served(store: &Store, stage: &str, old: u128, entries: &[Entry]) -> (usize, usize) {
    let mut codes = store.accepted(stage, old);
    codes.push(old);
    let is_served = |entry: &&Entry| code_of(entry).is_some_and(|code| codes.contains(&code));
    let served = entries.iter().filter(|entry| !entry.is_accepted()).filter(is_served);
    let served: Vec<_> = served.map(|entry| entry.head.key).collect();
    let mut shards = HashSet::new();
    for (_, packs) in store.packs_of(stage).iter().filter(|(shared, _)| served.contains(shared)) {
        shards.extend(packs.all().flatten().map(|(_, line)| line.head.key));
    }
    (served.len(), shards.len())
}

/// Says which code differs, as far as that is known.
fn differences(store: &Store, old: u128, new: u128) -> Vec<String> {
    let items = |code: u128| store.code(&digits(code)).unwrap_or_default();
    let changes = code::changes(&items(old), &items(new));
    if changes.is_empty() {
        return vec!["the function itself changed".to_owned()];
    }
    changes.iter().map(ToString::to_string).collect()
}

fn code_of(entry: &Entry) -> Option<u128> {
    let mut components = entry.detail.components.iter();
    let code = components.find(|component| component.kind == ComponentKind::Code)?;
    fingerprint(&code.shown)
}

fn entries_text(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

fn shards_text(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" with {}", counted(count, "shard")) }
}

fn short(code: u128) -> String {
    digits(code)[..8].to_owned()
}

fn not_written(store: &Store, error: std::io::Error) -> Error {
    let message = format!("the store in `{}` cannot be written", store.path().display());
    Error::new(ErrorKind::Store, message).because(error)
}
