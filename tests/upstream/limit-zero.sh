#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A message of struct tc_plug_qopt without a limit, as release_indefinite is one, is
# taken to create a plug whose limit is 0: it drops every frame.
. "${0%/*}/lib.sh"

tc qdisc replace dev $D root handle 2: plug release_indefinite
plug() {
	tc qdisc change dev $D root handle 2: plug "$1"
	echo "  tc: $1"
}
send 3
plug release_indefinite
left 3 "the plug was asked to let everything pass"
