#!/usr/bin/env bash
# What the fingerprints of 100 stages in a crate of 20,000 lines add to `cargo check`, in seconds:
# clean (dependencies built) and after a touch, each the best of five, with `code = auto` and `body`.
# usage: measure.sh [FOLDER]
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
work=${1:-$(mktemp -d)}
for level in body auto; do
    python3 "$here/benches/reach/gen_big.py" "$here" "$work/$level" "$level"
    cp "$here/Cargo.lock" "$work/$level/Cargo.lock"
    (cd "$work/$level" && cargo check --quiet --offline 2> "$work/$level.log") || { cat "$work/$level.log"; exit 1; }
done
best() { sort -n | head -1; }
timed() { local from=$EPOCHREALTIME; "$@" > /dev/null 2>&1; echo "$EPOCHREALTIME $from" | awk '{printf "%.2f\n", $1 - $2}'; }
for level in body auto body auto; do
    cd "$work/$level"
    clean=$(for _ in 1 2 3 4 5; do cargo clean --quiet -p big; timed cargo check --offline; done | best)
    touched=$(for _ in 1 2 3 4 5; do touch src/main.rs; timed cargo check --offline; done | best)
    echo "code = $level: clean $clean, touched $touched"
done
