use memo_runtime::prelude::*;

#[stage(outputs = [train], cachers = [Json], retries = 3, retry_if = is_network)]
fn split(rows: u64) -> Vec<u64> {
    (0..rows).collect()
}

fn is_network(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::TimedOut
}

fn pipeline(record: &mut Record<()>) -> Result<()> {
    split(record, 3)?;
    Ok(())
}

fn main() {}
