//! Manifests written by somebody who means harm: their checksums are right, what they say is not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{HELPER, Listing, copy, expected, files, heals, listing, remove, whole_store};

/// Writes a manifest of two lines, with the checksum that it must have.
fn forge(head: &str, detail: &str) -> Vec<u8> {
    let body = format!("{}\n{detail}\n", head.strip_prefix('{').unwrap());
    let sum = xxhash_rust::xxh3::xxh3_128(body.as_bytes());
    format!("{{\"memo\":1,\"sum\":\"{sum:032x}\",{body}").into_bytes()
}

/// Reads the two lines of a manifest.
fn lines(manifest: &Path) -> (Value, String) {
    let text = fs::read_to_string(manifest).unwrap();
    let (head, detail) = text.split_once('\n').unwrap();
    let mut head: Value = serde_json::from_str(head).unwrap();
    head.as_object_mut().unwrap().retain(|name, _| name != "memo" && name != "sum");
    (head, detail.trim_end().to_owned())
}

/// A store whose manifests are forged, beside a file that nobody may touch.
struct Stage {
    folder: tempfile::TempDir,
    outside: PathBuf,
}

impl Stage {
    fn new() -> Self {
        let folder = whole_store();
        fs::rename(folder.path().join("store"), folder.path().join("whole")).unwrap();
        let outside = folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("bias"), vec![7; 300]).unwrap();
        fs::write(outside.join("main.bin"), "x").unwrap();
        Self { folder, outside }
    }

    fn outside(&self) -> Listing {
        listing(&self.outside)
    }

    /// Gives a whole store, and the manifest of a stage in it.
    fn manifest(&self, stage: &str) -> (PathBuf, PathBuf) {
        let store = self.folder.path().join("store");
        remove(&store);
        copy(&self.folder.path().join("whole"), &store);
        let entries = store.join(format!("v1/entries/faults.support.{stage}"));
        let manifest = files(&entries).pop().unwrap_or_else(|| panic!("{}", entries.display()));
        (store, manifest)
    }

    /// Forges a manifest: it must be refused, and nothing outside the store be touched.
    fn refused(&self, stage: &str, what: &str, change: impl FnOnce(&mut Value)) {
        let (_, manifest) = self.manifest(stage);
        let (mut head, detail) = lines(&manifest);
        change(&mut head);
        self.refused_bytes(stage, what, &forge(&head.to_string(), &detail));
    }

    fn refused_bytes(&self, stage: &str, what: &str, bytes: &[u8]) {
        let (store, manifest) = self.manifest(stage);
        fs::write(&manifest, bytes).unwrap();
        let before = self.outside();
        let lines = heals(&store, what);
        let missed = lines.iter().any(|line| line.starts_with(&format!("ran {stage}: ")));
        assert!(missed, "{stage}, {what}: believed: {lines:?}");
        assert_eq!(self.outside(), before, "{stage}, {what}");
    }
}

fn artifact(head: &mut Value) -> &mut Value {
    &mut head["outputs"][0]["artifact"]
}

#[test]
fn a_forged_manifest_that_says_the_truth_is_a_hit() {
    let stage = Stage::new();
    for name in ["numbers", "rows", "model", "both"] {
        let (store, manifest) = stage.manifest(name);
        let (head, detail) = lines(&manifest);
        fs::write(&manifest, forge(&head.to_string(), &detail)).unwrap();
        assert!(crate::support::is_all_hits(&heals(&store, name)), "the forger is at fault");
    }
}

#[test]
fn no_path_leads_out_of_the_store() {
    let stage = Stage::new();
    let outside = stage.outside.to_str().unwrap();
    let out =
        ["../../../../../../outside/bias", &format!("{outside}/bias"), "..", ".", "", "/", "./x"]
            .map(str::to_owned);
    let more = ["a/../../x", "..\\bias", "bias\0", "main.bin/..", "C:\\x", "\u{202e}"];
    for name in out.into_iter().chain(more.map(str::to_owned)) {
        for part in 0..2 {
            stage.refused("model", &format!("part {name:?}"), |head| {
                artifact(head)["parts"][part]["name"] = json!(name);
            });
        }
    }
    let long = "x".repeat(5000);
    let up = format!("/../../../../../outside/{}", "bias");
    for extension in ["../x", "/x", &up, "bin/../../x", "\\x", "b\0n", ".", "..", "other", &long] {
        stage.refused("rows", &format!("extension {extension:?}"), |head| {
            artifact(head)["ext"] = json!(extension);
        });
    }
    stage.refused("model", "extension of a folder", |head| {
        artifact(head)["ext"] = json!("/../../../../../outside/main.bin");
    });
    for path in ["/etc/passwd", "/dev/zero", "/proc/self/mem", "../outside/bias", outside, "\0"] {
        for folder in [false, true] {
            stage.refused("numbers", &format!("reference {path:?}"), |head| {
                let digest = artifact(head)["digest"].clone();
                artifact(head)["references"] =
                    json!([{"path": path, "folder": folder, "digest": digest}]);
            });
        }
    }
}

#[test]
fn no_size_is_believed() {
    let stage = Stage::new();
    for name in ["numbers", "rows", "model", "both"] {
        for size in [json!(0), json!(1), json!(u64::MAX), json!(u64::MAX - 1), json!(1_u64 << 62)] {
            stage.refused(name, &format!("size {size}"), |head| artifact(head)["size"] = size);
        }
        for size in [json!(-1), json!(1e300), json!("7"), json!(null), json!([])] {
            stage.refused(name, &format!("size {size}"), |head| artifact(head)["size"] = size);
        }
    }
    for size in [0, u64::MAX, 1 << 62] {
        stage.refused("model", "size of a part", |head| {
            artifact(head)["parts"][0]["size"] = json!(size);
        });
        // Sizes that wrap around to the right sum.
        stage.refused("model", "sizes that wrap around", |head| {
            let sum = artifact(head)["size"].as_u64().unwrap();
            artifact(head)["parts"][0]["size"] = json!(size);
            artifact(head)["parts"][1]["size"] = json!(sum.wrapping_sub(size));
        });
    }
    stage.refused("model", "no parts", |head| artifact(head)["parts"] = json!([]));
    stage.refused("model", "a hundred thousand parts", |head| {
        let part = artifact(head)["parts"][0].clone();
        artifact(head)["parts"] = json!(vec![part; 100_000]);
    });
}

#[test]
fn content_inside_a_manifest_is_checked() {
    let stage = Stage::new();
    for digits in ["5b305d0", "zz", "é", "+1", "0x", "", " ", "5B", "ff00ff00"] {
        stage.refused("numbers", &format!("hex {digits:?}"), |head| {
            let artifact = artifact(head).as_object_mut().unwrap();
            artifact.remove("text");
            artifact.insert("hex".to_owned(), json!(digits));
        });
    }
    stage.refused("numbers", "other numbers of the same length", |head| {
        let text = artifact(head)["text"].as_str().unwrap().replace('1', "2");
        artifact(head)["text"] = json!(text);
    });
    stage.refused("numbers", "other numbers", |head| {
        artifact(head)["text"] = json!("[1]");
        artifact(head)["size"] = json!(3);
    });
    stage.refused("rows", "text in place of a file", |head| {
        artifact(head)["text"] = json!("");
        artifact(head)["size"] = json!(0);
    });
}

#[test]
fn an_entry_fits_its_call_or_is_refused() {
    let stage = Stage::new();
    let other = json!("0".repeat(64));
    for name in ["numbers", "rows", "model", "both"] {
        stage.refused(name, "key", |head| head["key"] = other.clone());
        stage.refused(name, "stage", |head| head["stage"] = json!("faults::support::other"));
        stage.refused(name, "format", |head| artifact(head)["format"] = other.clone());
        stage.refused(name, "digest", |head| artifact(head)["digest"] = other.clone());
        stage.refused(name, "no digest", |head| artifact(head)["digest"] = json!("0"));
        stage.refused(name, "no artifact", |head| *artifact(head) = json!(null));
        stage.refused(name, "no outputs", |head| head["outputs"] = json!([]));
        stage.refused(name, "more outputs", |head| {
            let output = head["outputs"][0].clone();
            head["outputs"].as_array_mut().unwrap().push(output);
        });
        stage.refused(name, "very many outputs", |head| {
            let output = head["outputs"][0].clone();
            head["outputs"] = json!(vec![output; 5000]);
        });
        for field in ["key", "stage", "outputs", "seconds", "completed", "run"] {
            stage.refused(name, &format!("without {field}"), |head| {
                head.as_object_mut().unwrap().remove(field);
            });
            stage.refused(name, &format!("{field} of another type"), |head| {
                head[field] = json!({"a": [1]});
            });
        }
    }
    stage.refused("both", "outputs swapped", |head| {
        head["outputs"].as_array_mut().unwrap().reverse();
    });
}

#[test]
fn nothing_is_parsed_too_deep() {
    let stage = Stage::new();
    for depth in [130, 10_000, 1_000_000] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let (_, manifest) = stage.manifest("numbers");
        let (mut head, detail) = lines(&manifest);
        artifact(&mut head)["meta"] = json!({"deep": "HERE"});
        let deep = head.to_string().replace("\"HERE\"", &nested);
        stage.refused_bytes("numbers", &format!("meta {depth} deep"), &forge(&deep, &detail));
        let (_, manifest) = stage.manifest("numbers");
        let (head, _) = lines(&manifest);
        // The second line is read to explain a miss, and not for a hit.
        let (store, manifest) = stage.manifest("numbers");
        fs::write(&manifest, forge(&head.to_string(), &nested)).unwrap();
        heals(&store, "a deep second line");
    }
}

/// What is in the place of a file may be larger than all memory.
#[test]
fn huge_files_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    crate::support::runs_well(&store, 1);
    let right = expected(1);
    let kept: Vec<_> =
        files(&store.join("v1")).into_iter().filter(|file| !file.ends_with("tmp")).collect();
    assert!(kept.len() > 10);
    for (index, path) in kept.iter().enumerate() {
        let begin = if index % 2 == 0 { &b"x"[..] } else { b"{\"memo\":1,\"sum\":\"" };
        let mut bytes = begin.to_vec();
        bytes.resize(40_000, b'0');
        fs::write(path, bytes).unwrap();
        fs::File::options().write(true).open(path).unwrap().set_len(8 << 30).unwrap();
    }
    // 1.5 GB of address space would not hold a single one of them.
    let script = "ulimit -v 1500000; exec \"$0\" pipeline \"$1\" 1";
    let mut command = Command::new("sh");
    command.args(["-c", script, HELPER, store.to_str().unwrap()]);
    let told = crate::support::Told::by(&mut command);
    assert_eq!((told.code, told.values()), (Some(0), &*right), "{told:?}");
    crate::support::all_hits(&store, 1);
}
