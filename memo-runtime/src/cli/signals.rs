//! [`Signals`]: what Ctrl-C and `kill` do to a run.

use std::io;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals as Incoming};

use super::progress::Progress;
use super::text::{counted, roughly};

/// Listens for signals as long as it lives.
///
/// The first one asks the run to end: no further body starts. The second one, or the end of the grace
/// period, ends the process at once. The store is whole at any instant.
pub(super) struct Signals {
    handle: Handle,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
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
        let mut incoming = Incoming::new([SIGINT, SIGTERM])?;
        let (handle, shared) = (incoming.handle(), Arc::<Shared>::default());
        let listener = Listener { flag, grace, progress, shared: Arc::clone(&shared) };
        let listen = move || incoming.forever().for_each(|signal| listener.receive(signal));
        thread::Builder::new().name("memo-signals".to_owned()).spawn(listen)?;
        Ok(Self { handle, shared })
    }

    /// Returns the exit code for the signal that came, if one did.
    pub(super) fn exit_code(&self) -> Option<u8> {
        match self.shared.signal.load(Ordering::SeqCst) {
            0 => None,
            signal => u8::try_from(128 + signal).ok(),
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        self.handle.close();
    }
}

struct Listener {
    flag: Arc<AtomicBool>,
    grace: Duration,
    progress: Arc<Progress>,
    shared: Arc<Shared>,
}

impl Listener {
    fn receive(&self, signal: i32) {
        let first =
            self.shared.signal.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
        if let Err(first) = first {
            self.progress.clear();
            exit(128 + first);
        }
        self.flag.store(true, Ordering::SeqCst);
        self.progress.note(&farewell(self.progress.running(), self.grace));
        let (grace, shared, progress) =
            (self.grace, Arc::clone(&self.shared), Arc::clone(&self.progress));
        thread::spawn(move || {
            thread::sleep(grace);
            if !shared.over.load(Ordering::SeqCst) {
                progress.clear();
                progress.note("interrupted: the time is over");
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
