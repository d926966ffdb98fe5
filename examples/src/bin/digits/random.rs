//! [`Random`]: random numbers that are the same in every run and on every machine.

/// `SplitMix64` by Sebastiano Vigna: eight bytes of state, good enough to start and shuffle with.
pub struct Random(u64);

impl Random {
    /// Starts a sequence; the same `seed` gives the same sequence.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Draws any integer.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Draws from 0 (included) to 1 (excluded).
    pub fn unit(&mut self) -> f64 {
        f64::from((self.draw() >> 32) as u32) * 0.5_f64.powi(32)
    }
}
