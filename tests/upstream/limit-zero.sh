#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A message with struct tc_plug_qopt but without a limit, for example
# release_indefinite, creates a plug with a limit of 0: it drops every frame.
. "${0%/*}/lib.sh"

tc qdisc replace dev $D root handle 2: plug release_indefinite
plug() {
	tc qdisc change dev $D root handle 2: plug "$1"
	echo "  tc: $1"
}
send 3
plug release_indefinite
left 3 "the plug was asked to let everything pass"
