//! Tokens from `macro_rules!`: types come in invisible groups, and names have the macro's hygiene, also
//! `params`, which is known by its name.

use memo_runtime::prelude::*;
use memo_tests::Lab;
use serde::Serialize;

#[derive(Serialize)]
struct Params {
    rate: u64,
}

macro_rules! stages {
    ($($name:ident: $taken:ty => $returned:ty, $cacher:expr, $version:literal, $factor:expr;)*) => {$(
        #[stage(inputs = [base], outputs = [$name], cachers = [$cacher], version = $version)]
        fn $name(params: &Params, base: &$taken, more: $taken) -> $returned {
            (params.rate + *base + more) * $factor
        }
    )*};
}

stages! {
    twice: u64 => u64, Json, 1, 2;
    thrice: u64 => u64, Bincode, "b", 3;
}

macro_rules! stage_of {
    ($vis:vis fn $name:ident($($parameter:ident: $ty:ty),*) -> $returned:ty $body:block) => {
        #[stage(outputs = [$name], cachers = [Json])]
        $vis fn $name($($parameter: $ty),*) -> $returned $body
    };
}

stage_of! {
    pub(crate) fn shout(text: &str, words: &[String]) -> Result<String> {
        Ok(format!("{}{}", text.to_uppercase(), words.len()))
    }
}

#[test]
fn runs() -> Result<()> {
    let lab = Lab::new();
    let mut record = lab.record(Params { rate: 1 });
    record.insert("base", 1_u64)?;
    assert_eq!(*twice(&mut record, 1)?.load()?, 6);
    assert_eq!(*thrice(&mut record, 1)?.load()?, 9);
    assert_eq!(*shout(&mut record, "a", &[])?.load()?, "A0");
    Ok(())
}
