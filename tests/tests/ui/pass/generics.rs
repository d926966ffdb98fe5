//! Generic stages: bounds and `where` clauses are on all generated functions, and `f::<A>(..)` names the
//! user's parameters only.

use memo_runtime::prelude::*;
use memo_tests::Lab;
use serde::Serialize;
use serde::de::DeserializeOwned;

trait Scale {
    const FACTOR: u64;
}

struct Twice;
struct Thrice;

impl Scale for Twice {
    const FACTOR: u64 = 2;
}

impl Scale for Thrice {
    const FACTOR: u64 = 3;
}

#[stage(outputs = [scaled], cachers = [Json])]
fn scaled<S: Scale>(x: u64) -> u64 {
    x * S::FACTOR
}

#[stage(inputs = [scaled], outputs = [rows], cachers = [Json])]
fn repeat<T, const N: usize>(scaled: &u64, value: T) -> Result<Vec<T>>
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    Vec<T>: Clone,
{
    Ok(vec![value; N + usize::try_from(*scaled)?])
}

#[stage(outputs = [array], cachers = [Bincode])]
fn array<const N: usize, const UP: bool>() -> [u8; 2] {
    if UP { [N as u8; 2] } else { [0; 2] }
}

#[stage(outputs = [seed], cachers = [Json])]
fn seed<P: Seeded>(params: &P) -> u64 {
    params.seed()
}

trait Seeded: Serialize + Send + Sync + 'static {
    fn seed(&self) -> u64;
}

impl Seeded for u64 {
    fn seed(&self) -> u64 {
        *self
    }
}

#[test]
fn runs() -> Result<()> {
    let lab = Lab::new();
    let mut record = lab.record(7_u64);
    assert_eq!(*scaled::<Twice>(&mut record, 2)?.load()?, 4);
    assert_eq!(*scaled::<Thrice>(&mut record, 2)?.load()?, 6);
    assert_eq!(repeat::<_, 1>(&mut record, "a".to_owned())?.load()?.len(), 7);
    assert_eq!(repeat::named::<u8, 0>(&mut record, ["more"], 3)?.load()?.len(), 6);
    assert_eq!(*array::<3, true>(&mut record)?.load()?, [3, 3]);
    assert_eq!(*array::<3, false>(&mut record)?.load()?, [0, 0]);
    assert_eq!(*seed::<u64>(&mut record)?.load()?, 7);
    assert_eq!(scaled::body::<Twice>(1), 2);
    assert_eq!(lab.ran(), ["scaled", "scaled", "repeat", "repeat", "array", "array", "seed"]);
    Ok(())
}
