#!/bin/sh
# Installs what is missing, the tests' needs too, then runs lint, types and all tests: sh packaging/test.sh
# The tests marked `data` run where SYNOPTIC_DATA names the folder of real studies, those marked `gpu` where an
# NVIDIA driver is. With CI set, a skipped test is a failure.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/packaging/setup.sh"

system_packages "the tests need" "$root/packaging/apt.txt" "$root/packaging/apt-test.txt" || exit 2
prepare test

cd "$root"
export PATH="$venv/bin:$PATH"
failed=
ruff check || failed="$failed lint"
ruff format --check --quiet || failed="$failed format"
mypy || failed="$failed types"

chosen='not bench'
[ -n "${SYNOPTIC_DATA:-}" ] || chosen="$chosen and not data"
has_nvidia_driver || chosen="$chosen and not gpu"
workers=$(getconf _NPROCESSORS_ONLN 2>/dev/null) || workers=2
[ "$workers" -le 4 ] || workers=4 # each loads torch and Qt
# One thread for each worker: more would only take turns.
tests=0
# A worker that crashes ends the run: pytest-xdist waits for ever for what it was to do.
OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} pytest -n "$workers" --dist loadfile --max-worker-restart 0 -m "$chosen" || tests=$?
[ -z "$failed" ] || {
    echo "failed before the tests:$failed"
    exit 1
}
exit "$tests"
