//! Who is told of calls that were found.

use memo_runtime::testing::Recorder;
use memo_runtime::{Context, Event, Observer};

use crate::common::*;

/// Wants no hits.
struct Misses(Recorder);

impl Observer for Misses {
    fn event(&self, event: &Event) {
        self.0.event(event);
    }

    fn wants_hits(&self) -> bool {
        false
    }
}

#[stage(outputs = [sum], cachers = [Json])]
fn sum(params: &u32, ctx: &Context) -> u32 {
    ctx.log("adds");
    params + 1
}

fn record(
    lab: &Lab,
    observers: impl FnOnce(memo_runtime::StoreOptions) -> memo_runtime::StoreOptions,
) {
    let store = observers(Store::options()).open(lab.store_path()).unwrap();
    sum(&mut Record::new(&store, "base", 1)).unwrap();
}

#[test]
fn hits_are_told_where_an_observer_wants_them() {
    let lab = Lab::new();
    let misses = Recorder::new();
    record(&lab, |options| options.observer(Misses(misses.clone())));
    assert_eq!(misses.ran(), ["sum"], "a miss is told to everybody");
    record(&lab, |options| options.observer(Misses(misses.clone())));
    assert_eq!(misses.lines(), Vec::<String>::new());

    record(&lab, |options| options.observer(Misses(misses.clone())).observer(lab.recorder()));
    let all = lab.lines();
    assert!(all.iter().any(|line| line.contains("hit")), "{all:?}");
    assert_eq!(misses.lines(), all);

    let store = Store::options().observer(Misses(misses.clone())).open(lab.store_path()).unwrap();
    store.observe(lab.recorder());
    sum(&mut Record::new(&store, "base", 1)).unwrap();
    assert_eq!(lab.lines(), all);
}
