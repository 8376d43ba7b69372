# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
# Common definitions of the scripts of the Xen test.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../vm/lib.sh"

# Xen, its tools, the dom0's kernel and the guest's come from this suite.
suite=bookworm
# Not a build of the security suite: those have no shadow paging. Xen needs that to
# track changes of a PV guest's memory, and says "Failed to enable logdirty: 95".
xen_version=4.17.5+72-g01140da4e8-1
xen=4.17
# The full flavour, because -cloud has no dom0 support.
kernel_flavour=amd64

xen_dir=$cache/xen
