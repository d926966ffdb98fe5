//! Tables by hash for unoptimised builds, where the hashing of std takes longer than all that is done
//! with what is found.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A map by a quick hash.
pub type Map<K, V> = HashMap<K, V, BuildHasherDefault<Quick>>;
/// A set by a quick hash.
pub type Set<K> = HashSet<K, BuildHasherDefault<Quick>>;

/// A hasher that multiplies. Whoever writes names that collide waits for a compiler of their own.
#[derive(Default, Clone, Copy)]
pub struct Quick(u64);

impl Quick {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let mut word = 0_u64;
        let mut at = 0;
        while at < bytes.len() {
            word = word << 8 | u64::from(bytes[at]);
            at += 1;
            if at % 8 == 0 {
                self.add(word);
                word = 0;
            }
        }
        self.add(word);
    }

    fn write_u8(&mut self, byte: u8) {
        self.add(u64::from(byte));
    }

    fn write_usize(&mut self, number: usize) {
        self.add(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}
