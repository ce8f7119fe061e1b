#!/bin/bash
# The main job on the embedded model, from a private daemon that leaves nothing behind but one page.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
programs=$root/.build/release
page=$root/.build/demo.html
# Not in $TMPDIR: a socket's path has at most 107 bytes.
work=$(mktemp -d /tmp/lensd-demo-XXXXXX)
daemon=

leave() {
    status=$?
    trap - EXIT INT TERM
    if [ -n "$daemon" ] && kill -0 "$daemon" 2>/dev/null; then
        kill "$daemon"
        wait "$daemon" 2>/dev/null || true
    fi
    [ $status -eq 0 ] || tail -n 5 "$work/lensd.log" >&2 2>/dev/null || true
    rm -rf "$work"
    exit $status
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

story="Once upon a time, there was a little girl named Lily. She loved to play with her red ball in the park. \
One day, Lily lost her ball. She was very sad. Her friend Tom found the ball and gave it to"

unset LENSD_MODEL LENSD_SESSION LENSD_LOG
export LENSD_SOCKET=$work/lensd.sock LENSD_STATE=$work/state LENSD_MODELS=$root/Models
"$programs/lensd" 2>"$work/lensd.log" &
daemon=$!
for _ in $(seq 200); do
    grep -q ready "$work/lensd.log" && break
    kill -0 "$daemon" 2>/dev/null || { echo "demo: lensd did not start" >&2; exit 69; }
    sleep 0.05
done

show() {
    if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
        printf '\n\033[1m$ lensctl %s\033[0m\n' "$1"
    else
        printf '\n$ lensctl %s\n' "$1"
    fi
    shift
    "$programs/lensctl" "$@"
}
show 'tokens "Once upon a time, …"' tokens "$story"
show 'run "Once upon a time, …"' run "$story"
show 'attention "Once upon a time, …"' attention "$story"
show "ablate \"Once upon a time, …\" --html ${page#"$root"/}" ablate "$story" --html "$page"
printf '\nThe page with all patterns and bars: %s\n' "$page"
