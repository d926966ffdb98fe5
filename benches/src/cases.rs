//! One file a case.

use crate::harness::Case;

mod arrays;
mod built;
mod digest_large;
mod entries;
mod hit_known;
mod hit_read;
mod hit_unread;
mod input_file;
mod input_file_new;
mod load_large;
mod many;
mod miss;
mod miss_durable;
mod no_op_deep;
mod no_op_files;
mod no_op_ninja;
mod no_op_run;
mod no_op_wide;
mod process;
mod shards_added;
mod shards_found;
mod slurm_batches;
mod two_jobs;

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
    no_op_ninja::CASE,
    no_op_files::CASE,
    no_op_wide::CASE,
    no_op_deep::CASE,
    two_jobs::CASE,
    input_file::CASE,
    input_file_new::CASE,
    digest_large::CASE,
    shards_found::FEW,
    shards_found::CASE,
    shards_found::MANY,
    shards_found::NOTHING_NEW,
    arrays::FEW,
    arrays::CASE,
    arrays::MANY,
    arrays::RUN,
    shards_added::CASE,
    shards_added::DURABLE,
    slurm_batches::CASE,
    slurm_batches::FIRST,
];
