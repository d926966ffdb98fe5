#!/usr/bin/env bash
# What the fingerprints of 100 stages in a crate of 27,000 lines add to `cargo check`, in seconds of user
# time: clean (dependencies built) and after a touch, each the mean of the best three of ROUNDS, with
# `code = auto` and `body`. Elapsed time says less where others use the machine.
# usage: measure.sh [FOLDER [ROUNDS]]
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
work=${1:-$(mktemp -d)}
rounds=${2:-6}
for level in body auto; do
    python3 "$here/benches/reach/gen_big.py" "$here" "$work/$level" "$level"
    cp "$here/Cargo.lock" "$work/$level/Cargo.lock"
    (cd "$work/$level" && cargo check --quiet --offline 2> "$work/$level.log") || { cat "$work/$level.log"; exit 1; }
done
check() { ( TIMEFORMAT=%U; time cargo check --offline > /dev/null 2>&1 ) 2>> "$work/$1"; }
best() { sort -n "$work/$1" | head -3 | awk '{ sum += $1 } END { printf "%.2f", sum / NR }'; }
rm -f "$work"/*.times
for _ in $(seq "$rounds"); do
    for level in body auto; do
        cd "$work/$level"
        cargo clean --quiet -p big
        check "$level.clean.times"
        touch src/main.rs
        check "$level.touched.times"
    done
done
for level in body auto; do
    echo "code = $level: clean $(best "$level.clean.times"), touched $(best "$level.touched.times")"
done
