//! Where stages stand, what stands around them, and what they are called.

use crate::common::*;

#[stage(outputs = [r#match], cachers = [Json])]
fn r#type(r#in: u32) -> u32 {
    r#in + 1
}

#[stage(inputs = [r#match], outputs = [r#loop], cachers = [Json])]
fn r#use(r#match: &u32) -> u32 {
    r#match * 2
}

#[test]
fn raw_identifiers_are_names_without_their_mark() {
    let lab = Lab::new();
    let mut record = lab.record(());
    r#type(&mut record, 1).unwrap();
    assert_eq!(*r#use(&mut record).unwrap().load().unwrap(), 4);
    assert_eq!(record.names().collect::<Vec<_>>(), ["loop", "match"]);
    assert_eq!(lab.ran(), ["type", "use"]);
}

mod shadowed {
    #![allow(dead_code, non_snake_case, clippy::unnecessary_wraps, reason = "that is the point")]

    use memo_runtime::{Json, stage};

    pub(super) struct Option;
    pub(super) struct Box;
    pub(super) struct String;
    pub(super) struct Vec;
    pub(super) struct Some;
    pub(super) struct None;
    pub(super) struct Arc;
    pub(super) struct Error;
    pub(super) struct Lazy;
    pub(super) struct Record;
    mod std {}
    mod core {}
    pub(super) fn Ok<T>(_: T) {}
    pub(super) fn Err<T>(_: T) {}
    pub(super) fn parts() {}
    pub(super) fn work() {}
    pub(super) trait Into {}
    pub(super) trait Clone {}
    pub(super) trait ToOwned {}
    #[allow(unused_macros, reason = "only the names matter")]
    macro_rules! concat {
        ($($tokens:tt)*) => {
            compile_error!("a user's macro was called")
        };
    }
    #[allow(unused_macros, reason = "only the names matter")]
    macro_rules! module_path {
        () => {
            compile_error!("a user's macro was called")
        };
    }

    #[stage(inputs = [given], outputs = [taken], cachers = [Json], retries = 1)]
    pub(super) fn taken(
        params: &u32,
        given: &u32,
        record: u32,
        frame: u32,
        call: u32,
        spec: u32,
    ) -> u32 {
        let (owner, inputs, captured) = (record, frame, call);
        *params + *given + owner + inputs + captured + spec
    }
}

#[test]
fn names_of_the_module_and_the_signature_are_not_in_the_way() {
    let lab = Lab::new();
    let mut record = lab.record(1_u32);
    record.insert("given", 10_u32).unwrap();
    let sum = shadowed::taken(&mut record, 100, 200, 300, 400).unwrap();
    assert_eq!(*sum.load().unwrap(), 1011);
}

mod own_result {
    //! `Result` by its last segment, whatever it is an alias of.

    pub(super) type Failure = std::fmt::Error;
    pub(super) mod outcome {
        pub(in super::super) type Result<T> = std::result::Result<T, super::Failure>;
    }

    #[memo_runtime::stage(outputs = [value], cachers = [memo_runtime::Json])]
    pub(super) fn value(fails: bool) -> outcome::Result<u32> {
        if fails { Err(std::fmt::Error) } else { Ok(1) }
    }
}

#[test]
fn a_result_is_known_by_its_last_name() {
    let lab = Lab::new();
    assert_eq!(*own_result::value(&mut lab.record(()), false).unwrap().load().unwrap(), 1);
    assert_eq!(own_result::value(&mut lab.record(()), true).unwrap_err().kind(), ErrorKind::Stage);
}

mod left {
    use crate::common::*;

    #[stage(outputs = [side], cachers = [Text])]
    pub(super) fn side() -> String {
        "left".to_owned()
    }
}

mod right {
    use crate::common::*;

    #[stage(outputs = [side], cachers = [Text])]
    pub(super) fn side() -> String {
        "left".to_owned() + " is not right"
    }
}

#[test]
fn stages_of_one_name_in_two_modules_are_two_stages() {
    let lab = Lab::new();
    for _ in 0..2 {
        assert_eq!(*left::side(&mut lab.record(())).unwrap().load().unwrap(), "left");
        assert_eq!(*right::side(&mut lab.record(())).unwrap().load().unwrap(), "left is not right");
    }
    assert_eq!(lab.ran(), ["side", "side"]);
    assert_eq!(lab.entries().len(), 2);
}

#[test]
fn a_stage_may_stand_in_a_function() {
    #[stage(outputs = [inner], cachers = [Json])]
    fn inner(number: u32) -> u32 {
        number * 3
    }
    let lab = Lab::new();
    assert_eq!(*inner(&mut lab.record(()), 2).unwrap().load().unwrap(), 6);
    inner(&mut lab.record(()), 2).unwrap();
    assert_eq!(lab.ran(), ["inner"]);
}

/// Both are `forms::twin`, since a module path knows no functions.
fn one_twin(record: &mut Record<()>) -> Result<u32, Error> {
    #[stage(outputs = [twin], cachers = [Json])]
    fn twin() -> u32 {
        1
    }
    Ok(*twin(record)?.load()?)
}

fn other_twin(record: &mut Record<()>) -> Result<u32, Error> {
    #[stage(outputs = [twin], cachers = [Json])]
    fn twin() -> u32 {
        2
    }
    Ok(*twin(record)?.load()?)
}

#[test]
fn two_stages_of_one_full_name_are_refused() {
    let lab = Lab::new();
    assert_eq!(one_twin(&mut lab.record(())).unwrap(), 1);
    let error = other_twin(&mut lab.record(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Wiring);
    let text = error.chain();
    assert!(text.contains("two stages are named") && text.contains("forms.rs"), "{text}");
    assert_eq!(one_twin(&mut lab.record(())).unwrap(), 1);
}

/// A documented stage.
///
/// With more than one paragraph.
#[stage(outputs = [marked], cachers = [Json])]
#[inline(never)]
#[must_use]
#[deprecated(note = "for the test")]
#[cfg(unix)]
#[allow(clippy::needless_return, reason = "for the test")]
fn marked() -> u32 {
    return 5;
}

#[cfg(not(unix))]
#[stage(outputs = [marked], cachers = [Json])]
fn marked() -> u32 {
    compile_error!("this is not compiled")
}

#[test]
#[allow(deprecated, reason = "the attribute is passed on")]
fn attributes_stay() {
    let lab = Lab::new();
    assert_eq!(*marked(&mut lab.record(())).unwrap().load().unwrap(), 5);
    assert_eq!(marked::body(), 5);
}

#[derive(Clone, Serialize)]
struct Params {
    factor: u32,
}

#[stage(inputs = [rows], outputs = [Lazy(scaled)], cachers = [Bincode])]
fn scale(params: &Params, rows: &[u32], ctx: &Context, plus: u32) -> Result<Vec<u32>> {
    ctx.log("scaling");
    Ok(rows.iter().map(|row| row * params.factor + plus).collect())
}

#[stage(outputs = [plain], cachers = [Json])]
fn plain(params: &Params, plus: u32) -> u32 {
    params.factor + plus
}

#[test]
fn the_body_can_be_called_by_itself() {
    assert_eq!(plain::body(&Params { factor: 2 }, 3), 5);
    // `scale::body` has the type that was written.
    let _: fn(&Params, &[u32], &Context, u32) -> Result<Vec<u32>> = scale::body;
    let lab = Lab::new();
    let mut record = lab.record(Params { factor: 2 });
    record.insert("rows", vec![1_u32, 2]).unwrap();
    assert_eq!(*scale(&mut record, 1).unwrap().load().unwrap(), [3, 5]);
    lab.lines();
    let mut record = lab.record(Params { factor: 2 });
    record.insert("rows", vec![1_u32, 2]).unwrap();
    scale(&mut record, 1).unwrap();
    assert_eq!(lab.lines(), ["hit scale", "log: scaling"], "what was logged is told again");
}

#[stage(outputs = [x], cachers = [Json], companion = Second, name = "forms::renamed")]
fn second() -> u32 {
    2
}

/// In the way of a companion of that name.
mod second {}

#[test]
fn a_companion_may_have_another_name() {
    let lab = Lab::new();
    second(&mut lab.record(())).unwrap();
    assert_eq!(Second::body(), 2);
    assert_eq!(lab.ran(), ["renamed"]);
}

#[stage(outputs = [inner], cachers = [Json])]
fn inner_call(number: u32) -> u32 {
    number + 1
}

#[stage(outputs = [outer], cachers = [Json], skip = [store])]
fn outer_call(store: &std::path::Path, number: u32) -> Result<u32> {
    let mut own = Record::new(&Store::open(store)?, "inside", ());
    Ok(*inner_call(&mut own, number)?.load()? * 10)
}

#[test]
fn a_stage_called_inside_a_stage_has_a_record_of_its_own() {
    let lab = Lab::new();
    let store = lab.store_path();
    let mut record = lab.record(());
    assert_eq!(*outer_call(&mut record, &store, 1).unwrap().load().unwrap(), 20);
    assert_eq!(record.names().collect::<Vec<_>>(), ["outer"], "the state outside is untouched");
    lab.lines();
    assert_eq!(*inner_call(&mut lab.record(()), 1).unwrap().load().unwrap(), 2);
    outer_call(&mut lab.record(()), &store, 1).unwrap();
    assert_eq!(lab.ran(), [""; 0]);
}
