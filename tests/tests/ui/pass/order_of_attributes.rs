//! Attributes before and after `#[stage]`, each on the item that it is about: `cfg` on all of them, docs on
//! the call, `inline` and `expect` on the body.

#![deny(warnings)]

use memo_runtime::prelude::*;
use memo_tests::Lab;

#[allow(clippy::many_single_char_names)]
#[stage(outputs = [square], cachers = [Json])]
#[inline]
#[must_use]
#[expect(unused_variables)]
/// Docs behind the attribute.
fn square(x: u64, y: u64) -> u64 {
    x * x
}

#[cfg(any())]
#[stage(outputs = [gone], cachers = [DoesNotExist])]
fn gone(x: Missing) -> u64 {
    x
}

#[stage(outputs = [gone], cachers = [DoesNotExist])]
#[cfg(any())]
fn gone(x: Missing) -> u64 {
    x
}

#[cfg_attr(all(), stage(outputs = [cube], cachers = [Json]))]
#[cfg_attr(all(), inline(never), doc = "Docs.")]
fn cube(x: u64) -> u64 {
    x * x * x
}

#[stage(outputs = [half], cachers = [Json])]
#[doc(hidden)]
#[cold]
#[deprecated(note = "use `third`")]
pub fn half(#[allow(unused_variables)] x: u64, mut y: u64) -> u64 {
    y += 1;
    y / 2
}

#[stage()]
fn nothing() {}

#[stage]
fn nothing_at_all() {}

#[stage(inputs = [], outputs = [three,], cachers = [Json,], skip = [], env = [],)]
fn three() -> u64 {
    3
}

#[::memo_runtime::stage(outputs = [four], cachers = [::memo_runtime::Json])]
fn four() -> u64 {
    4
}

#[test]
fn runs() -> Result<()> {
    let lab = Lab::new();
    let mut record = lab.record(());
    assert_eq!(*square(&mut record, 3, 4)?.load()?, 9);
    assert_eq!(*cube(&mut record, 3)?.load()?, 27);
    #[expect(deprecated)]
    half(&mut record, 1, 2)?;
    nothing(&mut record)?;
    nothing_at_all(&mut record)?;
    assert_eq!(*three(&mut record)?.load()? + *four(&mut record)?.load()?, 7);
    Ok(())
}
