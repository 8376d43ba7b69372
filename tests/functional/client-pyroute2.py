#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# pyroute2 drives a plug and reads it back; one frame is sent after each step
# (I1, I2, I5). Python starts slowly in an emulated machine: one process for all.
#
# VM layer: python
import select
import socket
import struct
import sys

from pyroute2 import IPRoute

DEV = "pa"
TYPE = 0x88B5  # experimental: nothing else speaks it
QUIET = 0.06
DEFAULT = (1500 + 14) * 10000

# What is called, then: how many frames leave, and action and limit as dumped.
STEPS = (
    ("add", {}, 0, 0, DEFAULT),
    ("change", {"action": "TCQ_PLUG_BUFFER"}, 0, 0, DEFAULT),
    ("change", {"action": "TCQ_PLUG_RELEASE_ONE"}, 1, 0, DEFAULT),
    # The limit alone is sent with action 0, BUFFER, where it is ignored.
    ("change", {"limit": 9999}, 0, 0, DEFAULT),
    ("change", {"action": "TCQ_PLUG_LIMIT", "limit": 9999}, 0, 0, 9999),
    ("change", {"action": "TCQ_PLUG_RELEASE_ONE"}, 2, 0, 9999),
    ("replace", {"action": "TCQ_PLUG_RELEASE_INDEFINITE"}, 3, 2, 9999),
    ("replace", {"action": "TCQ_PLUG_BUFFER"}, 1, 0, 9999),
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


def main():
    ip = IPRoute()
    ip.link("add", ifname=DEV, kind="dummy")
    index = ip.link_lookup(ifname=DEV)[0]
    ip.link("set", index=index, state="up", txqlen=10000)
    tx, rx = packet_socket(0), packet_socket(3)
    sent, left = 0, []

    for how, options, want, action, limit in STEPS:
        step = f"tc('{how}', 'plug', {options})"
        ip.tc(how, "plug", index, **options)
        got = drain(rx, want)
        same(len(got), want, f"I1, I5: {step}: {want} leave")
        left += got
        (qdisc,) = [q for q in ip.get_qdiscs(index=index) if q["parent"] == 0xFFFFFFFF]
        opt = qdisc.get_attr("TCA_OPTIONS")
        same(
            (qdisc.get_attr("TCA_KIND"), opt["action"], opt["limit"]),
            ("plug", action, limit),
            f"{step}: what a dump says",
        )
        sent += 1
        tx.send(b"\xff" * 6 + b"\x02" * 6 + struct.pack("!HI", TYPE, sent) + bytes(60))
    ip.tc("change", "plug", index, action="TCQ_PLUG_RELEASE_INDEFINITE")
    left += drain(rx, 1)
    same(left, list(range(1, sent + 1)), "I2, I3: all left, in order, each once")
    ip.tc("del", "plug", index)
    ip.link("del", index=index)
    print(f"1..{points}")
    return failed != 0


sys.exit(main())
