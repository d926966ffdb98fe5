# List the recipes.
default:
    @just --list

# All that continuous integration checks.
check:
    .ci/run

# Unit, integration and documentation tests.
test:
    cargo test --workspace

# Compile-fail fixtures: the messages of the macros.
ui:
    cargo test -p memo-tests ui

# Accept the messages that the fixtures and snapshots show now; look at the difference before committing.
bless:
    TRYBUILD=overwrite cargo test -p memo-tests ui
    INSTA_UPDATE=always cargo test --workspace

# The documentation, as users see it.
doc:
    cargo doc --workspace --no-deps --all-features --open

# Licences, advisories, duplicate versions and sources of the dependencies.
deny:
    cargo deny check

# Costs beside the floors of this machine.
bench:
    cargo bench -p memo-benches
