//! Ctrl-C and `kill`: what they do to a run, once and twice; and runs that end early by themselves.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};

const HELPER: &str = env!("CARGO_BIN_EXE_interrupts_helper");

/// A run that goes on.
struct Running {
    child: Child,
    input: ChildStdin,
    lines: std::io::Lines<BufReader<ChildStderr>>,
    told: Vec<String>,
}

/// A run that is over.
#[derive(Debug)]
struct Over {
    code: Option<i32>,
    output: String,
    /// What was told on standard error.
    told: Vec<String>,
}

impl Running {
    fn start(store: &Path, arguments: &[&str]) -> Self {
        Self::start_as(Command::new(HELPER), store, arguments)
    }

    /// Starts the experiment whose stage is an array.
    fn start_array(store: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(HELPER);
        command.env("INTERRUPTS_ARRAY", "1");
        Self::start_as(command, store, arguments)
    }

    fn start_as(mut command: Command, store: &Path, arguments: &[&str]) -> Self {
        command.arg("--store").arg(store).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, input, lines, told: Vec::new() }
    }

    /// Reads on until a line holds `text`, and returns the line.
    fn until(&mut self, text: &str) -> String {
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            self.told.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
        panic!("`{text}` is never told: {:?}", self.told);
    }

    fn send(&self, signal: &str) {
        let command = format!("kill -{signal} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }

    /// Lets bodies end that wait for a line.
    fn release(&mut self, bodies: usize) {
        self.input.write_all("\n".repeat(bodies).as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    /// Waits for the end. Standard input stays open until then.
    fn end(mut self) -> Over {
        self.told.extend(self.lines.by_ref().map(|line| line.unwrap()));
        let mut output = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
        let code = self.child.wait().unwrap().code();
        Over { code, output, told: self.told }
    }
}

impl Over {
    /// Lists the bodies that began, in order of their names.
    fn bodies(&self) -> Vec<&str> {
        let bodies = self.told.iter().filter_map(|line| line.strip_prefix("body: "));
        let mut bodies: Vec<_> = bodies.collect();
        bodies.sort_unstable();
        bodies
    }

    fn last_line(&self) -> &str {
        self.output.lines().last().unwrap_or_default()
    }

    /// Whether nothing was found damaged.
    fn is_quiet(&self) -> bool {
        !self.told.iter().any(|line| line.contains("warning") || line.contains("damaged"))
    }
}

/// Runs all to the end on a store that may hold something. Returns what ran, and the last line.
fn finish(store: &Path, bodies: usize) -> Over {
    let mut running = Running::start(store, &["--jobs", "1"]);
    running.release(bodies);
    let over = running.end();
    assert!(over.code == Some(0) && over.is_quiet(), "{over:?}");
    over
}

#[test]
fn one_interrupt_keeps_what_runs_and_starts_nothing_more() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let folder = tempfile::tempdir().unwrap();
        let mut running = Running::start(folder.path(), &["--jobs", "2", "--grace", "30m"]);
        running.until("body: first");
        running.until("body: first");
        running.send(signal);
        let told = running.until("interrupted:");
        assert!(told.contains("2 stages are running; they have 30 min"), "{told}");
        running.release(2);
        let over = running.end();
        assert_eq!(over.code, Some(code), "{over:?}");
        assert_eq!(over.bodies(), ["first 1 attempt 1", "first 2 attempt 1"]);
        assert!(over.last_line().starts_with("0 cached, 2 ran, 0 failed"), "{over:?}");
        // The next run has what was finished.
        let over = finish(folder.path(), 1);
        assert_eq!(over.bodies(), ["first 3 attempt 1", "second 1", "second 2", "second 3"]);
        assert!(over.last_line().starts_with("2 cached, 4 ran, 0 failed"), "{over:?}");
    }
}

#[test]
fn an_interrupted_array_keeps_the_shards_that_finish() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let folder = tempfile::tempdir().unwrap();
        let mut running = Running::start_array(folder.path(), &["--jobs", "2", "--grace", "30m"]);
        running.until("body: shard");
        running.until("body: shard");
        running.release(1);
        running.until("body: shard");
        running.send(signal);
        running.until("interrupted:");
        running.release(2);
        let over = running.end();
        assert_eq!(over.code, Some(code), "{over:?}");
        assert_eq!(over.bodies(), ["shard 1", "shard 2", "shard 3"]);
        let mut running = Running::start_array(folder.path(), &["--jobs", "1"]);
        running.release(3);
        let over = running.end();
        assert!(over.code == Some(0) && over.is_quiet(), "{over:?}");
        assert_eq!(over.bodies(), ["shard 4", "shard 5", "shard 6", "sum"]);
        assert!(over.told.iter().any(|line| line.contains("3 of 6 shards cached, 3 to compute")));
    }
    // Twice: what runs is lost, what was finished is not.
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start_array(folder.path(), &["--jobs", "1", "--grace", "30m"]);
    running.until("body: shard 1");
    running.release(1);
    running.until("body: shard 2");
    running.send("INT");
    running.until("interrupted:");
    running.send("INT");
    let over = running.end();
    assert_eq!(over.code, Some(130), "{over:?}");
    let mut running = Running::start_array(folder.path(), &["--jobs", "1"]);
    running.release(5);
    let over = running.end();
    assert!(over.code == Some(0) && over.is_quiet(), "{over:?}");
    let all = ["shard 2", "shard 3", "shard 4", "shard 5", "shard 6", "sum"];
    assert_eq!(over.bodies(), all);
}

#[test]
fn a_second_interrupt_stops_at_once_and_leaves_the_store_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(folder.path(), &["--jobs", "1", "--grace", "30m"]);
    // One result is kept before.
    running.until("body: first 1");
    running.release(1);
    running.until("body: first 2");
    running.send("INT");
    running.until("interrupted:");
    running.send("INT");
    // Nobody lets the body end.
    let over = running.end();
    assert_eq!(over.code, Some(130), "{over:?}");
    let kept = over.bodies().iter().filter(|body| **body != "first 2 attempt 1").count();
    let over = finish(folder.path(), 2);
    assert_eq!(over.bodies().len(), 6 - kept, "{over:?}");
    assert!(over.last_line().starts_with(&format!("{kept} cached, ")), "{over:?}");
}

#[test]
fn what_does_not_finish_in_time_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(folder.path(), &["--jobs", "1", "--grace", "1ms"]);
    running.until("body: first 1");
    running.send("INT");
    // Nobody lets the body end.
    let over = running.end();
    assert_eq!(over.code, Some(130), "{over:?}");
    assert!(over.told.iter().any(|line| line.contains("the time is over")), "{over:?}");
    assert_eq!(over.bodies(), ["first 1 attempt 1"]);
    assert_eq!(finish(folder.path(), 3).bodies().len(), 6);
}

#[test]
fn ten_seconds_are_given_where_nobody_says_how_many() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(folder.path(), &["--jobs", "1"]);
    running.until("body: first 1");
    running.send("INT");
    let told = running.until("interrupted:");
    assert!(told.contains("1 stage is running; it has 10 s to finish"), "{told}");
    running.send("INT");
    assert_eq!(running.end().code, Some(130));
}

#[test]
fn the_first_failure_ends_a_run_that_fails_fast() {
    let attempts =
        |record: u32| (1..=3).map(move |attempt| format!("first {record} attempt {attempt}"));
    for (arguments, records) in [(&["--fail-fast"][..], 1), (&[], 3)] {
        let folder = tempfile::tempdir().unwrap();
        let arguments = [&["--jobs", "1", "--set", "fails=true"], arguments].concat();
        let over = Running::start(folder.path(), &arguments).end();
        // Two retries are three attempts, whether the run goes on or not.
        let expected: Vec<String> = (1..=records).flat_map(attempts).collect();
        assert_eq!(
            (over.code, over.bodies()),
            (Some(1), expected.iter().map(String::as_str).collect())
        );
        let retried = over.told.iter().filter(|line| line.starts_with("again ")).count();
        assert_eq!(retried, 2 * records as usize, "{over:?}");
        let failed = format!("0 cached, 0 ran, {records} failed");
        assert!(over.last_line().starts_with(&failed), "{over:?}");
    }
}
