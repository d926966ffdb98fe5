//! Cachers of one's own.

use std::fs;
use std::io::Write;

use memo_runtime::cachers;

use crate::common::*;

#[derive(Debug, Clone, PartialEq)]
struct Model {
    name: String,
    weights: Vec<u8>,
}

/// Keeps a model as a text and a file of weights. The type knows nothing of serde.
struct TwoFiles;

impl Cacheable<Model> for TwoFiles {
    fn format(&self) -> Format {
        Format::new("model", 1).extension("txt")
    }

    fn save(&self, model: &Model, artifact: &Artifact) -> Result<()> {
        if model.name.is_empty() {
            return Err("a model needs a name".into());
        }
        fs::write(artifact.path()?, &model.name)?;
        fs::write(artifact.file("weights.bin")?, &model.weights)?;
        artifact.set_meta("weights", model.weights.len())?;
        Ok(())
    }

    fn load(&self, artifact: &Artifact) -> Result<Model> {
        let name = fs::read_to_string(artifact.path()?)?;
        Ok(Model { name, weights: fs::read(artifact.file("weights.bin")?)? })
    }
}

#[stage(outputs = [model], cachers = [TwoFiles])]
fn train(name: &str) -> Model {
    Model { name: name.to_owned(), weights: vec![1, 2, 3] }
}

#[test]
fn a_cacher_may_write_two_files() {
    let lab = Lab::new();
    train(&mut lab.record(()), "wide").unwrap();
    let handle = train(&mut lab.record(()), "wide").unwrap();
    assert_eq!(handle.meta::<usize>("weights").unwrap(), Some(3));
    assert_eq!(*handle.load().unwrap(), train::body("wide"));
    assert_eq!(lab.ran(), ["train"]);
    assert_eq!(lab.artifacts().len(), 2);
    let main = handle.path().unwrap();
    assert_eq!(fs::read_to_string(main).unwrap(), "wide");
}

#[test]
fn either_file_gone_or_changed_is_a_miss() {
    let lab = Lab::new();
    train(&mut lab.record(()), "wide").unwrap();
    for file in lab.artifacts() {
        fs::remove_file(&file).unwrap();
        lab.lines();
        let handle = train(&mut lab.record(()), "wide").unwrap();
        assert_eq!(lab.ran(), ["train"], "{}", file.display());
        assert_eq!(*handle.load().unwrap(), train::body("wide"));
        let mut bytes = fs::read(&file).unwrap();
        bytes[0] ^= 1;
        fs::write(&file, bytes).unwrap();
        let handle = train(&mut lab.record(()), "wide").unwrap();
        assert_eq!(*handle.load().unwrap(), train::body("wide"), "{}", file.display());
    }
}

#[test]
fn what_a_cacher_refuses_is_told() {
    let lab = Lab::new();
    let error = train(&mut lab.record(()), "").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cacher);
    let text = error.chain();
    assert!(text.contains("`model`") && text.ends_with("a model needs a name"), "{text}");
    assert!(lab.entries().is_empty() && lab.artifacts().is_empty());
}

#[test]
fn a_cacher_can_be_used_by_hand() {
    let lab = Lab::new();
    let path = lab.path("by/hand.txt");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let model = train::body("by hand");
    cachers::save_at(&TwoFiles, &model, &path).unwrap();
    assert_eq!(cachers::load_from(&TwoFiles, &path).unwrap(), model);
    memo_runtime::testing::conforms(TwoFiles, [model, train::body("x")]);
}

/// Writes a number in a base, which is an option of the format.
struct Based(u32);

impl Cacheable<u32> for Based {
    fn format(&self) -> Format {
        Format::new("based", 1).option("base", self.0)
    }

    fn save(&self, value: &u32, artifact: &Artifact) -> Result<()> {
        let text = if self.0 == 16 { format!("{value:x}") } else { value.to_string() };
        Ok(artifact.writer()?.write_all(text.as_bytes())?)
    }

    fn load(&self, artifact: &Artifact) -> Result<u32> {
        Ok(u32::from_str_radix(std::str::from_utf8(&artifact.bytes()?)?, self.0)?)
    }
}

#[stage(outputs = [ten, sixteen], cachers = [Based(10), Based(16)])]
fn bases() -> (u32, u32) {
    (255, 255)
}

/// Reads what it has not written.
struct Liar;

impl Cacheable<u32> for Liar {
    fn format(&self) -> Format {
        Format::new("liar", 1)
    }

    fn save(&self, _: &u32, artifact: &Artifact) -> Result<()> {
        Ok(artifact.writer()?.write_all(b"x")?)
    }

    fn load(&self, _: &Artifact) -> Result<u32> {
        Err("this is no number".into())
    }
}

#[stage(outputs = [number], cachers = [Liar])]
fn lied() -> u32 {
    1
}

#[test]
fn a_cacher_may_have_fields() {
    let lab = Lab::new();
    bases(&mut lab.record(())).unwrap();
    let (ten, sixteen) = bases(&mut lab.record(())).unwrap();
    assert_eq!((*ten.load().unwrap(), *sixteen.load().unwrap()), (255, 255));
    assert_eq!(fs::read_to_string(sixteen.path().unwrap()).unwrap(), "ff");
    assert_ne!(ten.digest().unwrap(), sixteen.digest().unwrap());
}

#[test]
fn a_cacher_that_cannot_read_what_it_wrote_costs_no_more_than_the_entry() {
    let lab = Lab::new();
    lied(&mut lab.record(())).unwrap();
    let handle = lied(&mut lab.record(())).unwrap();
    assert_eq!(*handle.load().unwrap(), 1, "it runs again");
    let lines = lab.lines();
    assert!(lines.iter().any(|line| line.contains("this is no number")), "{lines:?}");
}
