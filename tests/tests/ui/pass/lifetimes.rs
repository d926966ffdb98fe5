//! Lifetimes of the signature: those of inputs and params are gone in the signature of a call, and one
//! that is left over would be an error.

use std::path::Path;

use memo_runtime::prelude::*;
use memo_tests::Lab;

#[stage(outputs = [label], cachers = [Text])]
fn label<'a, 'b: 'a>(params: &'a String, text: &'b str) -> String {
    let longer: &'a str = if params.len() > text.len() { params } else { text };
    longer.to_owned()
}

#[stage(inputs = [label], outputs = [lengths], cachers = [Json])]
fn lengths<'a>(label: &'a String, words: &'a [String], path: &'a Path) -> (usize, usize, usize) {
    (label.len(), words.len(), path.as_os_str().len())
}

#[stage(inputs = [label], outputs = [shown], cachers = [Text])]
fn shown<'a>(params: &'a String, label: Option<&'a String>) -> String
where
    'a: 'a,
{
    label.unwrap_or(params).clone()
}

#[stage(outputs = [name])]
fn name(text: &'static str) -> &'static str {
    text
}

#[stage(outputs = [called], skip = [callback])]
fn called(callback: fn(&str) -> usize) -> usize {
    callback("abc")
}

#[test]
fn runs() -> Result<()> {
    let lab = Lab::new();
    let mut record = lab.record("base".to_owned());
    let text = String::from("longer");
    label(&mut record, &text)?;
    assert_eq!(*lengths(&mut record, &["a".to_owned()], Path::new("ab"))?.load()?, (6, 1, 2));
    assert_eq!(*shown(&mut record)?.load()?, "longer");
    assert_eq!(*name(&mut record, "abc")?.load()?, "abc");
    assert_eq!(*called(&mut record, str::len)?.load()?, 3);
    Ok(())
}
