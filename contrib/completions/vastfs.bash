# SPDX-License-Identifier: BSD-3-Clause
# Completion of vastfs for bash. The mount options come from vastfs --help, and the tasks from the mounted tree, which answers
# from memory.

# _vastfs_mounts: prints the directories where vastfs is mounted. The kernel writes a blank in a name as \040.
_vastfs_mounts() {
	local source directory kind rest
	while read -r source directory kind rest; do
		[ "$kind" = fuse.vastfs ] && printf '%b\n' "${directory//\\/\\0}"
	done </proc/self/mounts
}

# _vastfs_words: prints the mount options of vastfs; those with a value end in "=".
_vastfs_words() {
	vastfs --help 2>/dev/null |
		sed -n '/^Options of vastfs:/,/^[^ O]/s/^ \{4\}\([a-z_]*=\{0,1\}\).*/\1/p'
}

# _vastfs_reply: reads candidates, one per line, and keeps those that begin with the current word.
_vastfs_reply() {
	local line
	COMPREPLY=()
	while IFS= read -r line; do
		[[ $line == "$1"* ]] && COMPREPLY+=("$(printf '%q' "$line")")
	done
}

# _vastfs_plain WORD: prints a word of the command line without its quotes and with ~ expanded. Nothing in it is run.
_vastfs_plain() {
	local word=$1
	case $word in
	\'*\' | \"*\") word=${word:1:-1} ;;
	*) word=${word//\\/} ;;
	esac
	case $word in
	"~") word=$HOME ;;
	"~/"*) word=$HOME/${word:2} ;;
	esac
	printf '%s' "$word"
}

_vastfs_shell() {
	local mount current=$2 position=$3 task
	case $position in
	2)
		_vastfs_reply "$current" < <(_vastfs_mounts)
		[ ${#COMPREPLY[@]} -gt 0 ] || compopt -o dirnames
		;;
	3)
		mount=$(_vastfs_plain "$1")
		_vastfs_reply "$current" < <(
			for task in "$mount"/tasks/*/; do
				task=${task%/}
				[ -d "$task" ] && printf '%s\n' "${task##*/}"
			done
		)
		;;
	esac
}

_vastfs() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} list
	COMPREPLY=()
	if [ "${COMP_WORDS[1]}" = shell ] && [ "$COMP_CWORD" -gt 1 ]; then
		_vastfs_shell "${COMP_WORDS[2]}" "$current" "$COMP_CWORD"
		return
	fi
	case $previous in
	-o)
		list=
		case $current in *,*) list=${current%,*}, ;; esac
		_vastfs_reply "$current" < <(_vastfs_words | sed "s|^|$list|")
		compopt -o nospace
		return
		;;
	--config-dir)
		compopt -o dirnames
		return
		;;
	esac
	case $current in
	-*) _vastfs_reply "$current" < <(printf '%s\n' -d -f -h -o -V --config-dir --help --version) ;;
	*)
		[ "$COMP_CWORD" != 1 ] || _vastfs_reply "$current" < <(echo shell)
		compopt -o dirnames
		;;
	esac
}

complete -F _vastfs vastfs
