//! A crate that hands `memo-runtime` on: nothing may be looked for at `::memo_runtime`.

mod lab {
    pub mod memo {
        pub use memo_runtime::*;
    }
}

use lab::memo::prelude::*;
use lab::memo::{self, stage};

#[stage(outputs = [count, Lazy(half)], crate = self::lab::memo, retries = 1)]
fn count(params: &u64, words: &[String]) -> Result<(u64, u64)> {
    Ok((*params + words.len() as u64, *params / 2))
}

#[stage(inputs = [count], outputs = [more], cachers = [Json], crate = memo)]
fn more(count: &u64) -> u64 {
    count + 1
}

#[memo::aggregate(inputs = [more], outputs = [best], crate = memo)]
fn best(more: Across<u64>) -> u64 {
    more.iter().count() as u64
}

#[test]
fn runs() -> Result<()> {
    let lab = memo_tests::Lab::new();
    let mut record = lab.record(3_u64);
    count(&mut record, &[])?;
    assert_eq!(*more(&mut record)?.load()?, 4);
    let _ = best::body;
    Ok(())
}
