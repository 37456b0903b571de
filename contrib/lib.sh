# What demo, check and bench share. Sourced by bash from the project's root.

venv=${XDG_CACHE_HOME:-$HOME/.cache}/vastfs/venv

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

# run_pytest DIR [OPTIONS]: the tests against the programs built in DIR.
run_pytest() {
	local dir=$1
	shift
	VASTFS_BUILD=$PWD/$dir "$venv/bin/python" -m pytest -q -p no:cacheprovider "$@"
}
