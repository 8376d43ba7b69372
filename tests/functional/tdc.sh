#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the kernel's own tests of plug, unmodified; tests/tdc provides them.
#
# VM layer: python
PATH=$PATH:/usr/bin
mkdir /tmp/tdc
tar -x -C /tmp/tdc -f bin/linux-source-*.tar || exit
cd /tmp/tdc || exit
# tdc checks that this program exists, but no test of plug calls it.
mkdir -p /usr/sbin
[ -e /usr/sbin/ethtool ] || ln -s /bin/false /usr/sbin/ethtool
# pyroute2 and tdc name this directory differently. Usually the first name is a link
# to the second; in this VM it is not.
rmdir /var/run/netns && ln -s /run/netns /var/run/netns
modprobe dummy numdummies=0
exec python3 tdc.py -f tc-tests/qdiscs/plug.json
