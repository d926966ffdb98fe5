//! Two calls of one key, of which one reads what the other gives.

use std::fs;
use std::time::Duration;

use memo_runtime::prelude::*;
use memo_tests::files_below;

use crate::support::within;

#[stage(outputs = [raw], cachers = [Bytes])]
fn raw() -> Vec<u8> {
    (0..=u8::MAX).flat_map(|byte| [byte; 40]).collect()
}

/// Gives back what is sorted already, so that doing it twice is one key.
#[stage(inputs = [list], outputs = [sorted], cachers = [Bytes])]
fn sort(list: &[u8]) -> Vec<u8> {
    let mut sorted = list.to_vec();
    sorted.sort_unstable();
    sorted
}

#[stage(inputs = [list], outputs = [count], cachers = [Json])]
fn count(list: &[u8], more: usize) -> usize {
    list.len() + more
}

fn pipeline(record: &mut Record<usize>) -> Result<()> {
    raw(record)?;
    record.alias("list", "raw")?;
    for name in ["once", "twice"] {
        sort::named(record, [name])?;
        record.alias("list", name)?;
    }
    count(record, *record.params())?;
    Ok(())
}

#[test]
fn what_is_made_again_does_not_wait_for_whoever_makes_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().to_owned();
    let run = move |more: usize| {
        let experiment = Experiment::new("twins", pipeline).record("base", more);
        experiment.run(&RunOptions::new().store(&store).jobs(1)).unwrap()
    };
    assert_eq!(run(0).failed, 0);
    // All three values are one artifact. Each call that reads it runs the one before it once more, and two of
    // those are of one key.
    let damaged: Vec<_> = files_below(folder.path())
        .into_iter()
        .filter(|path| path.to_string_lossy().contains("/artifacts/"))
        .collect();
    assert_eq!(damaged.len(), 1);
    let mut bytes = fs::read(&damaged[0]).unwrap();
    bytes[100] ^= 1;
    fs::remove_file(&damaged[0]).unwrap();
    fs::write(&damaged[0], bytes).unwrap();
    let outcome = within(Duration::from_mins(1), move || run(1)).expect("it waits for itself");
    assert_eq!((outcome.failed, outcome.exit_code()), (0, 0), "{outcome:?}");
    let counted = outcome.output::<usize>("base", "count").unwrap();
    assert_eq!(*counted.load().unwrap(), 256 * 40 + 1);
}
