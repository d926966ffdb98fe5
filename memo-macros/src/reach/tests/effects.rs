//! What stages read behind their keys' backs, and which validators say the same for ever.

use quote::quote;

use super::sandbox::Sandbox;
use crate::reach::follow_validator;

const FRAME: &str = "use std::fs;\nuse std::fs::File;\n\
     struct Params { data: InputFile }\n\
     fn rows(path: &str) -> String { fs::read_to_string(path).unwrap() }\n\
     fn host() -> String { std::env::var(\"HOST\").unwrap() }\n\
     mod own { pub mod fs { pub fn read() {} } }\n";

fn sandbox(code: &str) -> Sandbox {
    Sandbox::new(&[
        ("src/lib.rs", &format!("{FRAME}{code}")),
        ("Cargo.toml", "[package]\nname = \"demo\""),
    ])
}

#[test]
fn reading_behind_the_back_is_told() {
    let as_input = "): take them as `InputFile` or `InputDir`";
    let listed = "): list them in `env = [..]`";
    let cases = [
        ("fn fit() { fs::read(\"a\"); }", vec![format!("files (`fs::read` in its body{as_input}")]),
        (
            "fn fit() { rows(\"a\"); }",
            vec![format!("files (`fs::read_to_string` in `rows`, src/lib.rs{as_input}")],
        ),
        (
            "fn fit() { File::open(\"a\"); }",
            vec![format!("files (`File::open` in its body{as_input}")],
        ),
        (
            "fn fit() { csv::Reader::from_path(p); }",
            vec![format!("files (`Reader::from_path` in its body{as_input}")],
        ),
        (
            "fn fit() { host(); }",
            vec![format!("environment variables (`env::var` in `host`, src/lib.rs{listed}")],
        ),
        ("fn fit() { fs::write(\"a\", \"b\"); }", vec![]),
        ("fn fit() { own::fs::read(); }", vec![]),
        ("fn fit(data: &InputFile) { fs::read(data.path()); }", vec![]),
        ("fn fit(params: &Params) { rows(&params.data); }", vec![]),
        ("fn fit(ctx: &Context) { fs::read(ctx.folder().join(\"a\")); }", vec![]),
    ];
    for (code, expected) in cases {
        assert_eq!(sandbox(&format!("#[stage]\n{code}")).reach().behind, expected, "{code}");
    }
    let reads = sandbox("#[stage]\nfn fit() { rows(\"a\"); host(); }");
    let known =
        reads.reach_with(|request| (request.takes_paths, request.takes_variables) = (true, true));
    assert_eq!(known.unwrap().behind, [""; 0], "a path and the variables are in the key");
    let hidden = reads.reach_with(|request| {
        request.opaque = ["rows", "host"].map(|name| vec![name.to_owned()]).into();
    });
    assert_eq!(hidden.unwrap().behind, [""; 0]);
}

#[test]
fn a_validator_is_steady_if_only_the_values_decide() {
    let code = "static LIMIT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);\n\
         const MOST: u32 = 5;\n\
         fn small(n: &u32) -> bool { *n < MOST }\n\
         fn limited(n: &u32) -> bool { *n < LIMIT.load(Relaxed) }\n\
         fn there(path: &str) -> bool { std::path::Path::new(path).exists() }\n\
         fn deep(n: &u32) -> bool { limited(n) }\n\
         fn sized(file: &Artifact) -> bool { file.size() == 4 }\n\
         fn looked(file: &Artifact) -> bool { std::fs::metadata(file.path()).is_ok() }";
    let linked = sandbox(code).linked();
    for (validator, is_steady) in [
        (quote!(small), true),
        (quote!(|n: &u32| *n < 3), true),
        (quote!(sized), true),
        (quote!(limited), false),
        (quote!(deep), false),
        (quote!(there), false),
        (quote!(looked), false),
        (quote!(|n: &u32| *n < LIMIT.load(Relaxed)), false),
        (quote!(|n: &u32| thread_rng().random_bool(0.5)), false),
        (quote!(behind_a_door::unknown), false),
    ] {
        let code = follow_validator(&linked, (0, 1), "fit", &validator);
        assert_eq!(code.is_some(), is_steady, "{validator}");
    }
    let changed = sandbox(&code.replace("MOST: u32 = 5", "MOST: u32 = 6")).linked();
    let of = |linked| follow_validator(linked, (0, 1), "fit", &quote!(small));
    assert_ne!(of(&linked), of(&changed));
}

#[test]
fn a_validator_inside_of_a_function_is_judged_with_that_function() {
    let text = "fn test() {\n\
         static CALLS: AtomicU32 = AtomicU32::new(0);\n\
         fn fine(n: &u32) -> bool { CALLS.fetch_add(1, Relaxed) < *n }\n\
         #[stage]\nfn fit() {}\n}\n\
         fn calm() {\n fn fine(n: &u32) -> bool { *n < 3 }\n #[stage]\n fn fit() {}\n}";
    let files = [("src/lib.rs", text), ("Cargo.toml", "[package]\nname = \"demo\"")];
    let linked = Sandbox::new(&files).linked();
    assert_eq!(follow_validator(&linked, (0, 4), "fit", &quote!(fine)), None);
    assert!(follow_validator(&linked, (0, 9), "fit", &quote!(fine)).is_some());
}
