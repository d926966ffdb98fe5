//! What happens when things go wrong: kills, damage, hostile content, full and read-only disks, many
//! processes at once, panics, clocks.
//!
//! Most of it is real: processes that are killed, mounts that are full, bits that are flipped.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on ends, and says what it leaves out"
)]
#![allow(clippy::trivially_copy_pass_by_ref, reason = "stages take their inputs by reference")]

mod support;

mod arrays;
mod chains;
mod clocks;
mod concurrency;
mod corruption;
mod full;
mod hostile;
mod inputs;
mod interrupts;
mod kills;
mod panics;
mod read_only;
mod shards;
mod twins;
mod unusable;
