#!/bin/sh
# Installs what is missing and opens the viewer: sh packaging/run.sh [PATH...]
# PATH is what `synoptic view` takes: files, folders, archives. Without one the demo study is shown.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/packaging/setup.sh"

has_display() {
    [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}${QT_QPA_PLATFORM:-}" ] || [ "$(uname)" = Darwin ]
}

if ! system_packages "the window needs" "$root/packaging/apt.txt" && has_display; then
    exit 2
fi
prepare run
if ! has_display; then
    say "there is no display here (DISPLAY and WAYLAND_DISPLAY are empty), so the window cannot open." \
        "Fuse on the command line instead, for example the demo study's MR and PET:"
    printf '  "%s" demo demo\n  "%s" fuse demo/nifti/mr.nii.gz demo/nifti/pet.nii.gz --network lightfusionnet --out fused\n' \
        "$venv/bin/synoptic" "$venv/bin/synoptic" >&2
    exit 2
fi
exec "$venv/bin/synoptic" view "$@"
