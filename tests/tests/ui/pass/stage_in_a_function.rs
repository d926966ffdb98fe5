//! The companion of a stage in a function must be found from the wrapper beside it, not from the module.

use memo_runtime::Result;
use memo_tests::Lab;

fn main() -> Result<()> {
    use memo_runtime::prelude::*;

    #[stage(outputs = [count], cachers = [Json])]
    fn count(words: &[String]) -> usize {
        words.len()
    }

    let lab = Lab::new();
    let mut record = lab.record(());
    assert_eq!(*count(&mut record, &["a".to_owned()])?.load()?, 1);
    assert_eq!(count::body(&[]), 0);
    Ok(())
}
