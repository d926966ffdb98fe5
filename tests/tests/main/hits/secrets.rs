//! Secrets decide, and are nowhere to be found.

use std::fs;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::*;

const TOKEN: &str = "hunter2-correct-horse";

#[derive(Clone, Serialize)]
struct Params {
    api: Api,
    region: String,
}

#[derive(Clone, Serialize)]
struct Api {
    token: String,
    url: String,
}

fn params(token: &str) -> Params {
    Params {
        api: Api { token: token.to_owned(), url: "https://example.org".to_owned() },
        region: "north".to_owned(),
    }
}

#[stage(outputs = [size], cachers = [Json], secret = [token])]
fn fetch(token: &str, page: u32) -> usize {
    token.len() + page as usize
}

#[stage(outputs = [size], cachers = [Json], secret = [params.api.token])]
fn fetch_whole(params: &Params) -> usize {
    fn call(params: &Params) -> usize {
        params.api.token.len() + params.api.url.len() + params.region.len()
    }
    call(params)
}

#[stage(outputs = [size], cachers = [Json], secret = [params.api.token])]
fn fetch_field(params: &Params) -> usize {
    params.api.token.len()
}

#[stage(outputs = [size], cachers = [Json], secret = [token], retries = 1)]
fn refused(token: &str) -> Result<usize> {
    Err(format!("the server does not know {token}").into())
}

/// Fails if any file of the store, or the name of one, holds the token or its digest.
fn assert_hidden(lab: &Lab) {
    let files = memo_tests::files_below(&lab.store_path());
    let digest = memo_runtime::digest_of(TOKEN).unwrap().to_string();
    for path in files {
        let bytes = fs::read(&path).unwrap();
        let name = path.to_string_lossy();
        for needle in [TOKEN, "hunter2", &digest, &digest[..16]] {
            let found = bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
            assert!(!found && !name.contains(needle), "{needle} in {name}");
        }
    }
}

#[test]
fn a_secret_decides_and_is_not_in_the_store() {
    let lab = Lab::new();
    for token in [TOKEN, TOKEN, "another", TOKEN] {
        fetch(&mut lab.record(()), token, 1).unwrap();
        fetch_whole(&mut lab.record(params(token))).unwrap();
        fetch_field(&mut lab.record(params(token))).unwrap();
    }
    let said = format!("{:?}", lab.recorder().events());
    assert!(!said.contains("hunter2"), "{said}");
    assert_eq!(lab.ran().len(), 6);
    assert_eq!(lab.entries().len(), 6);
    assert_hidden(&lab);
}

#[test]
fn a_miss_by_a_secret_says_just_that() {
    let lab = Lab::new();
    fetch(&mut lab.record(()), TOKEN, 1).unwrap();
    fetch(&mut lab.record(()), "another", 1).unwrap();
    fetch(&mut lab.record(()), "another", 2).unwrap();
    let reasons: Vec<_> = lab.reasons().iter().map(ToString::to_string).collect();
    assert_eq!(reasons[..2], ["never ran", "a secret changed"]);
    assert!(reasons[2].starts_with("argument `page` 1 → 2"), "{reasons:?}");
}

#[test]
fn a_failure_leaves_no_trace_in_the_store() {
    let lab = Lab::new();
    fetch(&mut lab.record(()), TOKEN, 1).unwrap();
    assert!(refused(&mut lab.record(()), TOKEN).is_err());
    assert_hidden(&lab);
}

#[test]
fn what_is_beside_a_secret_still_decides() {
    let lab = Lab::new();
    fetch_whole(&mut lab.record(params(TOKEN))).unwrap();
    let mut other = params(TOKEN);
    other.region = "south".to_owned();
    fetch_whole(&mut lab.record(other.clone())).unwrap();
    assert_eq!(lab.ran().len(), 2);
    fetch_field(&mut lab.record(params(TOKEN))).unwrap();
    fetch_field(&mut lab.record(other)).unwrap();
    assert_eq!(lab.ran().len(), 1);
}

/// Says its own content where it cannot be serialised.
#[derive(Clone)]
struct Chatty(String);

impl Serialize for Chatty {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom(format!("no form for {}", self.0)))
    }
}

#[stage(outputs = [size], cachers = [Json], secret = [token])]
fn chatty(token: Chatty) -> usize {
    token.0.len()
}

#[test]
fn an_error_of_ours_does_not_show_a_secret() {
    let lab = Lab::new();
    let error = chatty(&mut lab.record(()), Chatty(TOKEN.to_owned())).unwrap_err();
    let text = format!("{} {error:?}", error.chain());
    assert!(text.contains("`token`") && !text.contains("hunter2"), "{text}");
}

static IS_BAD: AtomicBool = AtomicBool::new(false);

fn tells(_: &usize) -> Result<(), String> {
    if IS_BAD.load(Ordering::SeqCst) { Err(format!("bad with {TOKEN}")) } else { Ok(()) }
}

#[stage(outputs = [size], cachers = [Json], secret = [token], validate = tells)]
fn validated(token: &str) -> usize {
    token.len()
}

#[test]
fn the_reason_of_a_miss_does_not_show_a_secret() {
    let lab = Lab::new();
    validated(&mut lab.record(()), TOKEN).unwrap();
    IS_BAD.store(true, Ordering::SeqCst);
    validated(&mut lab.record(()), TOKEN).unwrap_err();
    let told = format!("{:?}", lab.recorder().take());
    assert!(told.contains("bad with (secret)") && !told.contains(TOKEN), "{told}");
}
