//! Which code has changed: two lists of what a fingerprint is made of, side by side.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Change;
use crate::key::ComponentKind;
use crate::store::code::KeptItem;

/// The file that external crates stand in.
const LOCK: &str = "Cargo.lock";

/// What the place of a name begins with that is no item, but leads to one.
pub(crate) const LEADS: &str = "→ ";

/// Names what differs; nothing if the lists are equal, so that the stage itself has changed.
///
/// Where all items are the same, two names may have exchanged what they lead to.
pub(crate) fn changes(old: &[KeptItem], new: &[KeptItem]) -> Vec<Change> {
    let is_lead = |item: &&KeptItem| item.place.starts_with(LEADS);
    let ((old_leads, old), (new_leads, new)) =
        (old.iter().partition(is_lead), new.iter().partition(is_lead));
    let (old, new): (Vec<&KeptItem>, Vec<&KeptItem>) = (old, new);
    let (old, new) = (by_name(&old), by_name(&new));
    let items = differences(&under_new_names(old, &new), &new);
    if !items.is_empty() {
        return items;
    }
    let (old_leads, new_leads): (Vec<&KeptItem>, Vec<&KeptItem>) = (old_leads, new_leads);
    let (mut old, new) = (by_name(&old_leads), by_name(&new_leads));
    // A name that is no more, or a new one, has changed the code that it stands in.
    old.retain(|name, _| new.contains_key(name));
    let known = new.into_iter().filter(|(name, _)| old.contains_key(name)).collect();
    differences(&old, &known)
}

fn differences(old: &BTreeMap<String, Named>, new: &BTreeMap<String, Named>) -> Vec<Change> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut changes = Vec::new();
    for name in names {
        let (before, after) = (old.get(name), new.get(name));
        if before.map(|all| &all.digests) != after.map(|all| &all.digests) {
            changes.push(Change {
                kind: ComponentKind::Code,
                name: name.clone(),
                old: before.map(|all| all.shown.clone()),
                new: after.map(|all| all.shown.clone()),
                made_by: None,
            });
        }
    }
    changes
}

/// Gives items that are gone the names that they have now: equal code, or else code of the same bare name,
/// stands elsewhere. A move alone changes no fingerprint, so what is kept may still have the old places.
fn under_new_names(
    mut old: BTreeMap<String, Named>,
    new: &BTreeMap<String, Named>,
) -> BTreeMap<String, Named> {
    type Same = fn((&str, &Named), (&str, &Named)) -> bool;
    let rules: [Same; 2] = [
        |(_, one), (_, other)| one.digests == other.digests,
        |(one, _), (other, _)| bare(one) == bare(other),
    ];
    for is_same in rules {
        let gone: Vec<String> =
            old.keys().filter(|name| !new.contains_key(*name)).cloned().collect();
        for name in gone {
            let Some(before) = old.remove(&name) else { continue };
            let mut fresh = new.iter().filter(|(fresh, _)| !old.contains_key(*fresh));
            let found = fresh.find(|(fresh, after)| is_same((&name, &before), (fresh, after)));
            let name = found.map_or(name, |(fresh, _)| fresh.clone());
            old.insert(name, before);
        }
    }
    old
}

/// The name of an item without its modules.
fn bare(name: &str) -> &str {
    let end = name.find([' ', '<']).unwrap_or(name.len());
    name[..end].rfind("::").map_or(name, |at| &name[at + 2..])
}

/// Items of one name: alternatives behind `cfg`, or versions of a crate.
#[derive(Default)]
struct Named {
    digests: BTreeSet<String>,
    /// The file, or the versions.
    shown: String,
}

fn by_name(items: &[&KeptItem]) -> BTreeMap<String, Named> {
    let mut all: BTreeMap<String, Named> = BTreeMap::new();
    for item in items {
        let (name, shown) = match item.name.rsplit_once(' ') {
            Some((name, version)) if item.place == LOCK => (name, version),
            _ => (item.name.as_str(), item.place.as_str()),
        };
        let named = all.entry(name.to_owned()).or_default();
        named.digests.insert(item.digest.clone());
        if !named.shown.split(", ").any(|known| known == shown) {
            let comma = if named.shown.is_empty() { "" } else { ", " };
            named.shown = format!("{}{comma}{shown}", named.shown);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(items: &[(&str, &str, &str)]) -> Vec<KeptItem> {
        let item = |(name, place, digest): &(&str, &str, &str)| KeptItem {
            name: (*name).to_owned(),
            place: (*place).to_owned(),
            digest: (*digest).to_owned(),
        };
        items.iter().map(item).collect()
    }

    fn texts(old: &[(&str, &str, &str)], new: &[(&str, &str, &str)]) -> Vec<String> {
        changes(&items(old), &items(new)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_that_lead_elsewhere_are_told_where_nothing_else_is() {
        let old = [("f", "a.rs", "1"), ("x in fit", "→ m::f", "2"), ("y in fit", "→ m::g", "3")];
        let new = [("f", "a.rs", "1"), ("x in fit", "→ m::g", "3"), ("y in fit", "→ m::f", "2")];
        let expected = [
            "code: `x` in `fit` leads to `m::g`, no longer to `m::f`",
            "code: `y` in `fit` leads to `m::f`, no longer to `m::g`",
        ];
        assert_eq!(texts(&old, &new), expected);
        let more = [("f", "a.rs", "9"), ("x in fit", "→ m::g", "3"), ("z in fit", "→ m::g", "3")];
        assert_eq!(texts(&old, &more), ["code: `f` changed (a.rs)"]);
        assert_eq!(texts(&old[..2], &[old[0], more[2]]), [""; 0], "the stage has changed");
    }

    #[test]
    fn a_changed_helper_is_named_with_its_file() {
        let old = [("geometry::norm", "src/geometry.rs", "1"), ("same", "src/lib.rs", "2")];
        let new = [("geometry::norm", "src/geometry.rs", "3"), ("same", "src/lib.rs", "2")];
        assert_eq!(texts(&old, &new), ["code: `geometry::norm` changed (src/geometry.rs)"]);
        assert_eq!(texts(&old, &old), Vec::<String>::new());
    }

    #[test]
    fn new_and_gone_helpers_are_told() {
        let (old, new) = ([("a", "src/a.rs", "1")], [("b", "src/b.rs", "2")]);
        let expected = ["code: `a` is gone (src/a.rs)", "code: `b` is new (src/b.rs)"];
        assert_eq!(texts(&old, &new), expected);
    }

    #[test]
    fn moved_code_is_no_news_and_is_told_where_it_is_now() {
        let old = [("a::norm", "src/a.rs", "1"), ("a::impl Add for u8", "src/a.rs", "2")];
        let new = [("b::norm", "src/b.rs", "1"), ("b::impl Add for u8", "src/b.rs", "3")];
        assert_eq!(texts(&old, &new), ["code: `b::impl Add for u8` changed (src/b.rs)"]);
        let (old, new) = ([("a::f", "a.rs", "1"), ("b::f", "b.rs", "2")], [("c::f", "c.rs", "2")]);
        assert_eq!(texts(&old, &new), ["code: `a::f` is gone (a.rs)"]);
        let (old, new) = (
            [("a::f", "a.rs", "1"), ("b::f", "b.rs", "2")],
            [("a::f", "a.rs", "2"), ("b::f", "b.rs", "1")],
        );
        assert_eq!(
            texts(&old, &new),
            ["code: `a::f` changed (a.rs)", "code: `b::f` changed (b.rs)"]
        );
    }

    #[test]
    fn crates_are_told_with_both_versions() {
        let (old, new) = ([("serde 1.0.1", LOCK, "1")], [("serde 1.0.2", LOCK, "2")]);
        assert_eq!(texts(&old, &new), ["code: `serde` 1.0.1 → 1.0.2"]);
        let (old, new) = ([("serde 1.0.1", LOCK, "1")], [("serde 1.0.1", LOCK, "2")]);
        assert_eq!(texts(&old, &new), ["code: `serde` changed (1.0.1)"]);
    }

    #[test]
    fn what_has_no_file_is_told_alone() {
        let (old, new) = ([("cfg test", "", "1")], [("cfg test", "", "2")]);
        assert_eq!(texts(&old, &new), ["code: `cfg test` changed"]);
    }
}
