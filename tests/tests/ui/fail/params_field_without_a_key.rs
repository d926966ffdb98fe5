use memo_runtime::prelude::*;
use serde::Serialize;

struct Device {
    cores: usize,
}

#[derive(Serialize)]
struct Params {
    #[serde(skip)]
    device: Device,
}

#[stage(outputs = [rate], cachers = [Json])]
fn rate(params: &Params) -> usize {
    params.device.cores
}

#[stage(outputs = [cores], cachers = [Json])]
fn cores(params: &Params) -> usize {
    cores_of(&params.device)
}

fn cores_of(device: &Device) -> usize {
    device.cores
}

fn main() {}
