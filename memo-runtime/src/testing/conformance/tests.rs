//! Every way to break the contract is found, and told in a sentence.

use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use super::conforms;
use crate::artifact::Artifact;
use crate::cacheable::{Cacheable, Format};
use crate::cachers::{Bytes, Copied, Json, Text};
use crate::error::Result;

/// Keeps a text, with a fault or none.
struct Odd {
    fault: Fault,
    calls: AtomicU32,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Format,
    Extension,
    Loses,
    Changes,
    Differs,
    Checks,
    Panics,
}

impl Cacheable<String> for Odd {
    fn format(&self) -> Format {
        let version = match self.fault {
            Fault::Format => self.calls.fetch_add(1, Ordering::Relaxed),
            _ => 1,
        };
        let extension = if self.fault == Fault::Extension { "../x" } else { "txt" };
        Format::new("odd", version).extension(extension)
    }

    fn save(&self, value: &String, artifact: &Artifact) -> Result<()> {
        let mut writer = artifact.writer()?;
        writer.write_all(b"odd")?;
        writer.write_all(value.as_bytes())?;
        if self.fault == Fault::Differs {
            write!(writer, "{}", self.calls.fetch_add(1, Ordering::Relaxed))?;
        }
        Ok(())
    }

    fn load(&self, artifact: &Artifact) -> Result<String> {
        let mut text = String::new();
        artifact.reader()?.read_to_string(&mut text)?;
        if self.fault == Fault::Panics {
            assert!(text.starts_with("odd"), "not odd");
        }
        let text = text.strip_prefix("odd").ok_or("not odd")?;
        match self.fault {
            Fault::Loses => Err("lost".into()),
            Fault::Changes => Ok(text.to_uppercase()),
            Fault::Differs => Ok("a".to_owned()),
            _ => Ok(text.to_owned()),
        }
    }

    fn check(&self, _: &Artifact) -> Result<()> {
        if self.fault == Fault::Checks { Err("gone".into()) } else { Ok(()) }
    }
}

/// Returns the sentence of a panic.
fn verdict(run: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(run)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
}

fn verdict_on(fault: Fault) -> Option<String> {
    verdict(|| conforms(Odd { fault, calls: AtomicU32::new(0) }, ["a".to_owned()]))
}

#[test]
fn faults_are_told_in_a_sentence() {
    let told = |fault, sentence: &str| {
        let verdict = verdict_on(fault).unwrap_or_default();
        assert!(verdict.contains(sentence), "{verdict:?} does not say {sentence:?}");
    };
    assert_eq!(verdict_on(Fault::None), None);
    told(Fault::Format, "`format` says `odd 0`, and then `odd 1`");
    told(Fault::Extension, "`../x` is no extension of a file");
    told(Fault::Loses, "`\"a\"` did not come back: lost");
    told(Fault::Changes, "`\"a\"` came back as `\"A\"`");
    told(Fault::Differs, "was saved twice, and `value.txt` has other bytes");
    told(Fault::Checks, "`check` finds fault with `\"a\"`, just saved: gone");
    told(
        Fault::Panics,
        "`load` panicked, where an error is wanted: `value.txt` of `\"a\"` was emptied",
    );
}

#[test]
fn the_built_in_cachers_conform() {
    conforms(Json, [vec![], vec![Some(1.5), None]]);
    conforms(Json.pretty().publish("{record}.json"), [("a".to_owned(), 1)]);
    conforms(Text, [String::new(), "a\u{1F600}\r\n".to_owned()]);
    conforms(Bytes, [vec![], vec![0; 10_000]]);
    #[cfg(feature = "bincode")]
    conforms(crate::cachers::Bincode, [vec![("a".to_owned(), Some([1_u16; 3]))], vec![]]);
    #[cfg(feature = "csv")]
    conforms(crate::cachers::Csv, [vec![(1, "a".to_owned())], vec![]]);
}

#[test]
fn what_cannot_be_tried_is_told() {
    let told = |verdict: Option<String>, sentence| assert!(verdict.unwrap().contains(sentence));
    told(verdict(|| conforms(Json, Vec::<u8>::new())), "give at least one value");
    told(verdict(|| conforms(Copied, ["x".into()])), "takes its values over");
    told(verdict(|| conforms(Json, [f64::NAN])), "is not equal to itself");
}
