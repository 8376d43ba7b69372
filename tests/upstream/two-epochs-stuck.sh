#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Two epochs wait; the second is empty. The release of the first lets nothing leave.
. "${0%/*}/lib.sh"

send 1
plug block
plug block
plug release
left 1 "the frame belongs to the first epoch, which was released"
