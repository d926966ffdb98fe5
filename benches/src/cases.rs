//! One file a case.

use crate::harness::Case;

mod digest_large;
mod entries;
mod hit_known;
mod hit_read;
mod hit_unread;
mod input_file;
mod input_file_new;
mod load_large;
mod miss;
mod miss_durable;
mod no_op_run;
mod process;

/// All cases, in the order of the table.
pub const ALL: &[Case] = &[
    hit_unread::CASE,
    hit_read::CASE,
    hit_known::CASE,
    miss::CASE,
    miss_durable::CASE,
    load_large::CASE,
    process::CASE,
    no_op_run::CASE,
    input_file::CASE,
    input_file_new::CASE,
    digest_large::CASE,
];
