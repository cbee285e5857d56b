# shellcheck shell=sh
# Sourced by run.sh and test.sh: installs what is missing, so that .venv/bin/synoptic runs. Needs $root; sets $venv.
# All it prints goes to stderr; what the user can mend ends it with one sentence and exit code 2.

venv=${root:?the folder of the checkout}/.venv
torch_cpu_index=https://download.pytorch.org/whl/cpu # PyTorch's own
libraries=$(env PATH="$PATH:/usr/sbin:/sbin" ldconfig -p 2>/dev/null) || libraries= # an ordinary user's PATH lacks sbin
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_USER=0

say() { printf 'synoptic: %s\n' "$*" >&2; }

stop() {
    say "$*"
    exit 2
}

# May packages be installed here? Then $as_root is what goes before apt-get.
can_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    as_root=
    [ "$(id -u)" -eq 0 ] && return 0
    as_root='sudo -n'
    command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null
}

# apt_install PACKAGE...
apt_install() {
    say "installing with apt: $*"
    log=$(mktemp)
    # The lists may be missing (a fresh image) or old (files gone from the mirror), so they are always fetched; a
    # failure there may be another program's source, and only the installation counts.
    if ! {
        $as_root apt-get -q -o DPkg::Lock::Timeout=300 update || :
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 \
            install -y --no-install-recommends "$@"
    } >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        stop "apt could not install these packages, for the reason above: mend that, then start again."
    fi
    rm -f "$log"
}

# A machine without ldconfig (macOS) has no list to look in, and brings Qt's needs with it.
has_library() {
    case $libraries in
    '' | *"$(printf '\t')$1 ("*) return 0 ;;
    *) return 1 ;;
    esac
}

# missing_packages LIST...: the packages whose library or command, named first on each line, is not here
missing_packages() {
    cat "$@" | while read -r wanted package; do
        case $wanted in
        '#'*) continue ;;
        *.so.*) ! has_library "$wanted" || continue ;;
        *) ! command -v "$wanted" >/dev/null 2>&1 || continue ;;
        esac
        printf '%s ' "$package"
    done
}

# system_packages PURPOSE LIST...: installs them where that is allowed; otherwise names them, and returns 1
system_packages() {
    purpose=$1
    shift
    packages=$(missing_packages "$@")
    [ -n "$packages" ] || return 0
    if can_install; then
        # shellcheck disable=SC2086 # one word for each package
        apt_install $packages
    else
        say "$purpose packages that cannot be installed from here: have an administrator run" \
            "'apt-get install ${packages% }' (Debian's names), then start again."
        return 1
    fi
}

# Sets $python to a Python from 3.11 on that can make virtual environments; $without_venv to one that cannot.
look_for_python() {
    python=
    without_venv=
    for name in python3.13 python3.12 python3.11 python3.14 python3; do
        command -v "$name" >/dev/null 2>&1 || continue
        "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        if "$name" -c 'import ensurepip, venv' 2>/dev/null; then
            python=$name
            return 0
        fi
        without_venv=${without_venv:-$name}
    done
    return 1
}

find_python() {
    look_for_python && return 0
    packages="python3 python3-venv"
    [ -z "$without_venv" ] || packages=$without_venv-venv
    if can_install; then
        # shellcheck disable=SC2086
        apt_install $packages
        look_for_python && return 0
    fi
    stop "Python 3.11 or later that can make virtual environments is missing (on Debian: apt-get install $packages)."
}

has_nvidia_driver() {
    command -v nvidia-smi >/dev/null 2>&1 || { [ -n "$libraries" ] && has_library libcuda.so.1; }
}

# Only inside prepare's subshell, which `stop` ends.
pip() {
    "$venv/bin/python" -m pip "$@" ${quiet:+"$quiet"} >&2 ||
        stop "pip could not do this, for the reason above: mend it (often the connection), then start again."
}

# pip_would_bring_cpu_torch: does the torch that pip finds here do without CUDA?
pip_would_bring_cpu_torch() {
    {
        "$venv/bin/python" -m pip install -qq --dry-run --no-deps --ignore-installed --report "$report" "$torch" &&
            "$venv/bin/python" pip_report.py torch-is-for-cpu "$report"
    } >&2
}

# say_size REASON REQUIREMENTS...: the size of what pip is about to download, where that is over 1 GB
say_size() {
    reason=$1
    shift
    pip install --dry-run --report "$report" "$@"
    size=$("$venv/bin/python" pip_report.py download-over-1-gb "$report") || stop "pip's report could not be read."
    [ -z "$size" ] || say "downloading $size: $reason"
}

# install_libraries REQUIREMENTS...: the pinned libraries, with the build of torch that suits this machine
install_libraries() {
    torch=$(grep '^torch==' requirements.txt)
    report=$venv/pip-report.json
    if has_nvidia_driver; then
        case $("$venv/bin/python" -m pip freeze) in
        *"$torch+cpu"*) pip uninstall -y torch ;; # from before the driver was here; it would satisfy the pin
        esac
        say_size "there is an NVIDIA driver, so torch comes with CUDA" "$@"
    elif ! pip_would_bring_cpu_torch &&
        ! "$venv/bin/python" -m pip install --no-deps --index-url "$torch_cpu_index" "$torch" ${quiet:+"$quiet"} >&2; then
        say_size "PyTorch's index of CPU builds cannot be reached, so torch comes with CUDA" "$@"
    fi
    pip install "$@"
}

# is_made LEVEL...: one of these levels was made from what is here now
is_made() {
    for made in "$@"; do
        [ ! -f "$venv/synoptic-$made" ] || [ "$(cat "$venv/synoptic-$made")" != "$made_from" ] || return 0
    done
    return 1
}

# prepare run|test: the virtual environment with the pinned libraries and Synoptic in it.
# A stamp, written last, holds what the level was made from; while it matches there is nothing to do.
prepare() {
    level=$1
    made_from=$(
        has_nvidia_driver && echo nvidia
        cd "$root" && pwd && cat packaging/requirements*.txt packaging/setup.sh packaging/pip_report.py pyproject.toml
    )
    made_from=$(printf '%s' "$made_from" | cksum)
    [ ! -x "$venv/bin/synoptic" ] || ! is_made test "$level" || return 0 # `test` holds all that `run` does

    find_python
    fresh=
    running=$root/.venv.running # there from the first change to the last; its lock ends with the process
    if [ -f "$running" ]; then
        fresh=--clear
    fi
    exec 9>"$running"
    if command -v flock >/dev/null 2>&1 && ! flock -n 9; then
        stop "another set-up is running here: wait until it has finished, then start again."
    fi
    if [ -n "$fresh" ]; then
        say "the last set-up was interrupted, so .venv is made anew"
    elif [ -e "$venv" ] && ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        say "the Python of .venv is gone, so .venv is made anew"
        fresh=--clear
    fi
    say "setting up $venv with $("$python" --version); this happens once"
    quiet=-qq
    [ ! -t 2 ] || quiet= # someone is watching: show the downloads
    (
        cd "$root/packaging" || exit 2
        if [ -n "$fresh" ] || [ ! -x "$venv/bin/python" ]; then
            "$python" -m venv --clear "$venv" >&2 || stop "$python could not make $venv, for the reason above."
        fi
        rm -f "$venv"/synoptic-*
        pip install -r requirements-build.txt
        case $level in
        run) install_libraries -r requirements.txt ;;
        test) install_libraries -r requirements.txt -r requirements-test.txt ;;
        esac
        pip install --no-deps --no-build-isolation -e "$root"
        printf '%s\n' "$made_from" >"$venv/synoptic-$level"
    ) || {
        rm -f "$running" # it failed cleanly: what is installed is whole
        exit 2
    }
    rm -f "$running"
    exec 9>&-
}
