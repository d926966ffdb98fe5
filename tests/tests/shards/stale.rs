//! A file that changes while a shard reads it: nothing that was made of it is found again.

use std::fs;
use std::path::PathBuf;

use memo_runtime::Event;
use memo_runtime::prelude::*;
use memo_tests::Lab;

use super::ran;

/// Changes a file while a body runs, if it says `change`.
fn read(file: &InputFile) -> Result<String> {
    let text = fs::read_to_string(file)?;
    if text == "change" {
        fs::write(file, "changed, and longer")?;
        return Ok(fs::read_to_string(file)?);
    }
    Ok(text)
}

#[stage(each = [a in left, b in right], outputs = [both], cachers = [Text], code = manual)]
fn pair(a: &InputFile, b: &InputFile) -> Result<String> {
    Ok(read(a)? + &read(b)?)
}

#[stage(each = [a in left], outputs = [text], code = manual)]
fn held(a: &InputFile) -> Result<String> {
    read(a)
}

#[stage(each = [t in text], outputs = [loud], cachers = [Text])]
fn shout(t: &str) -> String {
    t.to_uppercase()
}

#[stage(inputs = [text as texts], outputs = [all], cachers = [Text])]
fn join(texts: &Shards<String>) -> Result<String> {
    Ok(texts.collect()?.concat())
}

fn files(lab: &Lab, texts: [&str; 2]) -> Vec<InputFile> {
    let write = |(name, text)| -> PathBuf { lab.write(name, text) };
    ["one", "two"].into_iter().zip(texts).map(|pair| write(pair).into()).collect()
}

#[test]
fn each_file_of_arrays_taken_together_is_looked_at() {
    let lab = Lab::new();
    let run = |text: &str| {
        let mut record = lab.record(());
        record.insert::<Vec<InputFile>>("left", files(&lab, [text, "2"])).unwrap();
        let right: InputFile = lab.write("right", "r").into();
        record.insert::<Vec<InputFile>>("right", vec![right.clone(), right]).unwrap();
        let both = pair(&mut record).unwrap().collect().unwrap();
        (both, ran(&lab, "pair"))
    };
    let stale = vec!["changed, and longerr".to_owned(), "2r".to_owned()];
    assert_eq!(run("change"), (stale, vec![0, 1]));
    // What was made of another content than the key says is not there.
    assert_eq!(run("change").1, [0]);
}

#[test]
fn what_follows_from_a_value_in_memory_is_not_found_either() {
    let lab = Lab::new();
    for first in [true, false] {
        let mut record = lab.record(());
        record.insert::<Vec<InputFile>>("left", files(&lab, ["change", "2"])).unwrap();
        held(&mut record).unwrap();
        shout(&mut record).unwrap();
        join(&mut record).unwrap();
        let events = lab.recorder().take();
        let expected = if first { vec![0, 1] } else { vec![0] };
        assert_eq!(super::started(&events, "shout"), expected);
        let is_join = |event: &Event| matches!(event, Event::Started { stage, .. } if stage.ends_with("join"));
        assert!(events.iter().any(is_join));
    }
}
