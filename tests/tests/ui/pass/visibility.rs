//! The companion is as visible as the function, and both come along with a `use`, whatever its name.

#![deny(warnings, private_interfaces, private_bounds, unreachable_pub)]

use memo_runtime::prelude::*;
use memo_tests::Lab;

mod steps {
    pub(crate) mod first {
        use memo_runtime::prelude::*;

        #[stage(outputs = [a], cachers = [Json])]
        pub(crate) fn a(x: u64) -> u64 {
            x
        }

        #[stage(inputs = [a], outputs = [b], cachers = [Json])]
        pub(in super::super) fn b(a: &u64) -> u64 {
            a + 1
        }

        struct Hidden;

        #[stage(outputs = [hidden])]
        fn hidden() -> Hidden {
            Hidden
        }

        pub(in super::super) fn check(record: &mut Record<()>) -> Result<()> {
            hidden(record)?;
            let Hidden = hidden::body();
            Ok(())
        }
    }

    pub(crate) use first::a as renamed;
    use memo_runtime::prelude::*;

    pub(super) fn run(record: &mut Record<()>) -> Result<u64> {
        first::check(record)?;
        first::b(record)?;
        Ok(*first::b::named(record, ["c"])?.load()?)
    }
}

use steps::first::*;
use steps::renamed as again;

#[test]
fn runs() -> Result<()> {
    let lab = Lab::new();
    let mut record = lab.record(());
    again(&mut record, 3)?;
    a::named(&mut record, ["other"], 4)?;
    assert_eq!(again::body(3) + a::body(1), 4);
    assert_eq!(steps::run(&mut record)?, 4);
    Ok(())
}
