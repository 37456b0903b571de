# SPDX-License-Identifier: BSD-3-Clause
# What demo, check and bench share. Sourced by bash from the project's root.

venv=${XDG_CACHE_HOME:-$HOME/.cache}/vastfs/venv

# The compiler for arm64 that contrib/setup has made.
PATH=$PATH:${XDG_CACHE_HOME:-$HOME/.cache}/vastfs/arm64-musl

step() {
	printf '\n== %s\n' "$*"
}

# build DIR [MESON OPTIONS]: sets up once, compiles what has changed.
build() {
	local dir=$1
	shift
	if [ ! -f "$dir/build.ninja" ]; then
		meson setup "$dir" "$@" >/dev/null
	fi
	ninja -C "$dir" --quiet
}

# The runtime built in DIR: where sanitizers are on, the variant that has them.
runtime_of() {
	case $1 in
	*asan) echo "$1/src/runtime/vast-lambda-runtime-asan" ;;
	*) echo "$1/src/runtime/vast-lambda-runtime" ;;
	esac
}

# run_pytest DIR [OPTIONS]: the tests against the programs built in DIR.
run_pytest() {
	local dir=$1
	shift
	PYTHONPATH=$PWD/contrib/sandbox VASTFS_BUILD=$PWD/$dir VASTFS=$PWD/$dir/vastfs VAST_LAMBDA_RUNTIME=$PWD/$(runtime_of "$dir") "$venv/bin/python" -m pytest -q -p no:cacheprovider "$@"
}
