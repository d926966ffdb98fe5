//! What can never go well is said, and nothing has run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::cluster::Cluster;
use crate::submitter::{HELPER, Place, Told};

/// Fails unless nothing was done.
fn is_refused(place: &Place<'_>, told: &Told) {
    assert_eq!((told.code, told.count("started")), (Some(2), 0), "{told:?}");
    assert!(place.begun().is_empty());
}

#[test]
fn what_the_cluster_cannot_give_is_refused_before_anything_runs() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "refused");
    let told = place.run(&["--record", "huge"]);
    is_refused(&place, &told);
    told.has("cluster_helper::huge").has("`cpus`");
    for (option, word) in [("partition=nowhere", "partition"), ("gres=gpu:9", "gres")] {
        let told = place.run(&["--record", "plain", "--slurm", option]);
        is_refused(&place, &told);
        told.has("cluster_helper::plain").has(word);
    }
    let told = place.run(&["--record", "plain", "--slurm", "array=1-3"]);
    is_refused(&place, &told);
}

#[test]
fn without_slurm_that_is_said() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "without");
    let mut command = place.command(HELPER, &["--record", "plain", "--executor", "slurm"]);
    let told = place.start_as(command.env("PATH", "/nowhere")).end();
    is_refused(&place, &told);
    told.has("was not found");
}

#[test]
fn a_worker_that_comes_to_another_plan_refuses() {
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "differs");
    fs::write(place.folder.join("params.toml"), "factor = 3\n").unwrap();
    let flags =
        ["--record", "plain", "--params", "params.toml", "--max-running", "1", "--set", "hold=[0]"];
    let submitter = place.start(&flags);
    place.until_begun(1);
    fs::write(place.folder.join("params.toml"), "factor = 4\n").unwrap();
    place.go();
    let told = submitter.end();
    assert_eq!((told.code, told.count("shard_finished")), (Some(1), 1), "{told:?}");
    assert_eq!((told.failed(), told.jobs().len()), ((1..8).collect(), 1));
    told.has("another plan");
    assert_eq!(place.begun().len(), 1, "no body has run");

    // What the one has made is right for the params that it was made of.
    fs::write(place.folder.join("params.toml"), "factor = 3\n").unwrap();
    assert_eq!(place.run(&["--record", "plain"]).count("shard_finished"), 7);
    place.is_all_there(8);
}

#[test]
fn a_store_that_the_nodes_do_not_see_is_told() {
    // The commands of a cluster in a tree do not see it either.
    if std::env::var_os("MEMO_SLURM_TREE").is_some() {
        return;
    }
    let Some(cluster) = Cluster::shared() else { return };
    let place = Place::new(cluster, "unseen");
    fs::create_dir(place.folder.join("store")).unwrap();
    // Nobody else sees what lies in this folder.
    let script = place.folder.join("start");
    let text = format!("#!/bin/sh\nmount -t tmpfs none store && exec {HELPER} \"$@\"\n");
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = place.command("unshare", &[]);
    command = {
        let mut alone = std::process::Command::new("unshare");
        alone.args(["--mount", script.to_str().unwrap()]).current_dir(&place.folder);
        alone.args(["--executor", "slurm", "--format", "json", "--record", "plain"]);
        alone.args(["--set", "count=2", "--store", "store"]);
        for (name, value) in command.get_envs() {
            alone.env(name, value.unwrap());
        }
        alone
    };
    let told = place.start_as(&mut command).end();
    assert_eq!((told.code, told.failed()), (Some(1), vec![0, 1]), "{told:?}");
    told.has("store's folder");
}
