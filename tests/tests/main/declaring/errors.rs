//! What a body may fail with, and what of it comes out.

use std::error::Error as StdError;
use std::fmt;

use crate::common::*;

#[derive(Debug, PartialEq)]
struct Custom {
    code: u32,
    cause: Option<Box<Custom>>,
}

impl fmt::Display for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "custom {}", self.code)
    }
}

impl StdError for Custom {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

/// An error that is none itself, as those of `anyhow` and `eyre`.
#[derive(Debug)]
struct Anyhow(Box<dyn StdError + Send + Sync>);

impl<E: StdError + Send + Sync + 'static> From<E> for Anyhow {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl From<Anyhow> for Box<dyn StdError + Send + Sync> {
    fn from(error: Anyhow) -> Self {
        error.0
    }
}

#[stage(outputs = [x], cachers = [Json])]
fn with_custom() -> Result<u32, Custom> {
    Err(Custom { code: 1, cause: Some(Box::new(Custom { code: 2, cause: None })) })
}

#[stage(outputs = [x], cachers = [Json])]
fn with_box() -> Result<u32> {
    Err("plain text")?
}

#[stage(outputs = [x], cachers = [Json])]
fn with_anyhow() -> Result<u32, Anyhow> {
    Ok("seven".parse()?)
}

#[stage(outputs = [x], cachers = [Json])]
fn with_text() -> Result<u32, String> {
    Err("a text".to_owned())
}

#[stage(outputs = [x, y], cachers = [Json, Json])]
fn with_io() -> std::io::Result<(u32, u32)> {
    std::fs::read("/no/such/file")?;
    Ok((1, 2))
}

#[stage(outputs = [x], cachers = [Json])]
fn panics(message: &str) -> u32 {
    panic!("{message}")
}

#[stage(outputs = [x], cachers = [Json])]
fn panics_with_a_number() -> u32 {
    std::panic::panic_any(17_u32)
}

#[test]
fn an_error_comes_out_as_itself_with_stage_and_record() {
    let lab = Lab::new();
    let error = with_custom(&mut lab.record(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stage);
    assert_eq!(error.record(), Some("base"));
    assert!(error.stage().unwrap().ends_with("declaring::errors::with_custom"));
    let source = error.source().unwrap().downcast_ref::<Custom>().unwrap();
    assert_eq!(source.code, 1);
    let text = error.to_string();
    assert!(text.contains("with_custom") && text.contains("`base`") && !text.contains("custom 1"));
    assert!(error.chain().ends_with(": custom 1: custom 2"), "{}", error.chain());
}

#[test]
fn any_type_of_error_will_do() {
    let lab = Lab::new();
    let record = &mut lab.record(());
    assert!(chain(with_box(record)).ends_with("plain text"));
    assert!(chain(with_text(record)).ends_with("a text"));
    let error = with_anyhow(record).unwrap_err();
    assert!(error.source().unwrap().is::<std::num::ParseIntError>());
    let error = with_io(record).unwrap_err();
    assert!(error.source().unwrap().is::<std::io::Error>());
}

#[test]
fn a_panic_is_a_failure_of_the_stage() {
    let lab = Lab::new();
    let error = panics(&mut lab.record(()), "out of cheese").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stage);
    assert!(error.to_string().contains("panicked: out of cheese"), "{error}");
    let error = panics_with_a_number(&mut lab.record(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stage);
}

#[test]
fn a_failed_call_is_never_remembered() {
    let lab = Lab::new();
    let mut record = lab.record(());
    for _ in 0..2 {
        assert!(with_box(&mut record).is_err());
        assert!(panics(&mut record, "x").is_err());
    }
    assert_eq!(lab.ran(), ["with_box", "panics", "with_box", "panics"]);
    assert_eq!(record.names().count(), 0);
    assert!(lab.entries().is_empty());
}

#[stage(inputs = [x], outputs = [after], cachers = [Json])]
fn after(x: &u32) -> u32 {
    *x
}

#[test]
fn a_missing_input_is_refused_before_anything_runs() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("xs", 1_u32).unwrap();
    let error = after(&mut record).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Wiring);
    let text = error.chain();
    assert!(
        text.contains("after") && text.contains("`x`") && text.contains("did you mean `xs`?"),
        "{text}"
    );
    assert_eq!(lab.lines(), [""; 0]);
    assert!(!lab.store_path().exists());
}
