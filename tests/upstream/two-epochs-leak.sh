#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Two epochs wait; the first is empty. Its release lets the second one leave.
. "${0%/*}/lib.sh"

plug block
send 1
plug block
plug release
left 0 "the frame belongs to the second epoch, and only the first was released"
