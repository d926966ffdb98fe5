//! Arguments that serde does not know, that are not `Sized`, or that nothing but `skip` keeps out of the key.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use memo_runtime::prelude::*;
use memo_runtime::{CacheKey, Error, KeyHasher};
use memo_tests::Lab;
use serde::Serialize;

#[derive(Clone)]
struct Tokenizer(String);

impl CacheKey for Tokenizer {
    fn cache_key(&self, key: &mut KeyHasher) -> Result<(), Error> {
        key.value(&self.0)
    }
}

#[derive(Clone)]
struct Pool;

#[stage(outputs = [unsized_ones], cachers = [Json])]
fn unsized_ones(a: &str, b: &[u64], c: &Path, d: &OsStr, e: &[Tokenizer]) -> usize {
    a.len() + b.len() + c.as_os_str().len() + d.len() + e.len()
}

#[stage(outputs = [skipped], cachers = [Json], skip = [pool, callback, more])]
fn skipped(pool: &Pool, callback: Arc<dyn Fn(u64) -> u64 + Send + Sync>, more: fn() -> u64) -> u64 {
    let Pool = pool;
    callback(1) + more()
}

#[stage(outputs = [tokens], cachers = [Json])]
fn tokens(
    one: Tokenizer,
    lent: &Tokenizer,
    perhaps: Option<Tokenizer>,
    shared: Arc<Tokenizer>,
) -> usize {
    one.0.len() + lent.0.len() + usize::from(perhaps.is_some()) + shared.0.len()
}

#[stage(outputs = [size], cachers = [Json])]
fn size<T: Clone + Serialize + Send + Sync + 'static>(
    value: &T,
    set: HashSet<T>,
    _ignored: [T; 0],
) -> usize {
    size_of_val(value) + set.len()
}

#[stage(outputs = [projected], cachers = [Json], key = |pool| size_of_val(pool))]
fn projected(pool: Pool) -> usize {
    size_of_val(&pool)
}

#[test]
fn runs() -> Result<()> {
    let lab = Lab::new();
    let mut record = lab.record(());
    let tokenizer = Tokenizer("a".to_owned());
    let sum = unsized_ones(
        &mut record,
        "a",
        &[1],
        Path::new("a"),
        OsStr::new("a"),
        std::slice::from_ref(&tokenizer),
    )?;
    assert_eq!(*sum.load()?, 5);
    assert_eq!(*skipped(&mut record, &Pool, Arc::new(|x| x + 1), || 3)?.load()?, 5);
    let all =
        tokens(&mut record, tokenizer.clone(), &tokenizer, None, Arc::new(tokenizer.clone()))?;
    assert_eq!(*all.load()?, 3);
    assert_eq!(*size(&mut record, &1_u8, HashSet::new(), [])?.load()?, 1);
    assert_eq!(*projected(&mut record, Pool)?.load()?, 0);
    Ok(())
}
