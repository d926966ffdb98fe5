//! What decides about all shards at once, and what about none.

use super::shards_of;
use crate::common::*;

#[derive(Clone, Serialize)]
struct Params {
    rate: u64,
    threads: u64,
}

#[stage(
    each = [x in xs],
    inputs = [offset],
    outputs = [y],
    cachers = [Json],
    batch = 2,
    skip = [params.threads, verbose],
    secret = [token],
    key = |factor| factor / 10
)]
fn scaled(
    x: u64,
    params: &Params,
    offset: &u64,
    ctx: &Context,
    factor: u64,
    verbose: bool,
    token: &str,
) -> u64 {
    ctx.log(format!("{} {verbose} {}", params.threads, token.len()));
    x * params.rate * (factor / 10) + offset
}

struct Call {
    params: Params,
    offset: u64,
    factor: u64,
    verbose: bool,
    token: &'static str,
}

impl Default for Call {
    fn default() -> Self {
        let params = Params { rate: 2, threads: 1 };
        Self { params, offset: 1, factor: 10, verbose: false, token: "sesame-1" }
    }
}

impl Call {
    fn run(self, lab: &Lab) -> (Vec<u64>, Vec<usize>) {
        let Self { params, offset, factor, verbose, token } = self;
        let mut record = lab.record(params);
        record.insert("xs", vec![1_u64, 2, 3]).unwrap();
        record.insert("offset", offset).unwrap();
        let ys = scaled(&mut record, factor, verbose, token).unwrap();
        (ys.collect().unwrap(), shards_of(lab, "scaled"))
    }
}

#[test]
fn what_all_shards_share_decides_about_all() {
    let (lab, all) = (Lab::new(), vec![0, 1, 2]);
    assert_eq!(Call::default().run(&lab), (vec![3, 5, 7], all.clone()));
    let params = Params { rate: 3, threads: 1 };
    let changed = Call { params, ..Call::default() };
    assert_eq!(changed.run(&lab), (vec![4, 7, 10], all.clone()));
    let changed = Call { offset: 2, ..Call::default() };
    assert_eq!(changed.run(&lab), (vec![4, 6, 8], all.clone()));
    let changed = Call { factor: 20, ..Call::default() };
    assert_eq!(changed.run(&lab), (vec![5, 9, 13], all.clone()));
    let changed = Call { token: "sesame-2", ..Call::default() };
    assert_eq!(changed.run(&lab), (vec![3, 5, 7], all));
    assert_eq!(Call::default().run(&lab), (vec![3, 5, 7], vec![]));
}

#[test]
fn what_is_left_out_of_the_key_decides_about_none() {
    let lab = Lab::new();
    Call::default().run(&lab);
    let params = Params { rate: 2, threads: 8 };
    let changed = Call { params, factor: 19, verbose: true, ..Call::default() };
    assert_eq!(changed.run(&lab), (vec![3, 5, 7], vec![]));
    for file in memo_tests::files_below(&lab.store_path()) {
        let content = std::fs::read(&file).unwrap();
        let holds_it = content.windows(6).any(|part| part == b"sesame");
        assert!(!holds_it, "{} holds a secret", file.display());
    }
}

#[stage(each = [file in files], outputs = [text], cachers = [Text])]
fn read(file: &InputFile) -> Result<String> {
    Ok(std::fs::read_to_string(file)?)
}

#[test]
fn files_in_an_array_enter_by_their_content() {
    let lab = Lab::new();
    let run = |texts: [&str; 3]| {
        let files = ["a", "b", "c"].into_iter().zip(texts);
        let files: Vec<_> = files.map(|(name, text)| lab.write(name, text).into()).collect();
        let mut record = lab.record(());
        record.insert::<Vec<InputFile>>("files", files).unwrap();
        let texts = read(&mut record).unwrap().collect().unwrap();
        (texts.concat(), shards_of(&lab, "read"))
    };
    assert_eq!(run(["1", "2", "3"]), ("123".to_owned(), vec![0, 1, 2]));
    assert_eq!(run(["1", "2", "3"]), ("123".to_owned(), vec![]));
    assert_eq!(run(["1", "4", "3"]), ("143".to_owned(), vec![1]));
    assert_eq!(run(["1", "2", "3"]), ("123".to_owned(), vec![]));
}

#[stage(each = [x in xs], done = true)]
fn send(x: &u64) -> Result<()> {
    if *x == 2 {
        return Err("no reply".into());
    }
    Ok(())
}

#[stage(each = [x in xs])]
fn shout(x: &u64) {
    assert!(*x > 0);
}

#[test]
fn markers_are_left_for_each_element() {
    let lab = Lab::new();
    let run = |xs: &[u64]| {
        let mut record = lab.record(());
        record.insert("xs", xs.to_vec()).unwrap();
        let sent = send(&mut record).is_ok();
        let sends = shards_of(&lab, "send");
        shout(&mut record).unwrap();
        (sent, sends, shards_of(&lab, "shout"))
    };
    assert_eq!(run(&[1, 2, 3]), (false, vec![0, 1, 2], vec![0, 1, 2]));
    assert_eq!(run(&[1, 2, 3]), (false, vec![1], vec![0, 1, 2]));
    assert_eq!(run(&[4, 3, 1]), (true, vec![0], vec![0, 1, 2]));
}

#[stage(each = [x in xs], outputs = [size], cachers = [Json])]
fn size<T: Serialize + Send + Sync + 'static, const N: usize>(x: &T) -> usize {
    size_of_val(x) * N
}

#[test]
fn instances_of_a_generic_array_have_keys_of_their_own() {
    let lab = Lab::new();
    let mut record = lab.record(());
    record.insert("xs", vec![1_u8, 2]).unwrap();
    assert_eq!(size::<u8, 1>(&mut record).unwrap().collect().unwrap(), [1, 1]);
    assert_eq!(size::<u8, 3>(&mut record).unwrap().collect().unwrap(), [3, 3]);
    assert_eq!(shards_of(&lab, "size"), [0, 0, 1, 1]);
    let error = size::<u16, 1>(&mut record).unwrap_err().chain();
    assert!(error.contains("`xs`") && error.contains("u16"), "{error}");
    assert!(shards_of(&lab, "size").is_empty());
}
