//! What runs elsewhere comes back while others have nothing to do.

use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use crate::error::Error;
use crate::event::Event;
use crate::executor::Executor;
use crate::prelude::*;
use crate::stage::execute::IfTaken;
use crate::stage::node::Node;

/// Runs arrays when it is looked what has become of them.
#[derive(Default)]
struct Far(Mutex<Vec<(usize, Arc<Node>)>>);

impl Executor for Far {
    fn takes(&self, node: &Node) -> bool {
        node.array.is_some()
    }

    fn check(&self, _: &[Arc<Node>]) -> Result<(), Error> {
        Ok(())
    }

    fn begin(&self, position: usize, node: &Arc<Node>) -> Result<(), Error> {
        self.0.lock().unwrap().push((position, Arc::clone(node)));
        Ok(())
    }

    fn look(&self) -> Vec<usize> {
        let begun = std::mem::take(&mut *self.0.lock().unwrap());
        for (_, node) in &begun {
            while let Some(shard) = node.table().unwrap().take() {
                node.run_shard(shard, IfTaken::Wait).unwrap();
            }
        }
        begun.into_iter().map(|(position, _)| position).collect()
    }

    fn stop(&self) {}
}

static IS_BACK: Barrier = Barrier::new(2);
static IS_DONE: Barrier = Barrier::new(2);

#[stage(outputs = [pages])]
fn pages(params: &u32) -> Vec<u32> {
    (0..*params).collect()
}

#[stage(each = [page in pages], outputs = [far], cachers = [Json])]
fn far(page: u32) -> u32 {
    page + 1
}

#[stage(inputs = [far as all], outputs = [sum], cachers = [Json])]
fn sum(all: &Shards<u32>) -> Result<u32> {
    Ok(all.collect()?.iter().sum())
}

/// Ends when the array is back, and nothing follows it.
#[stage(outputs = [beside], cachers = [Json])]
fn beside() -> u32 {
    IS_BACK.wait();
    1
}

/// Holds up whoever notes that the array has ended, until the last worker has nothing to do.
fn hold_up(event: &Event) {
    let Event::Finished { stage, .. } = event else { return };
    if stage.ends_with("::far") {
        IS_BACK.wait();
        IS_DONE.wait();
        // Time for those to leave that would.
        std::thread::sleep(Duration::from_millis(50));
    } else if stage.ends_with("::beside") {
        IS_DONE.wait();
    }
}

#[test]
fn a_run_does_not_end_while_something_comes_back() {
    let pipeline = |record: &mut Record<u32>| {
        pages(record)?;
        far(record)?;
        sum(record)?;
        beside(record)?;
        Ok(())
    };
    let folder = tempfile::tempdir().unwrap();
    let mut options = RunOptions::new().store(folder.path()).jobs(2).observer(hold_up);
    options.executor = Some(Arc::new(Far::default()));
    let outcome = super::experiment(pipeline).record("base", 3).run(&options).unwrap();
    assert_eq!((outcome.ran, outcome.failed), (4, 0), "the sum too");
}
