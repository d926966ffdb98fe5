//! Calls that do not wait.

mod chains;
mod ends;
mod forms;
mod planned;
mod sharing;

use std::sync::{Arc, Condvar, Mutex};

use memo_runtime::{Call, CallStatus};

use crate::common::*;

/// What bodies wait at until a test lets them through, and what it waits at until they are there.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    arrived: usize,
    inside: usize,
    most: usize,
    open: bool,
}

impl Gate {
    /// A gate that lets everybody through.
    fn opened() -> Self {
        let gate = Self::default();
        gate.open();
        gate
    }

    fn open(&self) {
        self.0.0.lock().unwrap().open = true;
        self.0.1.notify_all();
    }

    /// What a body does.
    fn pass(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        state.arrived += 1;
        state.inside += 1;
        state.most = state.most.max(state.inside);
        changed.notify_all();
        let mut state = changed.wait_while(state, |state| !state.open).unwrap();
        state.inside -= 1;
    }

    /// Waits until `count` bodies have come.
    fn wait_for(&self, count: usize) {
        let (state, changed) = &*self.0;
        let state = state.lock().unwrap();
        drop(changed.wait_while(state, |state| state.arrived < count).unwrap());
    }

    fn arrived(&self) -> usize {
        self.0.0.lock().unwrap().arrived
    }

    /// How many bodies were there at a time.
    fn most(&self) -> usize {
        self.0.0.lock().unwrap().most
    }
}

/// Opens the gate also where a test fails, so that it ends.
struct Opens(Gate);

impl Drop for Opens {
    fn drop(&mut self) {
        self.0.open();
    }
}

#[stage(outputs = [number], cachers = [Json], skip = [gate])]
fn number(from: u32, gate: Gate) -> u32 {
    gate.pass();
    from + 1
}

#[stage(inputs = [number], outputs = [doubled], cachers = [Json], skip = [gate])]
fn doubled(number: &u32, gate: Gate) -> u32 {
    gate.pass();
    number * 2
}

#[stage(inputs = [doubled], outputs = [text], cachers = [Json], skip = [gate])]
fn text(doubled: &u32, gate: Gate) -> String {
    gate.pass();
    format!("it is {doubled}")
}

/// Waits for the end of a call as a program does that polls: it must not run it.
fn poll<T>(call: &Call<T>) -> CallStatus {
    loop {
        let status = call.status();
        if status.has_ended() {
            return status;
        }
        std::thread::yield_now();
    }
}
