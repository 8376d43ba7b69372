#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A held packet shares memory with its sender: if the sender writes to the buffer
after send(), the packet leaves changed, and the sender is not notified that the
buffer is free until the packet has left. On a Xen host the sender is a guest: its
pages stay granted, and destroying it blocks xenwatch, until somebody releases the
packets.

As root: python3 tests/upstream/zerocopy.py. Ends with status 1 if the fault is there.
"""
import os
import select
import socket
import subprocess
import sys

SO_ZEROCOPY = 60
MSG_ZEROCOPY = 0x4000000
ETH_P_ALL = 3


def run(command):
    subprocess.run(command, shell=True, check=True)


subprocess.run("ip link delete plugdemo", shell=True, check=False,
               stderr=subprocess.DEVNULL)
run("ip link add plugdemo type veth peer name plugpeer")
for device in "plugdemo", "plugpeer":
    with open(f"/proc/sys/net/ipv6/conf/{device}/disable_ipv6", "w") as file:
        file.write("1")
run("ip addr add 192.0.2.1/24 dev plugdemo")
run("ip link set plugdemo up; ip link set plugpeer up")
run("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev plugdemo nud permanent")
run("tc qdisc add dev plugdemo root handle 1: plug limit 10000000")

wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
wire.bind(("plugpeer", ETH_P_ALL))
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)

buffer = bytearray(b"A" * 1400)
sender.sendto(buffer, MSG_ZEROCOPY, ("192.0.2.2", 9))
completion = select.poll()
completion.register(sender, 0)
told = bool(completion.poll(300))  # POLLERR: something is in its error queue
buffer[:] = b"B" * 1400
run("tc qdisc change dev plugdemo root handle 1: plug release_indefinite")
wire.settimeout(5)
frame = wire.recv(2000)
os.system("ip link delete plugdemo")

fault = False
if frame[-1] == ord("A"):
    print("right: what left is what was sent")
else:
    print("FAULT: sent A, written over with B while it was held, and B left")
    fault = True
if told:
    print("right: the sender was told at once that the buffer is free")
else:
    print("FAULT: the sender was not told while the packet was held")
    fault = True
sys.exit(fault)
