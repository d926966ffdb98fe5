//! A crate that denies all it can must not hear of what is generated.

#![deny(warnings, keyword_idents, let_underscore, nonstandard_style, rust_2018_idioms, unused)]
#![deny(
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    let_underscore_drop,
    meta_variable_misuse,
    missing_abi,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    redundant_imports,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unused_import_braces,
    unused_lifetimes,
    unused_macro_rules,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]
#![deny(
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::unwrap_used,
    clippy::missing_docs_in_private_items
)]
#![forbid(unsafe_code)]

use memo_runtime::prelude::*;
use memo_tests::Lab;
use serde::Serialize;

/// Params.
#[derive(Clone, Copy, Debug, Serialize)]
struct Params {
    rate: u64,
    threads: u64,
}

/// All that can be asked for.
#[stage(
    outputs = [rows, Lazy(count)],
    cachers = [Csv, Json],
    skip = [params.threads],
    secret = [token],
    key = |rounds| rounds / 10,
    validate = |rows: &Vec<u64>, count: &u64| rows.len() as u64 == *count,
    retries = 2,
    retry_if = |attempt| attempt.number() < 2,
    env = ["HOME"]
)]
fn rows(params: &Params, ctx: &Context, rounds: u64, token: &str) -> Result<(Vec<u64>, u64)> {
    ctx.log(format!("{rounds} rounds, {} threads", params.threads));
    let rows: Vec<u64> = (0..rounds * params.rate + token.len() as u64).collect();
    let count = u64::try_from(rows.len())?;
    Ok((rows, count))
}

/// Every form of input.
#[stage(inputs = [rows, count, rows as again, absent], outputs = [sum], cachers = [Json])]
fn sum(rows: &[u64], count: u64, again: Lazy<Vec<u64>>, absent: Option<&u64>) -> Result<u64> {
    Ok(rows.iter().sum::<u64>() + count + again.load()?.len() as u64 + absent.copied().unwrap_or(0))
}

/// Generic.
#[stage(outputs = [size], cachers = [Json])]
fn size<T: Send + Sync + 'static, const N: usize>(_unused: u64) -> usize {
    size_of::<T>() * N
}

/// Nothing comes back.
#[stage(done = true)]
fn announce(text: &str) {
    assert!(!text.is_empty());
}

/// Across records.
#[aggregate(inputs = [sum], outputs = [best], cachers = [Json])]
fn best(sum: Across<u64, Params>) -> Result<u64> {
    let mut best = 0;
    for item in &sum {
        best = best.max(*item.load()? * item.params().rate);
    }
    Ok(best)
}

/// An array.
#[stage(
    each = [element in elements, other in others],
    inputs = [count],
    outputs = [product, Lazy(place)],
    cachers = [Json],
    batch = 2
)]
fn product(element: &str, other: u64, count: u64, index: usize) -> Result<(u64, usize)> {
    Ok((element.parse::<u64>()?.checked_mul(other).ok_or("too big")? + count, index))
}

/// Of what an array gives.
#[stage(inputs = [product, place], outputs = [nothing])]
fn whole(product: &Shards<u64>, place: Shards<usize>) -> u64 {
    drop(place);
    u64::try_from(size_of_val(product)).unwrap_or(0)
}

mod inner {
    use memo_runtime::prelude::*;

    /// Seen from above only, and not always called.
    #[stage(outputs = [three], cachers = [Json])]
    pub(super) fn three() -> u64 {
        3
    }
}

#[test]
fn runs() -> Result<()> {
    let lab = Lab::new();
    let mut record = lab.record(Params { rate: 1, threads: 2 });
    let _rows = rows(&mut record, 3, "a")?;
    assert_eq!(*sum(&mut record)?.load()?, 14);
    assert_eq!(*size::<u64, 2>(&mut record, 0)?.load()?, 16);
    announce(&mut record, "a")?;
    assert_eq!(*inner::three(&mut record)?.load()?, 3);
    assert_eq!(size_of_val(&best::body) + size_of_val(&whole::body), 0);
    assert_eq!(product::body("2", 3, 4, 5)?, (10, 5));
    Ok(())
}
