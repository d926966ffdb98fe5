//! Nothing in the expansion may come from a prelude: not types, not traits, not the built-in macros.

#![no_implicit_prelude]

use ::memo_runtime::{Across, Json, aggregate, stage};

#[stage(outputs = [count, Lazy(half)], cachers = [Json], env = ["HOME"], validate = is_small)]
fn count(params: &u64, words: &[u64], label: &str, rounds: u64) -> (u64, u64) {
    let _ = (label, words);
    (*params * rounds, *params / 2)
}

fn is_small(count: &u64, half: &u64) -> bool {
    *half <= *count
}

#[stage(inputs = [count, half], outputs = [sum])]
fn sum<T: ::core::marker::Send + ::core::marker::Sync + 'static>(
    count: u64,
    half: ::core::option::Option<&u64>,
) -> u64 {
    match half {
        ::core::option::Option::Some(half) => count + *half,
        ::core::option::Option::None => count,
    }
}

#[aggregate(inputs = [sum], outputs = [best], cachers = [Json])]
fn best(sum: Across<u64>) -> u64 {
    let _ = sum;
    3
}

#[stage(done = true)]
fn announce() {}

#[::core::prelude::v1::test]
fn runs() {
    let lab = ::memo_tests::Lab::new();
    let mut record = lab.record(4_u64);
    let _ = count(&mut record, &[1], "a", 2);
    let _ = sum::<u8>(&mut record);
    let _ = announce(&mut record);
    let _ = best::body;
}
