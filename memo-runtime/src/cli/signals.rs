//! [`Signals`]: what Ctrl-C and `kill` do to a run.

use std::io;
use std::process::exit;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use once_cell::sync::OnceCell;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals as Incoming;

use super::progress::Progress;
use super::text::{counted, roughly};

/// The thread that receives signals, once there is one. A process cannot go back to being killed by
/// them, so the thread stays, and ends the process itself when no run goes on.
static RECEIVER: OnceCell<()> = OnceCell::new();

/// The run that is told of signals.
static CURRENT: Mutex<Option<Arc<Run>>> = Mutex::new(None);

/// Listens for signals as long as it lives.
///
/// The first one asks the run to end: no further body starts. The second one, or the end of the grace
/// period, ends the process at once. The store is whole at any instant.
pub(super) struct Signals(Arc<Run>);

struct Run {
    flag: Arc<AtomicBool>,
    grace: Duration,
    progress: Arc<Progress>,
    /// The first signal; 0 before.
    signal: AtomicI32,
    /// Whether the run has ended by itself.
    over: AtomicBool,
}

impl Signals {
    /// Begins to listen. The first signal sets `flag`.
    pub(super) fn listen(
        flag: Arc<AtomicBool>,
        grace: Duration,
        progress: Arc<Progress>,
    ) -> io::Result<Self> {
        RECEIVER.get_or_try_init(start)?;
        let (signal, over) = (AtomicI32::new(0), AtomicBool::new(false));
        let run = Arc::new(Run { flag, grace, progress, signal, over });
        *current() = Some(Arc::clone(&run));
        Ok(Self(run))
    }

    /// Returns the exit code for the signal that came, if one did.
    pub(super) fn exit_code(&self) -> Option<u8> {
        match self.0.signal.load(Ordering::SeqCst) {
            0 => None,
            signal => u8::try_from(128 + signal).ok(),
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
        current().take_if(|run| Arc::ptr_eq(run, &self.0));
    }
}

fn current() -> MutexGuard<'static, Option<Arc<Run>>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start() -> io::Result<()> {
    let mut incoming = Incoming::new([SIGINT, SIGTERM])?;
    let receive = move || {
        for signal in incoming.forever() {
            let run = current().clone();
            match run {
                Some(run) => run.receive(signal),
                None => exit(128 + signal),
            }
        }
    };
    thread::Builder::new().name("memo-signals".to_owned()).spawn(receive).map(drop)
}

impl Run {
    fn receive(self: Arc<Self>, signal: i32) {
        let exchanged = self.signal.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
        if let Err(first) = exchanged {
            self.progress.clear();
            exit(128 + first);
        }
        self.flag.store(true, Ordering::SeqCst);
        self.progress.note(&farewell(self.progress.running(), self.grace));
        thread::spawn(move || {
            thread::sleep(self.grace);
            if !self.over.load(Ordering::SeqCst) {
                self.progress.clear();
                self.progress.note("interrupted: the time is over");
                exit(128 + signal);
            }
        });
    }
}

fn farewell(running: usize, grace: Duration) -> String {
    let (verb, they) = if running == 1 { ("is", "it has") } else { ("are", "they have") };
    let (stages, time) = (counted(running, "stage"), roughly(grace.as_secs_f64()));
    format!(
        "interrupted: {stages} {verb} running; {they} {time} to finish, press Ctrl-C again to stop at once"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_says_what_happens_next() {
        assert_eq!(
            farewell(2, Duration::from_secs(10)),
            "interrupted: 2 stages are running; they have 10 s to finish, press Ctrl-C again to stop at once"
        );
        assert!(farewell(1, Duration::ZERO).starts_with("interrupted: 1 stage is running; it has"));
    }
}
