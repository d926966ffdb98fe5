//! What builds differ in and fingerprints do not: the folder, the profile, the command.

use std::collections::BTreeSet;

use crate::cases;
use crate::support::{HIT, Run, Workspace};
use crate::table::Table;

fn run(table: &Table, store: &Workspace) -> Run {
    let (mode, record, jobs) = ("run", "one", "1");
    Run { mode, record, jobs, store: store.path("store"), variables: table.variables(false) }
}

#[test]
fn another_folder_and_an_optimised_build_find_everything() {
    let table = Table::new(cases::all());
    let ws = table.workspace("first");
    ws.build_and_run(&[], &[run(&table, &ws)]);

    let other = ws.copy("second folder");
    let seen = other.build_and_run(&[], &[run(&table, &ws)]);
    table.expect(&seen[0], "another folder", |_| HIT.to_owned());

    // As `--release` compiles the crate, without compiling all dependencies once more.
    let release =
        ["profile.dev.package.app.opt-level=3", "profile.dev.package.app.debug-assertions=false"];
    let release = release.map(|setting| format!("--config={setting}"));
    let release: Vec<_> = release.iter().map(String::as_str).collect();
    let seen = other.build_and_run(&release, &[run(&table, &ws)]);
    let expected = |name: &str| match name {
        "debug_assertions" => "code: `cfg debug_assertions` changed",
        _ => HIT,
    };
    table.expect(&seen[0], "an optimised build", |case| expected(case.name).to_owned());
}

/// A wrapper around rustc, or around what clippy has in its place, that shows what macros have written.
#[cfg(unix)]
#[test]
fn every_command_gives_the_same_fingerprints() {
    use std::os::unix::fs::PermissionsExt as _;

    let table = Table::new(cases::all());
    let ws = table.workspace("commands");
    let wrapper = |name: &str, line: &str| {
        ws.write(name, &format!("#!/bin/sh\nexport RUSTC_BOOTSTRAP=1\n{line}\n"));
        std::fs::set_permissions(ws.path(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        ws.path(name)
    };
    let rustc = wrapper("rustc.sh", "exec \"$@\"");
    let clippy = wrapper("clippy.sh", "exec clippy-driver \"$@\"");
    let optimised = "--config=profile.dev.package.app.opt-level=3";
    let commands: [(&[&str], &std::path::Path); 5] = [
        (&["rustc", "--profile", "dev"], &rustc),
        (&["rustc", "--profile", "dev", optimised], &rustc),
        (&["rustc", "--profile", "check"], &rustc),
        (&["rustc", "--profile", "check"], &clippy),
        (&["rustc", "--profile", "test"], &rustc),
    ];
    let mut all = Vec::new();
    for (command, wrapper) in commands {
        let arguments = [command, &["-p", "app", "--lib", "--", "-Zunpretty=expanded"]].concat();
        let text = Workspace::exclusively(|| {
            ws.cargo(&arguments, &[("RUSTC_WORKSPACE_WRAPPER", wrapper)])
        });
        let words = text.split_whitespace();
        let numbers = words.filter(|word| word.contains("_u128") && word.contains("0x"));
        all.push((command, numbers.map(str::to_owned).collect::<BTreeSet<_>>()));
    }
    assert!(all[0].1.len() > 60, "{} fingerprints", all[0].1.len());
    for (command, fingerprints) in &all {
        assert_eq!(fingerprints, &all[0].1, "{command:?}");
    }
}
