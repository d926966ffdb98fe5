//! Shards that are made anew on purpose: what counts afterwards is what was made last.

use memo_runtime::prelude::*;
use memo_runtime::{Experiment, RunOptions};
use memo_tests::Lab;

use super::{Count, ran};

#[stage(each = [x in xs], outputs = [y], cachers = [Json], skip = [count], code = manual)]
fn counted(x: &u64, count: Count) -> u64 {
    x * 1000 + count.next()
}

#[stage(each = [x in xs], outputs = [y], cachers = [Json], skip = [count], code = manual, rerun = true)]
fn always(x: &u64, count: Count) -> u64 {
    x * 1000 + count.next()
}

fn experiment(count: &Count) -> Experiment<()> {
    let count = count.clone();
    let declare = move |record: &mut Record<()>| {
        record.insert("xs", vec![1_u64, 2])?;
        counted(record, count.clone())?;
        Ok(())
    };
    Experiment::new("counted", declare).record("base", ())
}

#[test]
fn what_was_forced_is_found_afterwards() {
    let (lab, count) = (Lab::new(), Count::default());
    let values = |options: RunOptions| {
        let outcome = experiment(&count).run(&options.jobs(1)).unwrap();
        outcome.shards::<u64>("base", "y").unwrap().collect().unwrap()
    };
    assert_eq!(values(lab.options()), [1000, 2001]);
    assert_eq!(values(lab.options()), [1000, 2001]);
    assert_eq!(values(lab.options().force(["counted"])), [1002, 2003]);
    assert_eq!(values(lab.options()), [1002, 2003]);
    assert_eq!(values(lab.options().force(["counted"])), [1004, 2005]);
    assert_eq!(values(lab.options()), [1004, 2005]);
    // What is not cached leaves no trace.
    assert_eq!(values(lab.options().no_cache(["counted"])), [1006, 2007]);
    assert_eq!(values(lab.options()), [1004, 2005]);
}

#[test]
fn what_runs_each_time_gives_what_it_gave_last() {
    let (lab, count) = (Lab::new(), Count::default());
    for round in 0..3 {
        let mut record = lab.record(());
        record.insert("xs", vec![1_u64, 2]).unwrap();
        let ys = always(&mut record, count.clone()).unwrap();
        let mut made = ys.collect().unwrap();
        made.iter_mut().for_each(|y| *y %= 1000);
        made.sort_unstable();
        assert_eq!(made, [2 * round, 2 * round + 1]);
        assert_eq!(ran(&lab, "always"), [0, 1]);
    }
}
