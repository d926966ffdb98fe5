//! What a body may do to `params` beside reading fields: hand it on, bind it anew, show it, shadow it, and
//! take fields of tuples.

use memo_runtime::prelude::*;
use memo_tests::Lab;
use serde::Serialize;

#[derive(Clone, Debug, Default, Serialize)]
struct Train {
    rate: u64,
    layers: Vec<u64>,
}

#[derive(Clone, Debug, Default, Serialize)]
struct Params {
    train: Train,
    pair: (u64, (u64, u64)),
}

impl Params {
    fn total(&self) -> u64 {
        self.pair.0 + self.train.rate
    }
}

#[stage(outputs = [a], cachers = [Json], skip = [params.pair.1.0])]
fn fields(params: &Params) -> u64 {
    params.pair.1.1
        + params.pair.0
        + params.train.layers.iter().sum::<u64>()
        + params.train.layers[0]
}

#[stage(outputs = [a], cachers = [Json])]
fn whole(params: &Params) -> String {
    let Params { train, .. } = params;
    let other = params;
    let twice = |params: u64| params * 2;
    format!("{params:?} {train:?} {} {}", other.total(), twice(1))
}

#[stage(outputs = [a], cachers = [Json])]
fn unread(#[expect(unused_variables)] params: &Params) -> u64 {
    let params = 3;
    params
}

#[stage(outputs = [a], cachers = [Json])]
fn slice(params: &Vec<u64>) -> usize {
    params.len()
}

#[test]
fn runs() -> Result<()> {
    let lab = Lab::new();
    let train = Train { rate: 1, layers: vec![2] };
    let mut record = lab.record(Params { train, ..Params::default() });
    assert_eq!(*fields(&mut record)?.load()?, 4);
    assert!(whole(&mut record)?.load()?.ends_with(" 1 2"));
    assert_eq!(*unread(&mut record)?.load()?, 3);
    assert_eq!(*slice(&mut lab.record(vec![1]))?.load()?, 1);
    Ok(())
}
