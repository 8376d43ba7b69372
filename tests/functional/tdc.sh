#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel's own tests of plug, unmodified; tests/tdc provides them.
#
# VM layer: python
PATH=$PATH:/usr/bin
mkdir /tmp/tdc
tar -x -C /tmp/tdc -f bin/linux-source-*.tar || exit
cd /tmp/tdc || exit
# tdc checks that this program exists, but no test of plug calls it.
mkdir -p /usr/sbin
[ -e /usr/sbin/ethtool ] || ln -s /bin/false /usr/sbin/ethtool
# On a complete system, pyroute2 and tdc use the same directory for namespaces.
rmdir /var/run/netns && ln -s /run/netns /var/run/netns
modprobe dummy numdummies=0
exec python3 tdc.py -f tc-tests/qdiscs/plug.json
