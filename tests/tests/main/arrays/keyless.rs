//! Elements that no key can take: those of a type without serde and without a `CacheKey`.

use std::fs;

use memo_runtime::{Artifact, Cacheable, Format};

use super::{shards_in, shards_of};
use crate::common::*;

/// Has neither.
#[derive(Debug, Clone, PartialEq)]
struct Page {
    words: usize,
}

/// Keeps a page as a number.
struct Words;

impl Cacheable<Page> for Words {
    fn format(&self) -> Format {
        Format::new("words", 1)
    }

    fn save(&self, value: &Page, artifact: &Artifact) -> Result<()> {
        Ok(fs::write(artifact.path()?, value.words.to_string())?)
    }

    fn load(&self, artifact: &Artifact) -> Result<Page> {
        Ok(Page { words: fs::read_to_string(artifact.path()?)?.parse()? })
    }
}

#[stage(each = [text in texts], outputs = [page, held], cachers = [Words, Words])]
fn read(text: &str) -> (Page, Page) {
    let page = Page { words: text.split(' ').count() };
    (page.clone(), page)
}

#[stage(each = [page in pages], outputs = [length], cachers = [Json])]
fn length(page: &Page) -> usize {
    page.words
}

#[stage(each = [page in page, other in held], outputs = [sum], cachers = [Json])]
fn add(page: Page, other: &Page) -> usize {
    page.words + other.words
}

#[stage(each = [text in texts], outputs = [unkept])]
fn unkept(text: &str) -> Page {
    Page { words: text.len() }
}

#[stage(each = [page in unkept], outputs = [letters], cachers = [Json])]
fn letters(page: &Page) -> usize {
    page.words
}

#[stage(each = [x in xs], outputs = [shown], cachers = [Json])]
fn generic<T: Clone + Send + Sync + 'static>(x: &T) -> usize {
    size_of_val(x)
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[test]
fn shards_of_an_array_need_no_key() {
    let lab = Lab::new();
    let run = |given: &[&str]| {
        let mut record = lab.record(());
        record.insert("texts", texts(given)).unwrap();
        read::named(&mut record, ["pages", "held"]).unwrap();
        let lengths = length(&mut record).unwrap().collect().unwrap();
        let events = lab.recorder().take();
        (lengths, shards_in(&events, "::read"), shards_in(&events, "::length"))
    };
    assert_eq!(run(&["a b", "c"]), (vec![2, 1], vec![0, 1], vec![0, 1]));
    assert_eq!(run(&["a b", "c"]), (vec![2, 1], vec![], vec![]));
    // Another text of as many words is the same page.
    assert_eq!(run(&["x", "a b", "a b c"]), (vec![1, 2, 3], vec![0, 2], vec![2]));
}

#[test]
fn two_of_them_and_those_in_memory_need_none_either() {
    let lab = Lab::new();
    let run = || {
        let mut record = lab.record(());
        record.insert("texts", texts(&["a b", "c"])).unwrap();
        read(&mut record).unwrap();
        unkept(&mut record).unwrap();
        let sums = add(&mut record).unwrap().collect().unwrap();
        let letters = letters(&mut record).unwrap().collect().unwrap();
        let events = lab.recorder().take();
        let ran = ["read", "add", "unkept", "letters"].map(|stage| shards_in(&events, stage).len());
        (sums, letters, ran)
    };
    assert_eq!(run(), (vec![4, 2], vec![3, 1], [2, 2, 2, 2]));
    // Nothing keeps what lives in memory.
    assert_eq!(run(), (vec![4, 2], vec![3, 1], [0, 0, 2, 0]));
}

#[stage(outputs = [pages])]
fn make(count: usize) -> Vec<Page> {
    (0..count).map(|words| Page { words }).collect()
}

const REFUSED: &str = "the elements of `pages` are of type `Page`, which cannot be part of a key: \
                       derive `serde::Serialize` for it, or write `impl CacheKey for Page`";

#[test]
fn a_vec_of_them_is_refused_before_anything_runs() {
    // On a record of one's own what came before has run by then; with no elements too.
    for count in [0, 3] {
        let lab = Lab::new();
        let mut record = lab.record(());
        make(&mut record, count).unwrap();
        let error = length(&mut record).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Key);
        assert!(error.chain().contains(REFUSED), "{}", error.chain());
        assert!(shards_of(&lab, "length").is_empty());
    }
    let lab = Lab::new();
    let experiment = Experiment::new("pages", |record: &mut Record<()>| {
        make(record, 3)?;
        length(record)?;
        Ok(())
    });
    let error = experiment.record("base", ()).run(&lab.options()).unwrap_err();
    assert!(error.chain().contains(REFUSED), "{}", error.chain());
    assert!(lab.ran().is_empty());
}

#[test]
fn a_generic_stage_has_a_key_only_where_its_bounds_say_so() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("xs", vec![1_u32, 2]).unwrap();
    let told = chain(generic::<u32>(&mut record));
    assert!(told.contains("in a generic stage, bound its type parameter by one of them"), "{told}");
    record.insert("texts", texts(&["a b", "c"])).unwrap();
    read::named(&mut record, ["xs", "held"]).unwrap_err();
    let mut record = lab.record(());
    record.insert("texts", texts(&["a b", "c"])).unwrap();
    read::named(&mut record, ["xs", "held"]).unwrap();
    assert_eq!(generic::<Page>(&mut record).unwrap().collect().unwrap(), [8, 8]);
}
