//! Stages of one name in different modules are different stages, and neither the module of a stage nor a
//! value of its name is in its way.

use memo_runtime::prelude::*;
use memo_tests::Lab;

mod fit {
    use memo_runtime::prelude::*;

    #[stage(outputs = [fit], cachers = [Json])]
    pub fn fit(x: u64) -> u64 {
        x
    }
}

mod other {
    use memo_runtime::prelude::*;

    #[stage(outputs = [fit], cachers = [Json])]
    pub fn fit(x: u64) -> u64 {
        x * 2
    }
}

#[stage(outputs = [fit], cachers = [Json], companion = FitAll)]
fn fit(x: u64) -> u64 {
    x * 3
}

#[test]
fn runs() -> Result<()> {
    let lab = Lab::new();
    let mut record = lab.record(());
    assert_eq!(*fit::fit(&mut record, 1)?.load()?, 1);
    assert_eq!(*other::fit(&mut record, 1)?.load()?, 2);
    let fit = fit(&mut record, 1)?;
    assert_eq!(*fit.load()?, 3);
    assert_eq!(FitAll::body(2), 6);
    Ok(())
}
