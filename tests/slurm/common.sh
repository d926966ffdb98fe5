# What the scripts of this folder share. Sourced, not run.
export LC_ALL=C

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# No Slurm can be had on this machine: tests say so and pass.
NO_SLURM=77

say() { printf 'slurm: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}

# Whether process $1 runs. A daemon that nobody has reaped yet does not.
alive() { [ -d "/proc/$1" ] && ! grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null; }

# The environment of process $1, a line each.
environ() { { tr '\0' '\n' <"/proc/$1/environ"; } 2>/dev/null; }

# Whether process $1 belongs to the cluster in DIR; a number may have been given away again.
ours() {
    environ "$1" | grep -qxF "SLURM_CONF=$DIR/etc/slurm.conf" ||
        { tr '\0' ' ' <"/proc/$1/cmdline" | grep -qF "$DIR/"; } 2>/dev/null
}

# stop PIDFILE [SECONDS]: ends the daemon of the file, with force after so many seconds.
stop() {
    local pid n
    [ -s "$1" ] || return 0
    pid=$(tr -dc 0-9 <"$1")
    if [ -n "$pid" ] && ours "$pid"; then
        kill "$pid" 2>/dev/null
        for ((n = 0; n < ${2:-10} * 20; n++)); do
            alive "$pid" || break
            sleep 0.05
        done
        alive "$pid" && kill -9 "$pid" 2>/dev/null
    fi
    rm -f "$1"
}

# running [NODE]: the numbers of all processes of tasks, of one node or of all. The daemon beside each has
# no environment left to know it by, but is the parent of its task, or has its log open.
running() {
    local p parent node=${1:-[^/]*}
    for p in /proc/[0-9]*; do
        if [ "$(cat "$p/comm" 2>/dev/null)" = slurmstepd ]; then
            readlink "$p"/fd/* 2>/dev/null | grep -q "$DIR/log/slurmd\.$node\.log$" && echo "${p#/proc/}"
        elif [ "$(environ "${p#/proc/}" | grep -cx -e "SLURM_CONF=$SLURM_CONF" -e "SLURMD_NODENAME=$node")" = 2 ]; then
            parent=$(sed 's/.*) . //; s/ .*//' "$p/stat" 2>/dev/null)
            [ "$(cat "/proc/$parent/comm" 2>/dev/null)" = slurmstepd ] && echo "$parent"
            echo "${p#/proc/}"
        fi
    done
}

is_up() { timeout 5 scontrol ping 2>/dev/null | grep -q 'is UP'; }

# use DIR: names the cluster. Where it lives in a tree of its own (see `up --tree`), the script goes on there.
use() {
    DIR=$(cd "$1" && pwd) || exit 1
    export SLURM_CONF=$DIR/etc/slurm.conf
    if [ -s "$DIR/tree" ] && [ -z "${MEMO_SLURM_INSIDE:-}" ]; then
        exec "$HERE/inside" "$DIR" "$HERE/$(basename "$0")" "${ARGUMENTS[@]}"
    fi
}

ARGUMENTS=("$@")
