//! Names that are keywords: as strings they lose their `r#`, as identifiers they must keep it.

use memo_runtime::prelude::*;
use memo_tests::Lab;
use serde::Serialize;

#[derive(Serialize)]
struct Params {
    r#type: u64,
    r#fn: u64,
}

#[stage(outputs = [r#loop], cachers = [Json], skip = [params.r#fn, r#while])]
fn r#match(params: &Params, r#use: u64, r#while: &str) -> u64 {
    params.r#type + params.r#fn + r#use + r#while.len() as u64
}

#[stage(inputs = [r#loop as r#in], outputs = [r#mod, Lazy(r#move)], cachers = [Json], secret = [r#as])]
fn r#enum(r#in: &u64, r#as: u64) -> (u64, u64) {
    (r#in + r#as, *r#in)
}

#[stage(inputs = [r#mod], outputs = [r#impl], cachers = [Json], companion = r#struct)]
fn r#trait(r#mod: Option<&u64>) -> bool {
    r#mod.is_some()
}

#[test]
fn runs() -> Result<()> {
    let lab = Lab::new();
    let mut record = lab.record(Params { r#type: 1, r#fn: 2 });
    assert_eq!(*r#match(&mut record, 3, "a")?.load()?, 7);
    assert_eq!(*record.get::<u64>("loop")?.load()?, 7);
    let (r#mod, _) = r#enum(&mut record, 1)?;
    assert_eq!(*r#mod.load()?, 8);
    assert_eq!(*record.get::<u64>("move")?.load()?, 7);
    assert!(*r#trait(&mut record)?.load()?);
    assert!(!r#struct::body(None));
    assert_eq!(lab.ran(), ["match", "enum", "trait"]);
    Ok(())
}
