//! A buffer that its thread keeps for the next user: a key is made of a few hundred bytes, and asking for
//! them takes longer than filling them.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

/// What is larger is given back.
const MOST: usize = 16 * 1024;

/// How many buffers a thread keeps: the digest of a part is made within that of a key.
const KEPT: usize = 2;

thread_local! {
    static KEPT_BUFFERS: [Cell<Vec<u8>>; KEPT] = const { [const { Cell::new(Vec::new()) }; KEPT] };
}

/// An empty buffer at first.
#[derive(Debug, Clone)]
pub(crate) struct SpareBuffer(Vec<u8>);

impl SpareBuffer {
    pub(crate) fn new() -> Self {
        let kept = KEPT_BUFFERS.try_with(|buffers| {
            buffers.iter().map(Cell::take).find(|buffer| buffer.capacity() > 0)
        });
        let mut buffer = kept.ok().flatten().unwrap_or_else(|| Vec::with_capacity(512));
        buffer.clear();
        Self(buffer)
    }
}

impl Drop for SpareBuffer {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        if buffer.capacity() > MOST {
            return;
        }
        // A thread that ends keeps nothing.
        let _ = KEPT_BUFFERS.try_with(|buffers| {
            for place in buffers {
                let there = place.take();
                if there.capacity() == 0 {
                    place.set(buffer);
                    return;
                }
                place.set(there);
            }
        });
    }
}

impl Deref for SpareBuffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for SpareBuffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}
