//! Names beyond ASCII are names of files, of inputs and of components as well.

use memo_runtime::prelude::*;
use memo_tests::Lab;

#[stage(outputs = [größe], cachers = [Json])]
fn größe(länge: u64) -> u64 {
    länge * 2
}

#[stage(inputs = [größe as ß], outputs = [表], cachers = [Json], name = "表/größe")]
fn 表(ß: &u64) -> u64 {
    ß + 1
}

#[test]
fn runs() -> Result<()> {
    let lab = Lab::new();
    let mut record = lab.record(());
    größe(&mut record, 3)?;
    assert_eq!(*表(&mut record)?.load()?, 7);
    Ok(())
}
