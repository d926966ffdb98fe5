//! The companion of a stage in a function is found beside it, not in the module; a stage may use what the
//! function declares, and two functions may have stages of one name.

use memo_runtime::Result;
use memo_tests::Lab;

#[test]
fn runs() -> Result<()> {
    use memo_runtime::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Serialize, Deserialize)]
    struct Row {
        id: usize,
    }

    const MORE: usize = 2;

    #[stage(outputs = [rows], cachers = [Csv], name = "rows of a function")]
    fn rows(count: usize) -> Vec<Row> {
        (0..count + MORE).map(|id| Row { id }).collect()
    }

    #[stage(inputs = [rows], outputs = [count], cachers = [Json])]
    fn count(rows: &[Row]) -> usize {
        #[stage(outputs = [inner])]
        fn inner(id: usize) -> usize {
            id
        }
        rows.iter().map(|row| inner::body(row.id)).max().unwrap_or(0)
    }

    let lab = Lab::new();
    let mut record = lab.record(());
    rows(&mut record, 3)?;
    assert_eq!(*count(&mut record)?.load()?, 4);
    assert_eq!(count::body(&[]), 0);
    Ok(())
}
