//! Calls with arguments, on a record of one's own: a service that wakes up every hour and wants the
//! day's rates executes the stage once a day. With `cache = false` it executes every time.
//!
//! ```text
//! cargo run --release --bin cached_calls
//! ```

use std::sync::atomic::{AtomicUsize, Ordering};

use memo_runtime::prelude::*;

static KEPT: AtomicUsize = AtomicUsize::new(0);
static FRESH: AtomicUsize = AtomicUsize::new(0);

/// `date` is neither an input nor `params`, so it is a call argument: a new date is a new key.
#[stage(outputs = [rates], cachers = [Json])]
fn rates(date: &str) -> Vec<u32> {
    KEPT.fetch_add(1, Ordering::Relaxed);
    look_up(date)
}

/// The same, but never kept.
#[stage(outputs = [rates], cache = false)]
fn fresh_rates(date: &str) -> Vec<u32> {
    FRESH.fetch_add(1, Ordering::Relaxed);
    look_up(date)
}

/// Stands for something slow.
fn look_up(date: &str) -> Vec<u32> {
    date.bytes().map(u32::from).collect()
}

/// Ticks six times on each of three days, and returns how often each stage was executed.
fn ticks(store: &Store) -> Result<(usize, usize)> {
    let mut record = Record::new(store, "service", ());
    for date in ["2026-03-01", "2026-03-02", "2026-03-03"] {
        for _hour in 0..6 {
            let kept = rates(&mut record, date)?.load()?;
            let fresh = fresh_rates(&mut record, date)?.load()?;
            assert_eq!(kept, fresh);
        }
    }
    Ok((KEPT.load(Ordering::Relaxed), FRESH.load(Ordering::Relaxed)))
}

fn main() -> Result<()> {
    // A folder that goes away, so that every run of this example starts anew. With `.memo` in its
    // place a second run would execute `rates` not once.
    let folder = tempfile::tempdir()?;
    let (kept, fresh) = ticks(&Store::open(folder.path())?)?;
    println!("18 calls on 3 days: `rates` executed {kept} times, `fresh_rates` {fresh} times");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_date_or_each_time() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(ticks(&Store::open(folder.path()).unwrap()).unwrap(), (3, 18));
    }
}
