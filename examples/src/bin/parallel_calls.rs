//! Calls that do not wait: a loop that ticks, starts what a tick is about, and looks again later.
//!
//! Each tick wants the prices of one day and a summary of them. `start` returns at once, so the loop goes
//! on ticking while both are made. A day that comes again starts nothing: it is under way, or there. Run
//! it twice: the second run finds everything.
//!
//! ```text
//! cargo run --release --bin parallel_calls
//! ```

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use memo_runtime::prelude::*;
use memo_runtime::{Call, CallStatus, Error};

static DOWNLOADS: AtomicUsize = AtomicUsize::new(0);

/// Stands for something slow.
#[stage(outputs = [prices], cachers = [Json])]
fn download(day: u32) -> Vec<u32> {
    DOWNLOADS.fetch_add(1, Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(30));
    (1..=day).map(|hour| hour * day).collect()
}

#[stage(inputs = [prices], outputs = [summary], cachers = [Json])]
fn summarize(prices: &[u32]) -> String {
    format!("{} prices, {} in all", prices.len(), prices.iter().sum::<u32>())
}

type Summary = Call<Lazy<String>>;

/// Starts what a day needs. Neither call is waited for, though one reads what the other makes.
fn start(record: &mut Record<()>, day: u32) -> Result<Summary, Error> {
    download::start(record, day)?;
    summarize::start(record)
}

/// Ticks until every day has its summary, and returns the summaries and the number of ticks.
fn ticks(store: &Store, days: &[u32]) -> Result<(Vec<String>, usize)> {
    let mut record = Record::new(store, "service", ());
    let (mut open, mut ticks): (Vec<(u32, Summary)>, _) = (Vec::new(), 0);
    let mut days = days.iter();
    let mut summaries = Vec::new();
    loop {
        if let Some(&day) = days.next() {
            open.push((day, start(&mut record, day)?));
        }
        for (day, call) in std::mem::take(&mut open) {
            match call.status() {
                CallStatus::Succeeded { .. } => {
                    let summary = call.wait()?.load()?;
                    println!("tick {ticks}: day {day} has {summary}");
                    summaries.push(String::clone(&summary));
                    continue;
                }
                CallStatus::Pending { .. } => println!("tick {ticks}: day {day} waits"),
                CallStatus::Running { .. } => println!("tick {ticks}: day {day} runs"),
                // A failure is what `wait` returns. Starting the call again would try again.
                _ => drop(call.wait()?),
            }
            open.push((day, call));
        }
        ticks += 1;
        if open.is_empty() && days.len() == 0 {
            return Ok((summaries, ticks));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn main() -> Result<()> {
    let days = [3, 4, 3, 5, 4];
    let (_, ticks) = ticks(&Store::open(".memo")?, &days)?;
    let downloads = DOWNLOADS.load(Ordering::Relaxed);
    println!("{} days in {ticks} ticks, {downloads} downloads", days.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_is_downloaded_once_and_found_by_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let days = [3, 4, 3, 5, 4];
        for run in 0..2 {
            let store = Store::open(folder.path()).unwrap();
            let (mut summaries, ticks) = ticks(&store, &days).unwrap();
            summaries.sort_unstable();
            let three = "3 prices, 18 in all";
            let four = "4 prices, 40 in all";
            assert_eq!(summaries, [three, three, four, four, "5 prices, 75 in all"]);
            assert_eq!(DOWNLOADS.load(Ordering::Relaxed), 3);
            assert!(run == 0 || ticks == days.len(), "what is found takes no tick more");
        }
    }
}
