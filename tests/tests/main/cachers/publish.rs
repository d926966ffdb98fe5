//! Artifacts that also appear at a path of the user's choice.

use std::fs;
use std::sync::Mutex;

use memo_runtime::cachers::Published;

use crate::common::*;

#[derive(Clone, Default, Serialize, Deserialize)]
struct Params {
    train: Train,
    unread: u32,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Train {
    rate: f64,
}

fn params(unread: u32) -> Params {
    Params { train: Train { rate: 0.5 }, unread }
}

/// Where a test publishes to. Params cannot say it: what they give is one part of a path.
fn out(lab: &Lab) -> String {
    lab.path("out").to_str().unwrap().to_owned()
}

#[stage(
    outputs = [table, note],
    cachers = [
        Csv.publish(format!("{out}{REST}")),
        Published::new(Text, format!("{out}/{{record}}.txt")),
    ],
    skip = [out]
)]
fn report(params: &Params, out: &str) -> (Vec<(u32, f64)>, String) {
    let _ = out;
    (vec![(1, params.train.rate)], "a note".to_owned())
}

const REST: &str = "/{experiment}/{record}/{stage}-{output}-{params.train.rate}.csv";

fn experiment(lab: &Lab) -> Experiment<Params> {
    let out = out(lab);
    let pipeline = move |record: &mut Record<Params>| {
        report(record, &out)?;
        Ok(())
    };
    Experiment::new("digits", pipeline).record("base", params(0)).record("wide", params(1))
}

#[test]
fn it_appears_for_each_record_and_is_restored_on_a_hit() {
    let lab = Lab::new();
    let base = lab.path("out/digits/base/report-table-0.5.csv");
    let wide = lab.path("out/digits/wide/report-table-0.5.csv");
    let outcome = experiment(&lab).run(&lab.options()).unwrap();
    assert_eq!((outcome.ran, outcome.lost), (1, 0), "both records share the work");
    for path in [&base, &wide] {
        assert_eq!(fs::read_to_string(path).unwrap(), "1,0.5\n");
    }
    assert_eq!(fs::read_to_string(lab.path("out/wide.txt")).unwrap(), "a note");

    fs::remove_file(&base).unwrap();
    fs::write(&wide, "scribbled over").unwrap();
    let outcome = experiment(&lab).run(&lab.options()).unwrap();
    assert_eq!((outcome.ran, outcome.cached), (0, 1));
    for path in [&base, &wide] {
        assert_eq!(fs::read_to_string(path).unwrap(), "1,0.5\n");
    }
}

#[test]
fn what_is_published_is_a_copy_and_not_in_the_key() {
    let lab = Lab::new();
    experiment(&lab).run(&lab.options()).unwrap();
    // Scribbling over what is published leaves the store whole.
    let path = lab.path("out/base.txt");
    fs::write(&path, "scribbled over").unwrap();
    let outcome = experiment(&lab).run(&lab.options()).unwrap();
    let note = outcome.output::<String>("base", "note").unwrap();
    assert_eq!(*note.load().unwrap(), "a note");
    assert_eq!(fs::read_to_string(&path).unwrap(), "a note");
}

#[test]
fn it_appears_on_a_record_of_ones_own() {
    let lab = Lab::new();
    let store = lab.store();
    // There is no experiment here, so its name stands for nothing.
    let mut record = Record::new(&store, "mine", params(0));
    let text = chain(report(&mut record, &out(&lab)));
    assert!(text.contains("`{experiment}` stands for nothing"), "{text}");
    only_text(&mut record, &out(&lab)).unwrap();
    assert_eq!(fs::read_to_string(lab.path("out/mine.txt")).unwrap(), "0");
    fs::remove_file(lab.path("out/mine.txt")).unwrap();
    only_text(&mut Record::new(&lab.store(), "mine", params(0)), &out(&lab)).unwrap();
    assert_eq!(fs::read_to_string(lab.path("out/mine.txt")).unwrap(), "0");
}

#[stage(outputs = [text], cachers = [Text.publish(format!("{out}/{{record}}.txt"))], skip = [out])]
fn only_text(params: &Params, out: &str) -> String {
    let _ = out;
    params.unread.to_string()
}

#[stage(outputs = [text], cachers = [Text.publish("out/{recrod}.txt")])]
fn misspelt() -> String {
    BODIES.lock().unwrap().push("misspelt");
    "x".to_owned()
}

static BODIES: Mutex<Vec<&str>> = Mutex::new(Vec::new());

#[test]
fn an_unknown_field_is_an_error_before_anything_runs() {
    let lab = Lab::new();
    let experiment = Experiment::new("digits", |record: &mut Record<Params>| {
        misspelt(record)?;
        Ok(())
    });
    let experiment = experiment.record("base", params(0));
    let error = experiment.run(&lab.options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Wiring);
    assert!(error.chain().contains("`{recrod}` stands for nothing"), "{}", error.chain());
    assert!(experiment.plan(&lab.options()).is_err());
    assert!(BODIES.lock().unwrap().is_empty());
    let error = misspelt(&mut lab.record(params(0))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Wiring);
    assert!(BODIES.lock().unwrap().is_empty(), "on a record of one's own as well");
}

#[stage(outputs = [folder], cachers = [Copied.publish(format!("{out}/{{record}}"))], skip = [out])]
fn a_folder(ctx: &Context, out: &str) -> Result<std::path::PathBuf> {
    let _ = out;
    let folder = ctx.folder()?.join("made");
    fs::create_dir_all(folder.join("a"))?;
    fs::write(folder.join("a/b.txt"), "b")?;
    Ok(folder)
}

#[test]
fn a_folder_can_be_published_too() {
    let lab = Lab::new();
    for _ in 0..2 {
        a_folder(&mut lab.record(params(0)), &out(&lab)).unwrap();
        assert_eq!(fs::read_to_string(lab.path("out/base/a/b.txt")).unwrap(), "b");
    }
    assert_eq!(lab.ran(), ["a_folder"]);
}
