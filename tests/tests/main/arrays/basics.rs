//! Shards are found by their elements: what is put in, taken out or moved costs nothing else.

use crate::arrays::shards_of;
use crate::common::*;

#[stage(each = [page in pages], outputs = [length], cachers = [Json])]
fn length(page: &str) -> usize {
    page.len()
}

#[stage(inputs = [length as lengths], outputs = [total], cachers = [Json])]
fn total(lengths: &Shards<usize>) -> Result<usize> {
    Ok(lengths.collect()?.iter().sum())
}

fn pages(count: usize) -> Vec<String> {
    (0..count).map(|page| "x".repeat(page)).collect()
}

fn run(lab: &Lab, pages: Vec<String>) -> (Vec<usize>, Vec<usize>) {
    let mut record = lab.record(());
    record.insert("pages", pages).unwrap();
    let lengths = length(&mut record).unwrap();
    let values = lengths.collect().unwrap();
    (values, shards_of(lab, "length"))
}

#[test]
fn each_element_is_computed_once() {
    let lab = Lab::new();
    let all: Vec<usize> = (0..55).collect();
    assert_eq!(run(&lab, pages(55)), (all.clone(), all.clone()));
    assert_eq!(run(&lab, pages(55)), (all.clone(), vec![]));
    // One in front, one in the middle, one behind.
    let mut more = pages(55);
    more.insert(0, "in front".to_owned());
    more.insert(20, "in the middle, and long".to_owned());
    more.push("behind!".repeat(9));
    let (values, ran) = run(&lab, more);
    assert_eq!(ran, [0, 20, 57]);
    assert_eq!((values[0], values[20], values[57]), (8, 23, 63));
    let mut reversed = pages(55);
    reversed.reverse();
    assert_eq!(run(&lab, reversed), (all.into_iter().rev().collect(), vec![]));
    assert_eq!(run(&lab, vec![]), (vec![], vec![]));
}

#[test]
fn equal_elements_are_computed_once() {
    let lab = Lab::new();
    let pages = || ["a", "bb", "a", "a", "bb"].map(str::to_owned).to_vec();
    assert_eq!(run(&lab, pages()), (vec![1, 2, 1, 1, 2], vec![0, 1]));
    assert_eq!(run(&lab, pages()), (vec![1, 2, 1, 1, 2], vec![]));
}

#[test]
fn what_takes_all_shards_runs_when_one_differs() {
    let lab = Lab::new();
    let run = |pages: Vec<String>| {
        let mut record = lab.record(());
        record.insert("pages", pages).unwrap();
        length(&mut record).unwrap();
        let total = *total(&mut record).unwrap().load().unwrap();
        (total, lab.ran())
    };
    assert_eq!(run(pages(4)), (6, vec!["length".to_owned(), "total".to_owned()]));
    assert_eq!(run(pages(4)), (6, vec![]));
    // Another element of the same length gives the same shard.
    let mut others = pages(4);
    others[2] = "yy".to_owned();
    assert_eq!(run(others), (6, vec!["length".to_owned()]));
    assert_eq!(run(pages(5)), (10, vec!["length".to_owned(), "total".to_owned()]));
}

#[stage(each = [page in pages], outputs = [line], cachers = [Text])]
fn numbered(index: usize, page: &str) -> String {
    format!("{index}: {page}")
}

#[test]
fn an_index_that_is_taken_enters_the_key() {
    let lab = Lab::new();
    let run = |pages: &[&str]| {
        let mut record = lab.record(());
        let pages: Vec<String> = pages.iter().map(ToString::to_string).collect();
        record.insert("pages", pages).unwrap();
        let lines = numbered(&mut record).unwrap().collect().unwrap();
        (lines.join(" "), shards_of(&lab, "numbered"))
    };
    assert_eq!(run(&["a", "b"]), ("0: a 1: b".to_owned(), vec![0, 1]));
    assert_eq!(run(&["a", "b", "c"]), ("0: a 1: b 2: c".to_owned(), vec![2]));
    assert_eq!(run(&["c", "a", "b"]), ("0: c 1: a 2: b".to_owned(), vec![0, 1, 2]));
}

#[stage(each = [x in xs, y in ys], outputs = [sum, product], cachers = [Json, Json])]
fn both(x: u32, y: &u32, factor: u32) -> (u32, u32) {
    ((x + y) * factor, x * y * factor)
}

#[test]
fn two_arrays_are_taken_together() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("xs", vec![1_u32, 2, 3]).unwrap();
    record.insert("ys", vec![4_u32, 5, 6]).unwrap();
    let (sums, products) = both(&mut record, 1).unwrap();
    assert_eq!(sums.collect().unwrap(), [5, 7, 9]);
    assert_eq!(products.collect().unwrap(), [4, 10, 18]);
    assert_eq!(*products.get(2).load().unwrap(), 18);
    assert_eq!(shards_of(&lab, "both"), [0, 1, 2]);
    // Exchanged, they are others.
    let mut record = lab.record(());
    record.insert("ys", vec![1_u32, 2, 3]).unwrap();
    record.insert("xs", vec![4_u32, 5, 6]).unwrap();
    both(&mut record, 1).unwrap();
    assert_eq!(shards_of(&lab, "both"), [0, 1, 2]);
}

#[test]
fn arrays_of_different_lengths_are_refused() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("xs", vec![1_u32, 2, 3]).unwrap();
    record.insert("ys", vec![4_u32, 5]).unwrap();
    let error = both(&mut record, 1).unwrap_err();
    let expected = "arrays that are taken together must be of one length, but there are 3 for `x` and 2 for `y`";
    assert!(error.chain().contains(expected), "{}", error.chain());
    assert!(lab.ran().is_empty());
}

#[stage(outputs = [before], cachers = [Json])]
fn before() -> Vec<u32> {
    vec![1, 2]
}

#[stage(each = [x in sum, y in more], outputs = [late], cachers = [Json])]
fn late(x: u32, y: u32) -> u32 {
    x + y
}

#[test]
fn different_lengths_that_are_known_are_told_before_anything_runs() {
    let run = |more: usize, ys: usize| {
        let lab = Lab::new();
        let experiment = Experiment::new("lengths", move |record: &mut Record<()>| {
            before(record)?;
            record.insert("xs", vec![1_u32, 2, 3])?;
            record.insert("ys", vec![4_u32; ys])?;
            record.insert("more", vec![5_u32; more])?;
            both(record, 1)?;
            late(record)?;
            Ok(())
        });
        let experiment = experiment.record("base", ());
        let planned = experiment.plan(&lab.options()).map_err(|error| error.chain());
        let outcome = experiment.run(&lab.options()).map_err(|error| error.chain());
        (planned.err(), outcome.map(|outcome| outcome.failed), lab.ran().len())
    };
    let told = |x, y| {
        let what = "arrays that are taken together must be of one length, but there are";
        format!("{what} {x} for `x` and {y} for `y`")
    };
    assert_eq!(run(3, 3), (None, Ok(0), 3));
    for (more, ys, text) in [(3, 2, told(3, 2)), (2, 3, told(3, 2))] {
        let (planned, outcome, ran) = run(more, ys);
        let (planned, outcome) = (planned.unwrap(), outcome.unwrap_err());
        assert!(planned.contains(&text), "{planned}");
        assert!(outcome.contains(&text), "{outcome}");
        assert_eq!(ran, 0);
    }
    // What a stage gives is known when it is there: its length is told then, by a failure.
    let lab = Lab::new();
    let experiment = Experiment::new("lengths", |record: &mut Record<()>| {
        before(record)?;
        record.insert("ys", vec![4_u32; 3])?;
        both_of_stages(record)?;
        Ok(())
    });
    let outcome = experiment.record("base", ()).run(&lab.options()).unwrap();
    assert!(outcome.failures[0].chain().contains(&told(2, 3)), "{outcome:?}");
    assert_eq!(lab.ran(), ["before"]);
}

#[stage(each = [x in before, y in ys], outputs = [z], cachers = [Json])]
fn both_of_stages(x: u32, y: u32) -> u32 {
    x + y
}

#[stage(each = [page in pages], outputs = [read], cachers = [Json])]
fn read(page: &str) -> std::io::Result<usize> {
    if page == "none" { Err(std::io::Error::other("no such page")) } else { Ok(page.len()) }
}

mod others {
    /// As that of `anyhow`.
    pub(super) type Result<T, E = Box<dyn std::error::Error + Send + Sync>> =
        std::result::Result<T, E>;
}

#[stage(each = [page in pages], outputs = [first, last], cachers = [Json])]
fn ends(page: &str) -> others::Result<(char, char)> {
    let mut all = page.chars();
    let first = all.next().ok_or("it is empty")?;
    Ok((first, all.next_back().unwrap_or(first)))
}

#[test]
fn results_of_other_names_are_results_of_arrays_too() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("pages", vec!["one".to_owned(), "none".to_owned()]).unwrap();
    let told = chain(read(&mut record));
    assert!(
        told.contains("1 of 2 shards failed; shard 1: the stage failed: no such page"),
        "{told}"
    );
    let (first, last) = ends(&mut record).unwrap();
    assert_eq!(first.collect().unwrap(), ['o', 'n']);
    assert_eq!(last.collect().unwrap(), ['e', 'e']);
}

#[test]
fn an_array_of_no_elements_is_there_at_once() {
    for jobs in [1, 4] {
        let lab = Lab::new();
        let run = || {
            let experiment = Experiment::new("none", |record: &mut Record<()>| {
                record.insert("pages", Vec::<String>::new())?;
                length(record)?;
                total(record)?;
                Ok(())
            });
            let outcome = experiment.record("base", ()).run(&lab.options().jobs(jobs)).unwrap();
            let total = *outcome.output::<usize>("base", "total").unwrap().load().unwrap();
            let shards = outcome.shards::<usize>("base", "length").unwrap();
            assert!(shards.is_empty().unwrap());
            assert!(shards.get(0).load().is_err());
            (total, outcome.ran, outcome.cached, lab.ran())
        };
        assert_eq!(run(), (0, 1, 1, vec!["total".to_owned()]));
        assert_eq!(run(), (0, 0, 2, vec![]));
    }
}

#[test]
fn a_shard_that_is_not_there_is_an_error() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("pages", pages(3)).unwrap();
    let lengths = length(&mut record).unwrap();
    let error = lengths.get(3).load().unwrap_err().chain();
    assert!(error.contains("there is no shard 3: there are 3"), "{error}");
}

#[test]
fn shards_are_had_by_their_name() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("pages", pages(3)).unwrap();
    length(&mut record).unwrap();
    assert_eq!(record.shards::<usize>("length").unwrap().collect().unwrap(), [0, 1, 2]);
    let other = record.get::<usize>("length").unwrap_err().chain();
    assert!(
        other.ends_with("`length` is a `Shards<usize>`, not a `usize`; ask for it by `shards`"),
        "{other}"
    );
    let other = record.shards::<String>("pages").unwrap_err().chain();
    assert!(other.ends_with("not a `Shards<String>`; ask for it as a single value"), "{other}");

    let pipeline = |record: &mut Record<()>| {
        record.insert("pages", pages(3))?;
        length(record)?;
        Ok(())
    };
    let outcome =
        Experiment::new("pages", pipeline).record("base", ()).run(&lab.options()).unwrap();
    assert_eq!(outcome.shards::<usize>("base", "length").unwrap().collect().unwrap(), [0, 1, 2]);
}
