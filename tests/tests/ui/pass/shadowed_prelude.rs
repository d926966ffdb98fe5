//! Types and macros of the user's that are called like those of the expansion must not get into it.

#![allow(dead_code, unused_macros)]

use memo_runtime::{Csv, Json, Record, stage};
use memo_tests::Lab;

struct Option;
struct Result;
struct Box;
struct String;
struct Vec;
struct Arc;
struct Cow;
struct Lazy;
struct Error;
struct Into;
struct Clone;
struct ToOwned;
struct Borrow;
struct Send;
struct Sync;
struct Fn;
struct Call;
struct StageSpec;
struct Some;
struct None;
struct Ok;
struct Err;

mod std {}
mod core {}
mod alloc {}
mod memo {}
mod rt {}
mod __private {}

macro_rules! concat {
    () => {};
}
macro_rules! module_path {
    () => {};
}
macro_rules! file {
    () => {};
}
macro_rules! line {
    () => {};
}
macro_rules! unreachable {
    () => {};
}

#[stage(outputs = [names, Lazy(count)], cachers = [Csv, Json], retries = 1, version = 2)]
fn names(text: &str) -> (::std::vec::Vec<u64>, u64) {
    (::std::vec![text.len() as u64], 1)
}

#[stage(inputs = [names, count], outputs = [total])]
fn total(
    names: &[u64],
    count: ::std::option::Option<&u64>,
) -> ::std::result::Result<u64, ::std::string::String> {
    ::std::result::Result::Ok(names.iter().sum::<u64>() + count.copied().unwrap_or(0))
}

#[stage(done = true)]
fn announce() {}

fn pipeline(record: &mut Record<()>) -> ::memo_runtime::Result<()> {
    names(record, "abc")?;
    assert_eq!(*total(record)?.load()?, 4);
    announce(record).map_err(::std::convert::Into::into)
}

#[test]
fn runs() -> ::memo_runtime::Result<()> {
    let lab = Lab::new();
    pipeline(&mut lab.record(()))
}
