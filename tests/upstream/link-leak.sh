#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The link goes down, which drops the held frames. But the plug still counts them: the
# release lets as many frames of the next epoch leave.
. "${0%/*}/lib.sh"

send 2
ip link set $D down
plug block
ip link set $D up
ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev $D nud permanent
plug release
send 1
left 0 "the frame belongs to the second epoch, and only the first was released"
