# SPDX-License-Identifier: BSD-3-Clause
# Functions that demo, check, bench, matrix and release share. bash sources this file from the project's root.

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

# runtime_of DIR: prints the path of the runtime built in DIR. With sanitizers or counters this is the variant that has them.
runtime_of() {
	case $1 in
	*asan | *coverage) echo "$1/src/runtime/vast-lambda-runtime-asan" ;;
	*) echo "$1/src/runtime/vast-lambda-runtime" ;;
	esac
}

# run_pytest DIR [OPTIONS]: runs tests against the programs built in DIR.
run_pytest() {
	local dir=$1
	shift
	PYTHONPATH=$PWD/contrib/sandbox VASTFS_BUILD=$PWD/$dir VASTFS=$PWD/$dir/vastfs VAST_LAMBDA_RUNTIME=$PWD/$(runtime_of "$dir") "$venv/bin/python" -m pytest -q -p no:cacheprovider "$@"
}

# Scripts of several suites call table_begin, then suite for each of them, and at last table_print. The variable work is a
# directory for their files, and failed becomes 1 if a suite fails.
table_begin() {
	began=$SECONDS
	table=()
	failed=0
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
}

# suite NAME COMMAND...: runs COMMAND, shows its output, and records its summary and its duration. If COMMAND is a function,
# only its last command determines the result, because set -e has no effect inside it.
suite() {
	local name=$1 start=$SECONDS status=0 result
	shift
	step "$name ($(minutes $((SECONDS - began))) so far)"
	"$@" 2>&1 | tee "$work/log" || status=$?
	result=$(summary <"$work/log")
	[ "$status" = 0 ] || { failed=1; result="FAILED $result"; }
	table+=("$(printf '%-28s %8s  %s' "$name" "$(minutes $((SECONDS - start)))" "$result")")
}

table_print() {
	step "summary"
	printf '%s\n' "${table[@]}"
	printf '%-28s %8s\n' "all" "$(minutes $((SECONDS - began)))"
}

minutes() {
	printf '%d:%02d' $(($1 / 60)) $(($1 % 60))
}

# Extracts the number of tests from the last lines of meson or pytest, or what follows "result: " in the last such line.
summary() {
	sed -nE 's/^Ok: +([0-9]+).*/\1 passed/p; s/^([0-9]+ (passed|failed|error).*) in [0-9.]+s.*/\1/p; s/^result: //p' | tail -n 1
}
