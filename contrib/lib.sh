# SPDX-License-Identifier: BSD-3-Clause
# Functions that demo, check, bench and matrix share. bash sources this file from the project's root.

venv=${XDG_CACHE_HOME:-$HOME/.cache}/vastfs/venv

# The directory in which contrib/setup creates the compiler for arm64.
PATH=$PATH:${XDG_CACHE_HOME:-$HOME/.cache}/vastfs/arm64-musl

step() {
	printf '\n== %s\n' "$*"
}

# build DIR [MESON OPTIONS]: configures DIR once, then compiles the files that have changed.
build() {
	local dir=$1
	shift
	if [ ! -f "$dir/build.ninja" ]; then
		meson setup "$dir" "$@" >/dev/null
	fi
	ninja -C "$dir" --quiet
}

# runtime_of DIR: prints the path of the runtime built in DIR. With sanitizers this is the sanitized variant.
runtime_of() {
	case $1 in
	*asan) echo "$1/src/runtime/vast-lambda-runtime-asan" ;;
	*) echo "$1/src/runtime/vast-lambda-runtime" ;;
	esac
}

# run_pytest DIR [OPTIONS]: runs tests against the programs built in DIR.
run_pytest() {
	local dir=$1
	shift
	PYTHONPATH=$PWD/contrib/sandbox VASTFS_BUILD=$PWD/$dir VASTFS=$PWD/$dir/vastfs VAST_LAMBDA_RUNTIME=$PWD/$(runtime_of "$dir") "$venv/bin/python" -m pytest -q -p no:cacheprovider "$@"
}
