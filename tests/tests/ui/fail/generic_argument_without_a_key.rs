use memo_runtime::prelude::*;

#[stage(outputs = [length], cachers = [Json])]
fn length<T: Clone + Send + Sync + 'static>(text: T) -> usize {
    size_of_val(&text)
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    length(record, 3_u64)?;
    Ok(())
}

fn main() {}
