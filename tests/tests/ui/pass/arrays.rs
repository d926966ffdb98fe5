//! Array stages in every form, and stages that take all that an array gives.

use std::path::{Path, PathBuf};

use memo_runtime::prelude::*;
use memo_runtime::{CacheKey, Error, KeyHasher};
use memo_tests::Lab;
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

/// Keywords as names, and a lifetime that calls do not have.
#[stage(each = [r#type in r#match], outputs = [r#loop], cachers = [Json])]
fn r#fn<'a>(r#type: &'a str, verbose: bool) -> bool {
    let text: &'a str = r#type;
    verbose && text.is_empty()
}

#[stage(inputs = [embedding, count], outputs = [sum], cachers = [Json])]
fn sum(
    embedding: &Shards<Vec<f64>>,
    count: memo_runtime::Shards<usize>,
    index: usize,
) -> Result<usize> {
    embedding.collect()?;
    Ok(count.collect()?.into_iter().sum::<usize>() + index)
}

#[stage(each = [page in pages], inputs = [embedding], outputs = [place], cachers = [Json])]
fn place(page: &Page, embedding: &Shards<Vec<f64>>) -> Result<usize> {
    Ok(page.0.len() + embedding.len()?)
}

#[aggregate(inputs = [sums, count], outputs = [best], cachers = [Json])]
fn best(sums: Across<usize>, count: &Shards<usize>) -> usize {
    let _ = (sums, count);
    3
}

#[stage(outputs = [tokens])]
fn tokens() -> Vec<Token> {
    vec![Token(3)]
}

#[test]
fn runs() -> Result<()> {
    let lab = Lab::new();
    let record = &mut lab.record(Params { size: 2, threads: 1 });
    let texts = ["a", "bc"].map(str::to_owned);
    record.insert("pages", texts.clone().map(Page).to_vec())?;
    record.insert("lexicon", texts.to_vec())?;
    record.insert("labels", vec![None, Some(7_u8)])?;
    let (embeddings, counts): (Shards<Vec<f64>>, Shards<usize>) = embed(record, true, "token")?;
    assert_eq!((embeddings.len()?, counts.collect()?), (2, vec![2, 2]));
    let norms: Shards<f64> = norm::named(record, ["norms"])?;
    assert_eq!(norms.collect()?, [0.0, 7.0]);

    record.insert("texts", vec!["abc".to_owned()])?;
    record.insert("paths", vec![PathBuf::from("ab")])?;
    record.insert("pairs", vec![(1_u8, "a".to_owned())])?;
    tokens(record)?;
    let call: memo_runtime::Call<Shards<Vec<u64>>> = sizes::start(record, 3)?;
    assert_eq!(call.wait()?.collect()?, [[5, 3, 1, 1, 3]]);

    let (): () = send(record)?;
    record.insert("items", vec![5_u64, 6, 5])?;
    assert_eq!(found::<u64, 1>(record)?.collect()?, [true, false, true]);
    record.insert("elements", vec![10_u64, 20])?;
    assert_eq!(inputs(record, 100)?.collect()?, [121, 142]);
    record.insert("match", texts.to_vec())?;
    let empty: Shards<bool> = r#fn::named(record, ["r#loop"], true)?;
    assert_eq!(empty.collect()?, [false, false]);
    let (sum, place): (Lazy<usize>, Shards<usize>) = (sum(record, 3)?, place(record)?);
    assert_eq!((*sum.load()?, place.collect()?), (4 + 3, vec![3, 4]));
    Ok(())
}

#[test]
fn bodies_stay_callable() {
    assert_eq!(inputs::body(&1, 2, 3, 4), 11);
    assert!(found::body::<_, 2>(&3, &[1, 3]));
    assert_eq!(norm::body(&[0.5, 0.5], Some(1)), 2.0);
    assert_eq!(size_of_val(&best::body), 0);
}
