#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The functional tests destroy the configuration of their machine, so they must
# refuse to run anywhere except in the VM. Here each test is started in a network
# namespace of its own, with a link that must survive. Without namespaces, we only check
# that each test begins with the library, and that the library refuses. Prints TAP.
set -u
here=$(realpath "$(dirname "$0")")
count=0
failed=0

# Checks the first command of a test. Runs only the library, without any program that
# could do harm.
# shellcheck disable=SC2016,SC2317,SC2329 # called by a variable
begins_with_refusal() {
	[ "$(sed -n '/^[^#]/{p;q}' "$1")" = '. "${0%/*}/plugctl-lib.sh"' ] &&
		[[ $(PATH=/nonexistent "$(command -v sh)" "$here/functional/plugctl-lib.sh") = 'Bail out!'* ]]
}

# shellcheck disable=SC2016,SC2317,SC2329 # the same
refuses() {
	unshare -Urnm sh -c '
		# So that the test would find the links of this namespace.
		mount -t sysfs none /sys || exit 3
		for type in dummy ifb veth bridge; do
			! ip link add canary type $type 2> /dev/null || break
		done
		ip link show canary > /dev/null || exit 3
		sh "$1" > /dev/null 2>&1 && exit 4
		ip link show canary > /dev/null 2>&1' sh "$1"
}

refuses=refuses
if ! unshare -Urnm mount -t sysfs none /sys 2> /dev/null || ! command -v ip > /dev/null; then
	refuses=begins_with_refusal
fi
for test in "$here"/functional/*.sh; do
	name=${test##*/}
	[[ $name != plugctl-lib.sh ]] || continue
	count=$((count + 1))
	if $refuses "$test"; then
		echo "ok $count - $name refuses"
	else
		failed=1
		echo "not ok $count - $name refuses"
	fi
done
echo "1..$count"
exit $failed
