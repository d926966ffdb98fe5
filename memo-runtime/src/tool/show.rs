//! `memo show`: what is kept of a stage, and what is in it.

use std::io::Read as _;

use super::args::{Format, Show};
use super::contents::{Array, Contents, Held, Matter, size_of};
use super::{clock, open, stage};
use crate::artifact::Artifact;
use crate::cli::output::{Output, Paint};
use crate::cli::preview;
use crate::cli::text::{counted, size_text};
use crate::error::{Error, ErrorKind};
use crate::experiment::outcome::{Preview, duration_text};
use crate::plain::plain;
use crate::store::Store;
use crate::store::manifest::{Head, Kept};

/// How many entries, arrays or shards are listed.
const MOST: usize = 20;

/// How many values are shown at a time.
const VALUES: usize = 10;

/// Lists what is kept of a stage, or shows the values of what is chosen.
pub(super) fn show(args: &Show, output: &Output) -> Result<(), Error> {
    let store = open(&args.store, true)?;
    let stage = stage(&store, &args.stage)?;
    let contents = Contents::of(&store, &stage);
    warn(&contents, output);
    let chosen = contents.choose(&args.keys, args.shard)?;
    if args.format == Format::Json {
        chosen.iter().for_each(|matter| output.result(&json(matter, &stage).to_string()));
        return Ok(());
    }
    let paint = Paint::stdout();
    output.result(&paint.strong(&plain(&stage)));
    if chosen.is_empty() {
        output.result("  nothing of it is kept");
    }
    let lists = args.keys.is_empty() && args.shard.is_none();
    let most = if lists { MOST } else { VALUES };
    for matter in chosen.iter().take(most) {
        match matter {
            Matter::Held(held) => output.result(&held_line(held, paint)),
            Matter::Array(array) => output.result(&array_line(array, paint)),
        }
        match matter {
            _ if lists => {}
            Matter::Held(held) => {
                values(&store, &held.head, paint).iter().for_each(|text| output.result(text));
            }
            Matter::Array(array) => list_shards(array, paint, output),
        }
    }
    rest(chosen.len(), most, output);
    Ok(())
}

/// Tells what of a store cannot be believed.
pub(super) fn warn(contents: &Contents, output: &Output) {
    contents.broken.iter().for_each(|what| output.note(&format!("warning: {}", plain(what))));
}

fn list_shards(array: &Array, paint: Paint, output: &Output) {
    for listed in array.shards.iter().take(MOST) {
        let text = match array.read(listed) {
            Ok(held) => held_line(&held, paint),
            Err(error) => format!("  {}", paint.bad(&plain(&error.to_string()))),
        };
        output.result(&format!("  {text}"));
    }
    rest(array.shards.len(), MOST, output);
    for what in array.damaged.iter().take(VALUES) {
        output.result(&format!("    {}", paint.bad(&plain(what))));
    }
}

fn rest(count: usize, most: usize, output: &Output) {
    if count > most {
        output.result(&format!("  … and {} more", count - most));
    }
}

fn array_line(array: &Array, paint: Paint) -> String {
    let (key, shards) = (array.shared.short(), counted(array.shards.len(), "shard"));
    let (size, at) = (size_text(array.size), clock::text(array.latest));
    let mut text = format!("  {} {key}  {shards}", paint.strong("array"));
    if !array.shards.is_empty() {
        text = format!("{text}, {size}, the latest {at}");
    }
    if !array.damaged.is_empty() {
        let lines = paint.bad(&counted(array.damaged.len(), "damaged line"));
        text = format!("{text}, {lines}");
    }
    text + &record_text(array.record.as_deref())
}

fn held_line(held: &Held, paint: Paint) -> String {
    let what = match held.index {
        None => paint.strong("entry"),
        Some(index) => paint.strong(&format!("shard {index}")),
    };
    let (key, size) = (held.head.key.short(), size_text(size_of(&held.head)));
    let (at, took) = (clock::text(held.head.completed), duration_text(held.head.seconds));
    let record = record_text(held.record.as_deref());
    format!("  {what} {key}  {size}, {at}, took {took}{record}")
}

fn record_text(record: Option<&str>) -> String {
    record.map(|record| format!(" ({})", plain(record))).unwrap_or_default()
}

/// Shows the first lines of each output.
fn values(store: &Store, head: &Head, paint: Paint) -> Vec<String> {
    let mut texts = Vec::new();
    for (index, output) in head.outputs.iter().enumerate() {
        let name = plain(&output.name).into_owned();
        let shown = match &output.artifact {
            None => Err("not kept: it has no cacher".to_owned()),
            Some(kept) => preview_of(store, head, index, kept, &name)
                .map_err(|error| plain(&error.chain()).into_owned()),
        };
        let text = match shown {
            Ok(shown) => preview::written(&shown, paint),
            Err(what) => format!("{}  {}", paint.strong(&name), paint.bad(&what)),
        };
        texts.push(format!("    {}", text.replace('\n', "\n    ")));
    }
    texts
}

fn preview_of(
    store: &Store,
    head: &Head,
    index: usize,
    kept: &Kept,
    name: &str,
) -> Result<Preview, Error> {
    let gone = || Error::new(ErrorKind::Damaged, "it is not there");
    let artifact = store.open_kept(head, index).map(Artifact::loading).ok_or_else(gone)?;
    let unread = |error| Error::new(ErrorKind::Damaged, "it cannot be read").because(error);
    let mut bytes = Vec::new();
    artifact.reader()?.take(preview::LIMIT as u64).read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() < preview::LIMIT {
        artifact.end_load()?;
    }
    let path = kept.inline().is_none().then(|| store.layout().place_of(kept));
    let path = path.map(|path| plain(&path.display().to_string()).into_owned().into());
    let extension = kept.extension.clone().into_owned();
    Ok(Preview { name: name.to_owned(), path, extension, head: bytes })
}

fn json(matter: &Matter<'_>, stage: &str) -> serde_json::Value {
    match matter {
        Matter::Array(array) => serde_json::json!({
            "event": "array",
            "stage": stage,
            "key": array.shared,
            "shards": array.shards.len(),
            "damaged": array.damaged.len(),
            "size": array.size,
            "completed": array.latest,
            "record": array.record,
        }),
        Matter::Held(held) => {
            let output = |output: &crate::store::manifest::Output| {
                let kept = output.artifact.as_ref();
                serde_json::json!({
                    "output": output.name,
                    "extension": kept.map(|kept| &kept.extension),
                    "digest": kept.map(|kept| kept.digest),
                    "size": kept.map(|kept| kept.size),
                })
            };
            serde_json::json!({
                "event": if held.index.is_some() { "shard" } else { "entry" },
                "stage": stage,
                "key": held.head.key,
                "shard": held.index,
                "completed": held.head.completed,
                "seconds": held.head.seconds,
                "record": held.record,
                "outputs": held.head.outputs.iter().map(output).collect::<Vec<_>>(),
            })
        }
    }
}
