//! Arrays of shards under faults: what has finished is kept, and nothing runs twice.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Random, Told, can_mount, no_lock_is_left, whole_lines, with_mounts, within};

const HELPER: &str = env!("CARGO_BIN_EXE_arrays_helper");
const SHARDS: usize = 55;

/// A store, and the file in which bodies note that they have run.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn run(&self, order: &str, flags: &[&str]) -> Command {
        let mut command = Command::new(HELPER);
        command.args(["run", &self.path("store"), &SHARDS.to_string(), order]).args(flags);
        command.env("ARRAYS_LOG", self.path("log"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Returns the bodies that have run since the last question.
    fn bodies(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let _ = fs::remove_file(self.path("log"));
        log.lines().map(str::to_owned).collect()
    }

    /// Runs to a good end.
    fn runs_well(&self, order: &str) -> Told {
        let told = Told::by(&mut self.run(order, &[]));
        told.is_quiet();
        assert_eq!(told.code, Some(0), "{told:?}");
        assert_eq!(told.values(), expected(order), "{told:?}");
        told
    }

    fn all_found(&self, order: &str) {
        self.bodies();
        let told = self.runs_well(order);
        assert_eq!(told.keys("started"), HashSet::new(), "{told:?}");
        assert_eq!(self.bodies(), Vec::<String>::new());
    }
}

fn expected(order: &str) -> String {
    let told = Told::by(Command::new(HELPER).args(["expected", &SHARDS.to_string(), order]));
    told.values().to_owned()
}

/// Returns total, cached, to compute and waiting of a stage, and which are to run.
fn counts(told: &Told, stage: &str) -> ([usize; 4], String) {
    let line = told.all("shards").find(|line| line.starts_with(stage));
    let line = line.unwrap_or_else(|| panic!("nothing of `{stage}`: {told:?}"));
    let words: Vec<&str> = line.splitn(6, ' ').collect();
    let number = |word: usize| words[word].parse().unwrap();
    ([1, 2, 3, 4].map(number), words[5].to_owned())
}

/// What was kept of stages that take nothing that might not have been kept: by what it was made, a shard
/// that was not kept enters the keys of others, and not by content.
fn kept_for_good(told: &Told) -> HashSet<String> {
    let mut kept = told.keys("kept");
    kept.retain(|body| !body.starts_with("large"));
    kept
}

/// Starts a helper and kills it once it has told so many lines.
fn killed(mut command: Command, lines: u64) -> Told {
    let mut child = command.spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut told = Vec::new();
    for _ in 0..lines {
        stdout.read_until(b'\n', &mut told).unwrap();
    }
    child.kill().unwrap();
    stdout.read_to_end(&mut told).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    Told { code: output.status.code(), lines: whole_lines(&told) }
}

/// In the order `plain`, a shard is its page.
#[test]
fn killed_at_random_instants_no_kept_shard_runs_again() {
    let mut random = Random(0x5EED_0056);
    let mut kills = 0;
    while kills < 50 {
        let place = Place::new();
        let mut kept: HashSet<String> = HashSet::new();
        loop {
            let told = killed(place.run("plain", &[]), random.below(60));
            told.is_quiet();
            let ran: HashSet<String> = place.bodies().into_iter().collect();
            let again: Vec<_> = ran.intersection(&kept).collect();
            assert!(again.is_empty(), "kept before, and ran again: {again:?}: {told:?}");
            for stage in ["small", "numbered"] {
                if !told.all("shards").any(|line| line.starts_with(stage)) {
                    continue;
                }
                let ([total, cached, to_compute, waiting], _) = counts(&told, stage);
                let before = kept.iter().filter(|body| body.starts_with(stage)).count();
                assert_eq!((total, waiting), (SHARDS, 0), "{told:?}");
                assert!(cached >= before && cached + to_compute == SHARDS, "{before}: {told:?}");
            }
            kept.extend(told.keys("kept"));
            kills += u32::from(told.code.is_none());
            if told.code.is_some() || kept.len() > 140 {
                break;
            }
        }
        place.bodies();
        let told = place.runs_well("plain");
        let ran: Vec<String> = place.bodies();
        assert!(ran.iter().all(|body| !kept.contains(body)), "{ran:?}");
        for stage in ["small", "numbered"] {
            let of_stage = |body: &&String| body.starts_with(stage);
            let ([_, cached, to_compute, _], _) = counts(&told, stage);
            assert_eq!(
                (cached + to_compute, to_compute),
                (SHARDS, ran.iter().filter(of_stage).count())
            );
        }
        no_lock_is_left(Path::new(&place.path("store")));
        place.all_found("plain");
    }
}

#[test]
fn a_failed_or_invalid_shard_costs_itself() {
    for (switch, said) in [
        ("ARRAYS_FAIL", "shard 7: the stage failed: page 7 cannot be read"),
        ("ARRAYS_INVALID", "shard 7: the result is invalid, so nothing is kept"),
    ] {
        let place = Place::new();
        let fails = || {
            let told = Told::by(place.run("plain", &[]).env(switch, "7"));
            assert_eq!(told.code, Some(1), "{told:?}");
            let failed: Vec<&str> = told.all("failed").collect();
            assert_eq!(failed.len(), 1, "{told:?}");
            assert!(failed[0].contains("1 of 55 shards failed; "), "{told:?}");
            assert!(failed[0].contains(said), "{told:?}");
            told
        };
        let told = fails();
        let small = |told: &Told| told.all("kept").filter(|line| line.starts_with("small")).count();
        assert_eq!(small(&told), SHARDS - 1, "{told:?}");
        place.bodies();
        let told = fails();
        assert_eq!(place.bodies(), ["small 7"], "{told:?}");
        assert_eq!(counts(&told, "small"), ([SHARDS, 54, 1, 0], "7".to_owned()));
        place.runs_well("plain");
        assert_eq!(place.bodies(), ["small 7", "large 7"]);
        place.all_found("plain");
    }
}

#[test]
fn elements_that_move_are_found() {
    let place = Place::new();
    place.runs_well("plain");
    assert_eq!(place.bodies().len(), 3 * SHARDS);
    let ran = |order: &str| {
        let told = place.runs_well(order);
        let bodies = place.bodies();
        let of = |stage: &str| bodies.iter().filter(|body| body.starts_with(stage)).count();
        (counts(&told, "small").0, ["small", "large", "numbered"].map(of))
    };
    // One in front: itself, and all that take their index.
    assert_eq!(ran("front"), ([56, 55, 1, 0], [1, 1, 56]));
    // Reversed: but for those that take the index, of which the one in the middle stays.
    assert_eq!(ran("reverse"), ([55, 55, 0, 0], [0, 0, 54]));
    assert_eq!(ran("plain"), ([55, 55, 0, 0], [0, 0, 0]));
}

#[test]
fn processes_at_the_same_array_share_its_work() {
    for flags in [&["--gate"][..], &["--gate", "--durable"]] {
        let place = Place::new();
        let mut children: Vec<_> =
            (0..3).map(|_| place.run("plain", flags).spawn().unwrap()).collect();
        for child in &mut children {
            let mut ready = [0; 6];
            child.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
            assert_eq!(&ready, b"ready\n");
        }
        children.iter_mut().for_each(|child| drop(child.stdin.take()));
        let right = expected("plain");
        for child in children {
            let output = within(Duration::from_mins(2), || child.wait_with_output().unwrap());
            let told = Told::of(&output.unwrap());
            told.is_quiet();
            assert_eq!((told.code, told.values()), (Some(0), &*right), "{told:?}");
        }
        let mut bodies = place.bodies();
        let all = bodies.len();
        bodies.sort_unstable();
        bodies.dedup();
        assert_eq!((all, bodies.len()), (3 * SHARDS, 3 * SHARDS));
        place.all_found("plain");
    }
}

#[test]
fn a_read_only_store_serves_what_it_has() {
    let place = Place::new();
    place.runs_well("plain");
    let before = crate::support::listing(Path::new(&place.path("store")));
    let run = |order: &str| {
        place.bodies();
        let told = Told::by(&mut place.run(order, &["--read-only"]));
        assert_eq!(told.values(), expected(order), "{told:?}");
        (told.code, told.keys("started").len(), told.all("warning").count())
    };
    assert_eq!(run("plain"), (Some(0), 0, 0));
    assert_eq!(run("front"), (Some(3), 1 + 1 + 56, 1));
    assert_eq!(crate::support::listing(Path::new(&place.path("store"))), before);
}

#[test]
fn files_that_may_not_grow_cost_no_value() {
    for kilobytes in [0, 1, 4, 8, 16] {
        let place = Place::new();
        let script =
            format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" run \"$1\" 55 plain", kilobytes * 2);
        let mut command = Command::new("sh");
        command.args(["-c", &script, HELPER, &place.path("store")]);
        let told = Told::by(&mut command);
        assert_eq!((told.code, told.values()), (Some(3), &*expected("plain")), "{told:?}");
        assert_eq!(told.all("failed").count(), 0, "{told:?}");
        let lost = told.all("warning").filter(|line| line.starts_with("true")).count();
        assert!(lost >= 1, "{kilobytes} kB: {told:?}");
        // What was reported as kept is there.
        let kept = kept_for_good(&told);
        place.bodies();
        place.runs_well("plain");
        let ran: HashSet<String> = place.bodies().into_iter().collect();
        assert!(ran.is_disjoint(&kept), "{kilobytes} kB: {:?}", ran.intersection(&kept));
        place.all_found("plain");
    }
}

#[test]
fn a_full_disk_costs_no_value() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    let script = r#"
        mount -t tmpfs -o size=3m tmpfs "$2"; s="$2/store"
        fill() { head -c 4m /dev/zero > "$1/filler" 2> /dev/null || true; }
        for left in 0 8 24 60 200 700; do
            rm -rf "$s" "$2/filler" "$2/room"
            [ $left = 0 ] || head -c ${left}k /dev/zero > "$2/room"
            fill "$2"
            rm -f "$2/room"
            set +e; "$1" run "$s" 55 plain; echo "full $left $?"; set -e
            rm "$2/filler"
            set +e; "$1" run "$s" 55 plain; echo "room $left $?"; set -e
            set +e; "$1" run "$s" 55 plain; echo "again $left $?"; set -e
        done"#;
    let output = with_mounts(script, &[HELPER, place.folder.path().to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let told = Told::of(&output);
    let right = expected("plain");
    assert_eq!(told.all("values").filter(|values| *values == right).count(), 18);
    assert_eq!(told.all("failed").chain(told.all("error")).count(), 0, "{told:?}");
    let mut part = Vec::new();
    let (mut kept, mut some_kept) = (HashSet::new(), 0);
    for line in &told.lines {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["full", left, code] => {
                assert_eq!(code, "3", "{left}: {part:?}");
                let told = Told { code: None, lines: std::mem::take(&mut part) };
                kept = kept_for_good(&told);
                some_kept += u32::from(!kept.is_empty());
            }
            ["room", left, code] => {
                assert_eq!(code, "0", "{left}: {part:?}");
                let started = Told { code: None, lines: std::mem::take(&mut part) }.keys("started");
                assert!(started.is_disjoint(&kept), "{left}: {:?}", started.intersection(&kept));
            }
            ["again", left, code] => {
                assert_eq!(code, "0", "{left}: {part:?}");
                let again = Told { code: None, lines: std::mem::take(&mut part) };
                assert_eq!(again.keys("started").len(), 0, "{left}: {again:?}");
            }
            _ => part.push(line.clone()),
        }
    }
    assert!(some_kept >= 2, "small ones are kept while there is room");
}
