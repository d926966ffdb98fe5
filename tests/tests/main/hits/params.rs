//! Params: what a stage reads enters its key, the rest does not.

use crate::common::*;

#[derive(Clone, Default, Serialize)]
struct Train {
    rate: f64,
    threads: usize,
    note: Note,
}

#[derive(Clone, Default, Serialize)]
struct Note {
    threads: usize,
    text: String,
}

#[derive(Clone, Default, Serialize)]
struct Params {
    threads: usize,
    train: Train,
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<u32>,
    hidden: hidden::Hidden,
}

impl Params {
    fn scaled(&self) -> f64 {
        self.train.rate * 10.0
    }

    fn of_seed(&self) -> f64 {
        f64::from(u32::try_from(self.seed).unwrap())
    }
}

fn with(change: impl FnOnce(&mut Params)) -> Params {
    let mut params = Params::default();
    change(&mut params);
    params
}

/// How many bodies run for `base`, then for `changed`.
fn misses<T>(
    stage: impl Fn(&mut Record<Params>) -> Result<T, Error>,
    changed: impl FnOnce(&mut Params),
) -> usize {
    let lab = Lab::new();
    stage(&mut lab.record(Params::default())).unwrap();
    stage(&mut lab.record(with(changed))).unwrap();
    stage(&mut lab.record(Params::default())).unwrap();
    lab.ran().len()
}

/// Named as a macro of std's, which would read what it is given.
macro_rules! dbg {
    ($params:ident . $field:ident) => {
        $params.seed
    };
}

#[stage(outputs = [x], cachers = [Json])]
fn by_own_macro(params: &Params) -> u64 {
    dbg!(params.threads)
}

#[stage(outputs = [x], cachers = [Json])]
fn by_escaped_format(params: &Params) -> String {
    let params = params.seed;
    format!("{par\u{61}ms}")
}

#[test]
fn what_only_looks_harmless_lets_all_of_params_in() {
    assert_eq!(misses(by_own_macro, |params| params.seed = 3), 2);
    assert_eq!(misses(by_escaped_format, |params| params.seed = 3), 2);
}

#[stage(outputs = [x], cachers = [Json])]
fn reads_rate(params: &Params) -> f64 {
    // params.seed is not read.
    params.train.rate
}

#[stage(outputs = [x], cachers = [Json])]
#[allow(unused_variables, reason = "that is the point")]
fn reads_nothing(params: &Params) -> u32 {
    let _ = stringify!(seed);
    7
}

#[stage(outputs = [x], cachers = [Json])]
fn by_method_of_a_field(params: &Params) -> usize {
    params.train.note.text.len()
}

#[stage(outputs = [x], cachers = [Json])]
fn by_own_method(params: &Params) -> f64 {
    params.scaled()
}

fn first(params: &Params) -> f64 {
    second(1.0, params)
}

fn second(by: f64, params: &Params) -> f64 {
    third(&params.train) * by + params.of_seed()
}

fn third(train: &Train) -> f64 {
    train.rate
}

#[stage(outputs = [x], cachers = [Json])]
fn by_helpers(params: &Params) -> f64 {
    first(params)
}

fn any<T: Serialize>(value: &T) -> usize {
    serde_json::to_string(value).map_or(0, |text| text.len())
}

#[stage(outputs = [x], cachers = [Json])]
fn by_an_unclear_helper(params: &Params) -> usize {
    any(params)
}

mod hidden {
    use crate::common::*;

    #[derive(Clone, Default, Serialize)]
    pub struct Hidden {
        value: u8,
    }

    impl Hidden {
        pub fn get(&self) -> u8 {
            self.value
        }

        pub fn set(&mut self, value: u8) {
            self.value = value;
        }
    }
}

#[stage(outputs = [x], cachers = [Json])]
fn by_a_private_field(params: &Params) -> u8 {
    params.hidden.get()
}

#[stage(outputs = [x], cachers = [Json])]
fn passes_it_on(params: &Params) -> f64 {
    fn inner(p: &Params) -> f64 {
        p.train.rate
    }
    inner(params)
}

#[stage(outputs = [x], cachers = [Json])]
fn in_a_closure(params: &Params) -> Vec<u64> {
    (0..2).map(|n| n + params.seed).collect()
}

#[stage(outputs = [x], cachers = [Text])]
fn in_a_format(params: &Params) -> String {
    format!("{} {:?}", params.seed, params.train.rate)
}

#[stage(outputs = [x], cachers = [Text])]
fn destructured(params: &Params) -> String {
    let Params { seed, .. } = params;
    seed.to_string()
}

#[test]
fn only_what_is_read_enters() {
    assert_eq!(misses(reads_rate, |p| p.train.rate = 1.0), 2);
    assert_eq!(misses(reads_rate, |p| p.seed = 1), 1);
    assert_eq!(misses(reads_rate, |p| p.train.threads = 1), 1);
    assert_eq!(misses(reads_nothing, |p| p.seed = 1), 1);
    assert_eq!(misses(by_method_of_a_field, |p| p.train.note.text = "a".into()), 2);
    assert_eq!(misses(by_method_of_a_field, |p| p.train.note.threads = 1), 1);
    assert_eq!(misses(in_a_closure, |p| p.seed = 1), 2);
    assert_eq!(misses(in_a_closure, |p| p.threads = 1), 1);
    assert_eq!(misses(in_a_format, |p| p.seed = 1), 2);
    assert_eq!(misses(in_a_format, |p| p.train.rate = 1.0), 2);
    assert_eq!(misses(in_a_format, |p| p.threads = 1), 1);
}

#[test]
fn where_it_escapes_the_whole_value_enters() {
    assert_eq!(misses(by_own_method, |p| p.train.rate = 1.0), 2);
    assert_eq!(misses(by_own_method, |p| p.seed = 1), 1);
    assert_eq!(misses(by_helpers, |p| p.train.rate = 1.0), 2, "read three calls away");
    assert_eq!(misses(by_helpers, |p| p.seed = 1), 2, "read by a method of a helper");
    assert_eq!(misses(by_helpers, |p| p.threads = 1), 1, "read by nobody");
    assert_eq!(misses(by_helpers, |p| p.train.threads = 1), 1, "read by nobody");
    assert_eq!(misses(by_helpers, |p| p.extra = Some(1)), 1, "read by nobody");
    assert_eq!(misses(by_an_unclear_helper, |p| p.train.rate = 1.0), 2);
    assert_eq!(misses(by_an_unclear_helper, |p| p.threads = 1), 2, "a generic function");
    assert_eq!(misses(by_a_private_field, |p| p.hidden.set(1)), 2, "enters with its struct");
    assert_eq!(misses(by_a_private_field, |p| p.seed = 1), 1);
    assert_eq!(misses(passes_it_on, |p| p.train.rate = 1.0), 2);
    assert_eq!(misses(passes_it_on, |p| p.threads = 1), 2);
    assert_eq!(misses(destructured, |p| p.seed = 1), 2);
}

#[test]
fn a_field_that_is_none_and_left_out_keeps_old_keys() {
    #[derive(Clone, Serialize)]
    struct Former {
        threads: usize,
        train: Train,
        seed: u64,
    }
    #[derive(Serialize)]
    #[serde(rename = "Former")]
    struct Later {
        threads: usize,
        train: Train,
        seed: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        extra: Option<u32>,
    }
    let former = Former { threads: 0, train: Train::default(), seed: 0 };
    let later = |extra| Later { threads: 0, train: Train::default(), seed: 0, extra };
    let digest = |value: &Later| memo_runtime::digest_of(value).unwrap();
    assert_eq!(digest(&later(None)), memo_runtime::digest_of(&former).unwrap());
    assert_ne!(digest(&later(Some(0))), digest(&later(None)));
}

#[stage(outputs = [x], cachers = [Json], skip = [params.threads, params.train.threads])]
fn skips_fields(params: &Params) -> f64 {
    let workers = params.threads + params.train.threads;
    let whole = params;
    whole.scaled() + if workers > 100 { 0.0 } else { 1.0 }
}

#[stage(outputs = [x], cachers = [Json], skip = [params.train])]
fn skips_a_struct(params: &Params) -> u64 {
    let _ = params.train.note.threads;
    params.seed
}

#[stage(outputs = [x], cachers = [Json], skip = [verbose])]
fn skips_an_argument(verbose: bool, depth: u32) -> u32 {
    u32::from(verbose) + depth
}

#[test]
fn skipped_fields_stay_out_at_any_depth() {
    assert_eq!(misses(skips_fields, |p| p.threads = 1), 1);
    assert_eq!(misses(skips_fields, |p| p.train.threads = 1), 1);
    assert_eq!(misses(skips_fields, |p| p.train.note.threads = 1), 2, "a field of the same name");
    assert_eq!(misses(skips_fields, |p| p.train.rate = 1.0), 2);
    assert_eq!(misses(skips_a_struct, |p| p.train.note.threads = 1), 1);
    assert_eq!(misses(skips_a_struct, |p| p.seed = 1), 2);
}

#[test]
fn a_skipped_argument_stays_out() {
    let lab = Lab::new();
    assert_eq!(*skips_an_argument(&mut lab.record(()), true, 1).unwrap().load().unwrap(), 2);
    assert_eq!(*skips_an_argument(&mut lab.record(()), false, 1).unwrap().load().unwrap(), 2);
    skips_an_argument(&mut lab.record(()), false, 2).unwrap();
    assert_eq!(lab.ran().len(), 2);
}

fn parity(params: &Params) -> u64 {
    params.seed % 2
}

#[stage(outputs = [x], cachers = [Json], key = parity)]
fn by_parity(params: &Params, also: u32) -> u64 {
    params.seed + u64::from(also)
}

#[stage(outputs = [x], cachers = [Json], key = |params, also| (params.seed, *also % 2))]
fn by_closure(params: &Params, also: u32, further: u32) -> u64 {
    params.seed + params.threads as u64 + u64::from(also + further)
}

#[stage(outputs = [x], cachers = [Json], key = length(text))]
fn by_length(text: &str, more: u32) -> String {
    format!("{text}{more}")
}

fn length(text: &str) -> usize {
    text.len()
}

#[stage(outputs = [x], cachers = [Json], key = |text| ())]
fn by_nothing(text: &str) -> String {
    text.to_owned()
}

#[test]
fn a_function_stands_for_the_params_and_only_for_them() {
    assert_eq!(misses(|r| by_parity(r, 1), |p| p.seed = 2), 1);
    assert_eq!(misses(|r| by_parity(r, 1), |p| p.seed = 1), 2);
    let lab = Lab::new();
    by_parity(&mut lab.record(Params::default()), 1).unwrap();
    by_parity(&mut lab.record(Params::default()), 2).unwrap();
    assert_eq!(lab.ran().len(), 2, "arguments enter beside it");
}

#[test]
fn a_closure_stands_for_what_it_names() {
    assert_eq!(misses(|r| by_closure(r, 1, 1), |p| p.threads = 2), 1);
    assert_eq!(misses(|r| by_closure(r, 1, 1), |p| p.seed = 2), 2);
    let lab = Lab::new();
    by_closure(&mut lab.record(Params::default()), 1, 1).unwrap();
    by_closure(&mut lab.record(Params::default()), 3, 1).unwrap();
    assert_eq!(lab.ran().len(), 1);
    by_closure(&mut lab.record(Params::default()), 3, 2).unwrap();
    by_closure(&mut lab.record(Params::default()), 2, 1).unwrap();
    assert_eq!(lab.ran().len(), 2);
}

#[test]
fn a_function_may_stand_for_arguments() {
    let lab = Lab::new();
    for (text, more) in [("ab", 1), ("cd", 1), ("cd", 2), ("abc", 1)] {
        by_length(&mut lab.record(()), text, more).unwrap();
    }
    assert_eq!(lab.ran().len(), 3);
    assert_eq!(*by_nothing(&mut lab.record(()), "a").unwrap().load().unwrap(), "a");
    assert_eq!(*by_nothing(&mut lab.record(()), "b").unwrap().load().unwrap(), "a");
}
