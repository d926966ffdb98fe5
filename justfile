# List the recipes.
default:
    @just --list

# All that continuous integration checks.
check:
    .ci/run

# Unit, integration and documentation tests.
test:
    cargo test --workspace

# The client of Slurm, and experiments, against a real cluster that is brought up and taken down. With a newer Slurm in a tree
# of its own: `MEMO_SLURM_TREE=/a/folder just slurm`, which fills that folder once.
slurm:
    cargo test -p memo-runtime --lib slurm
    cargo test -p memo-tests --test slurm

# Compile-fail fixtures: the messages of the macros.
ui:
    cargo test -p memo-tests --test ui

# Accept the messages and expansions that fixtures and snapshots show now; look at the difference then.
bless:
    TRYBUILD=overwrite cargo test -p memo-tests --test ui
    INSTA_UPDATE=always cargo test -p memo-macros

# The documentation, as users see it.
doc:
    cargo doc --workspace --no-deps --all-features --open

# Licences, advisories, duplicate versions and sources of the dependencies.
deny:
    cargo deny check

# Costs beside the floors of this machine: all cases, or those named.
bench *CASES:
    cargo run --release -p memo-benches -- {{CASES}}
