//! Types that look like another form than they are: a parenthesised `Result`, one by its path, one with
//! its own error, a tuple as one output, `()` in all its forms.

use memo_runtime::prelude::*;
use memo_tests::Lab;

mod anyhow {
    pub type Result<T, E = String> = std::result::Result<T, E>;
}

#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

#[stage(outputs = [a], cachers = [Json])]
fn tuple_as_one() -> (u64, String) {
    (1, "a".to_owned())
}

#[stage(outputs = [a], cachers = [Json])]
fn tuple_of_one() -> Result<(u64,)> {
    Ok((1,))
}

#[rustfmt::skip]
#[allow(unused_parens)]
#[stage(outputs = [a, b], cachers = [Json])]
fn parenthesised() -> (Result<((u64), (String))>) {
    Ok((1, "a".to_owned()))
}

#[stage(outputs = [a], cachers = [Json])]
fn by_path() -> std::result::Result<u64, Broken> {
    Ok(1)
}

#[stage(outputs = [a], cachers = [Json])]
fn alias_by_path() -> self::anyhow::Result<u64> {
    Ok(1)
}

#[stage(outputs = [a])]
fn result_as_a_value() -> Result<std::result::Result<u64, Broken>, &'static str> {
    Ok(Err(Broken))
}

#[stage(outputs = [a], cachers = [Json])]
fn option() -> Option<u64> {
    Some(1)
}

#[stage]
fn unit() -> () {}

#[stage(outputs = [], cache = false)]
fn fallible_unit() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Ok(())
}

#[stage(done = true)]
fn diverges() -> Result<()> {
    if std::env::args().count() > 99 {
        return Err("many".into());
    }
    let early = || -> Option<u64> { Some(None::<u64>? + 1) };
    assert!(early().is_none());
    Ok(())
}

#[stage(outputs = [a, b, c, d, e, f], cachers = [Json])]
fn many() -> (u8, u8, u8, u8, u8, u8) {
    (1, 2, 3, 4, 5, 6)
}

#[test]
fn runs() -> Result<()> {
    let lab = Lab::new();
    let mut record = lab.record(());
    assert_eq!(tuple_as_one(&mut record)?.load()?.0, 1);
    assert_eq!(tuple_of_one(&mut record)?.load()?.0, 1);
    assert_eq!(*parenthesised(&mut record)?.1.load()?, "a");
    assert_eq!(*by_path(&mut record)?.load()? + *alias_by_path(&mut record)?.load()?, 2);
    assert!(result_as_a_value(&mut record)?.load()?.is_err());
    assert_eq!(*option(&mut record)?.load()?, Some(1));
    unit(&mut record)?;
    fallible_unit(&mut record)?;
    diverges(&mut record)?;
    assert_eq!(*many(&mut record)?.5.load()?, 6);
    Ok(())
}
