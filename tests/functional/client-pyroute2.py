#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# pyroute2 sends commands to a plug and reads its state; one frame is sent after
# each step (I1, I2, I5). This is done first with the in-tree module, then with
# ours: pyroute2 must read the same from both. Python starts slowly in an emulated
# machine, so there is one process for everything.
#
# VM layer: python
import json
import os
import select
import socket
import struct
import subprocess
import sys

from pyroute2 import IPRoute

DEV = "pa"
INDEX = 77
HANDLE = 0x20000
TYPE = 0x88B5  # for experiments: no other program uses it
QUIET = 0.06
DEFAULT = (1500 + 14) * 10000

# The call and its options; then how many frames leave, whether the plug is open, and
# its limit.
STEPS = (
    ("add", {"handle": HANDLE}, 0, False, DEFAULT),
    ("change", {"action": "TCQ_PLUG_BUFFER"}, 0, False, DEFAULT),
    ("change", {"action": "TCQ_PLUG_RELEASE_ONE"}, 1, False, DEFAULT),
    # Without an action pyroute2 sends 0, BUFFER, for which the plug ignores the limit.
    ("change", {"limit": 9999}, 0, False, DEFAULT),
    ("change", {"action": "TCQ_PLUG_LIMIT", "limit": 9999}, 0, False, 9999),
    ("change", {"action": "TCQ_PLUG_RELEASE_ONE"}, 2, False, 9999),
    ("replace", {"action": "TCQ_PLUG_RELEASE_INDEFINITE"}, 3, True, 9999),
    ("replace", {"action": "TCQ_PLUG_BUFFER"}, 1, False, 9999),
)

points = failed = 0


def same(got, want, what):
    global points, failed
    points += 1
    failed += got != want
    print("ok" if got == want else "not ok", points, "-", what)
    if got != want:
        print("# got", got, "want", want)
    sys.stdout.flush()


def packet_socket(protocol):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
    s.bind((DEV, protocol))
    return s


def drain(rx, want):
    """The numbers of the frames that leave: want of them, and any too many."""
    got = []
    while select.select([rx], [], [], 10 if len(got) < want else QUIET)[0]:
        frame = rx.recv(2048)
        if frame[12:14] == struct.pack("!H", TYPE):
            got.append(struct.unpack_from("!I", frame, 14)[0])
    return got


def load(*command):
    subprocess.run(["rmmod", "sch_plug"], stderr=subprocess.DEVNULL, check=False)
    subprocess.run(command, check=True)


def read_back(ip):
    """The root qdisc as pyroute2 prints it, without the header of the netlink message.
    Printed, because it compares attributes that it does not know by identity."""
    (qdisc,) = [q for q in ip.get_qdiscs(index=INDEX) if q["parent"] == 0xFFFFFFFF]
    return repr({key: value for key, value in qdisc.items() if key != "header"})


def plugctl():
    out = subprocess.run(
        ["plugctl", "--json", "show", DEV], check=True, stdout=subprocess.PIPE
    )
    (plug,) = json.loads(out.stdout)
    return plug["state"] == "open", plug["limit_bytes"]


def play(name, ours):
    """What pyroute2 has read after each step."""
    ip = IPRoute()
    ip.link("add", ifname=DEV, kind="dummy", index=INDEX)
    ip.link("set", index=INDEX, state="up", txqlen=10000)
    tx, rx = packet_socket(0), packet_socket(3)
    sent, left, seen = 0, [], []

    for how, options, want, is_open, limit in STEPS:
        step = f"{name}: tc('{how}', 'plug', {options})"
        ip.tc(how, "plug", INDEX, **options)
        got = drain(rx, want)
        same(len(got), want, f"I1, I5: {step}: {want} leave")
        left += got
        seen.append(read_back(ip))
        if ours:
            same(plugctl(), (is_open, limit), f"{step}: open, limit")
        sent += 1
        tx.send(b"\xff" * 6 + b"\x02" * 6 + struct.pack("!HI", TYPE, sent) + bytes(60))
    ip.tc("change", "plug", INDEX, action="TCQ_PLUG_RELEASE_INDEFINITE")
    left += drain(rx, 1)
    seen.append(read_back(ip))
    same(left, list(range(1, sent + 1)), f"I2, I3: {name}: all left, in order, each once")
    ip.tc("del", "plug", INDEX)
    ip.link("del", index=INDEX)
    ip.close()
    tx.close()
    rx.close()
    return seen


def main():
    load("insmod", os.environ["PLUG_INTREE_KO"])
    theirs = play("in-tree", False)
    load("modprobe", "sch_plug")
    ours = play("ours", True)
    same(len(ours), len(theirs), "as many readings of both")
    for got, want, step in zip(ours, theirs, STEPS + (("the last one",),)):
        same(got, want, f"read after {step[0]}: the same of both modules")
    same({"('TCA_KIND', 'plug')" in q for q in ours}, {True}, "of a plug each time")
    print(f"1..{points}")
    return failed != 0


sys.exit(main())
