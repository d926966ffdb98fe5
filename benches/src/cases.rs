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
mod shards_added;
mod shards_found;

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
    shards_found::FEW,
    shards_found::CASE,
    shards_found::MANY,
    shards_found::NOTHING_NEW,
    shards_added::CASE,
    shards_added::DURABLE,
];
