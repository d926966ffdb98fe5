use memo_runtime::prelude::*;
use serde::Serialize;

#[derive(Serialize)]
struct Api {
    token: String,
}

#[derive(Serialize)]
struct Params {
    api: Api,
}

#[stage(outputs = [count], cachers = [Json], skip = [params.api], secret = [params.api.token])]
fn count(params: &Params) -> usize {
    params.api.token.len()
}

fn main() {}
