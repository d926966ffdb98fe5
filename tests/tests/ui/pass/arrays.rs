//! Array stages in every form, and stages that take all that an array gives.

use std::path::Path;

use memo_runtime::prelude::*;
use memo_runtime::{CacheKey, Error, KeyHasher, Shards};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Params {
    size: usize,
    threads: usize,
}

#[derive(Clone, Serialize, Deserialize)]
struct Page(String);

/// Elements need no serde where they say themselves how they enter a key.
#[derive(Clone)]
struct Token(u64);

impl CacheKey for Token {
    fn cache_key(&self, key: &mut KeyHasher) -> Result<(), Error> {
        key.value(&self.0)
    }
}

#[stage(
    each = [page in pages],
    inputs = [lexicon],
    outputs = [embedding, Lazy(count)],
    cachers = [Bincode],
    batch = 8,
    skip = [params.threads, verbose],
    secret = [token],
    env = ["HOME"],
    version = 2,
    retries = 2,
    retry_if = |attempt| attempt.number() < 2,
    resources(cpus = 2),
    validate = |embedding: &Vec<f64>, count: &usize| embedding.len() == *count
)]
fn embed(
    page: &Page,
    index: usize,
    params: &Params,
    ctx: &Context,
    lexicon: &[String],
    verbose: bool,
    token: &str,
) -> Result<(Vec<f64>, usize)> {
    ctx.log(format!("{index} {verbose} {}", token.len()));
    let size = params.size.min(lexicon.len()).min(page.0.len() + params.threads);
    Ok((vec![0.0; size], size))
}

#[stage(each = [embedding in embedding, label in labels], outputs = [norm])]
fn norm(embedding: &[f64], label: Option<u8>) -> f64 {
    f64::from(label.unwrap_or(0)) + embedding.iter().sum::<f64>()
}

#[stage(
    each = [text in texts, path in paths, token in tokens, pair in pairs],
    outputs = [Lazy(sizes)],
    key = |rounds| rounds / 10
)]
fn sizes(text: &str, path: &Path, token: &Token, pair: (u8, String), rounds: u64) -> Vec<u64> {
    let length = text.len() as u64 + path.as_os_str().len() as u64;
    vec![length, token.0, u64::from(pair.0), pair.1.len() as u64, rounds]
}

/// Nothing comes back.
#[stage(each = [page in pages], done = true)]
fn send(page: Page) -> Result<()> {
    if page.0.is_empty() {
        Err("an empty page")?
    }
    Ok(())
}

#[stage(each = [item in items], inputs = [items as all], outputs = [found], cachers = [Json])]
fn found<T, const N: usize>(item: &T, all: &[T]) -> bool
where
    T: PartialEq + Serialize + Send + Sync + 'static,
{
    all.iter().take(N).any(|other| other == item)
}

/// Names of the expansion's own.
#[stage(each = [element in elements, parts in elements], outputs = [call], cachers = [Json])]
fn inputs(element: &u64, parts: u64, mut index: usize, record: u64) -> u64 {
    index += 1;
    element + parts + record + index as u64
}

#[stage(inputs = [embedding, count], outputs = [sum], cachers = [Json])]
fn sum(embedding: &Shards<Vec<f64>>, count: memo_runtime::Shards<usize>, index: usize) -> usize {
    let _ = (embedding, count);
    index
}

#[stage(each = [page in pages], inputs = [embedding], outputs = [place], cachers = [Json])]
fn place(page: &Page, embedding: &Shards<Vec<f64>>) -> usize {
    let _ = embedding;
    page.0.len()
}

#[aggregate(inputs = [sums, count], outputs = [best], cachers = [Json])]
fn best(sums: Across<usize>, count: &Shards<usize>) -> usize {
    let _ = (sums, count);
    3
}

/// What is handed back, in each of the ways of calling.
fn pipeline(record: &mut Record<Params>) -> Result<()> {
    let (embeddings, counts): (Shards<Vec<f64>>, Shards<usize>) = embed(record, true, "token")?;
    let norms: Shards<f64> = norm::named(record, ["norms"])?;
    let call: memo_runtime::Call<Shards<Vec<u64>>> = sizes::start(record, 3)?;
    let (): () = send(record)?;
    let _: (Shards<bool>, Shards<u64>) = (found::<u64, 2>(record)?, inputs(record, 3)?);
    let _: (Lazy<usize>, Shards<usize>) = (sum(record, 3)?, place(record)?);
    drop((embeddings, counts, norms, call));
    Ok(())
}

#[test]
fn the_functions_stay_callable() {
    assert_eq!(inputs::body(&1, 2, 3, 4), 11);
    assert!(found::body::<_, 2>(&3, &[1, 3]));
    assert_eq!(norm::body(&[0.5, 0.5], Some(1)), 2.0);
    assert_eq!(size_of_val(&pipeline) + size_of_val(&best::body), 0);
}
