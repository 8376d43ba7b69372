# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# TAP for the shell tests that run in a VM. Source this file. It also makes a directory
# for the test's files, $tmp.

count=0
failed=0
tmp=$(mktemp -d /tmp/test.XXXXXX)

# pass NAME, fail NAME [WHY...]: prints a test point
pass() {
	count=$((count + 1))
	echo "ok $count - $1"
}

fail() {
	count=$((count + 1))
	failed=$((failed + 1))
	echo "not ok $count - $1"
	shift
	[ $# = 0 ] || printf '%s\n' "$@" | sed 's/^/# /'
}

# check NAME COMMAND...: passes if the command succeeds. If not, prints its output, and
# the files out and err in $tmp, which may be from an earlier command. The command must
# not print TAP.
check() {
	tap_name=$1
	shift
	if "$@" > "$tmp/check" 2>&1; then
		pass "$tap_name"
	else
		fail "$tap_name" "failed: $*" \
			"$(cd "$tmp" && tail -n 20 check out err 2> /dev/null)"
	fi
}

# is NAME GOT WANTED: passes if both are equal
# like NAME GOT PATTERN: passes if GOT matches the PATTERN, as in case
is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "got:    $2" "wanted: $3"
	fi
}

like() {
	# shellcheck disable=SC2254
	case $2 in
	$3)	pass "$1" ;;
	*)	fail "$1" "got:         $2" "wanted like: $3" ;;
	esac
}

# plan: prints the plan, with the number of points so far; fails if one of them failed
plan() {
	echo "1..$count"
	[ "$failed" = 0 ]
}
