/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/*
 * The interfaces of the "plug" qdisc, beyond what <linux/pkt_sched.h> has.
 *
 * There are two interfaces. The first is rtnetlink, as tc uses it: struct
 * tc_plug_qopt, as TCA_OPTIONS of an RTM_NEWQDISC message of kind "plug", with
 * the actions TCQ_PLUG_BUFFER (0), TCQ_PLUG_RELEASE_ONE (1),
 * TCQ_PLUG_RELEASE_INDEFINITE (2) and TCQ_PLUG_LIMIT (3). A dump has no
 * TCA_OPTIONS. This interface exists since 3.4, in every kernel with a plug
 * qdisc. It creates and deletes plugs. The second is the generic netlink family
 * below, which does everything else, and reports the whole state.
 *
 * Integers are in host byte order. 64-bit attributes may be aligned to 4 bytes
 * only: copy them out before use.
 *
 * Epochs. The first plug after the module is loaded numbers its epochs from 1.
 * The numbers of a plug only grow, and a new plug begins above every number
 * that any plug has had until then. So a number of a plug that has been deleted
 * or replaced is no epoch of its successor. But when the module is loaded
 * again, numbers begin at 1 again. Two plugs that exist at the same time may be
 * at the same number. So use a number only with the plug it was read from. Two
 * attributes describe the epochs:
 *
 *	SCH_PLUG_A_EPOCH     the epoch that packets arriving now belong to
 *	SCH_PLUG_A_RELEASED  the last epoch released or discarded; in a new
 *	                     closed plug, SCH_PLUG_A_EPOCH - 1
 *
 * The plug is open when the two are equal. When it is closed,
 * SCH_PLUG_A_EPOCH - SCH_PLUG_A_RELEASED - 1 ended epochs wait for release, and
 * the oldest of them is SCH_PLUG_A_RELEASED + 1.
 *
 * BUFFER. Every packet that is enqueued after the answer to TCQ_PLUG_BUFFER
 * belongs to the new epoch or a later one. A packet that is being enqueued
 * while BUFFER runs belongs to the old or the new epoch. On kernels that defer
 * packets in front of a busy qdisc (7.x), this is also true of a packet whose
 * send() has returned. Stop the sender first if it matters.
 *
 * On a closed plug BUFFER does not change which packets may leave: released
 * packets go on leaving, stopped packets stay stopped. On an open plug it stops
 * the packets that are still queued: when BUFFER is answered, each packet is
 * with the device's driver or stays until the next release. Exceptions: packets
 * in asynchronous IPsec, and packets that the plug has already given to another
 * qdisc above it, including those that the driver handed back to the root. On
 * an open plug at the root of a device, BUFFER waits until the transmit call
 * that is running has returned. It holds RTNL while it waits, and cannot be
 * interrupted.
 *
 * The next release sends the stopped packets, before all others. A
 * TCQ_PLUG_RELEASE_ONE does so even if no epoch waits. A TCQ_PLUG_RELEASE_UPTO
 * with a number below SCH_PLUG_A_RELEASED does not. Stopped packets count as
 * released: TCQ_PLUG_DISCARD does not drop them.
 *
 * Zero-copy packets are copied when they enter a closed plug (MSG_ZEROCOPY,
 * vhost, a Xen guest; a PACKET_TX_RING where the kernel marks its packets, as
 * kernels since 5.10 do). Their content is fixed at that moment, and the
 * sender gets its memory back: UDP completes at once; TCP completes, as
 * always, when the peer acknowledges the data. These are not copied: packets
 * for which there is no memory, or whose memory is a device's; the members of a
 * packet list built by GRO (rx-gro-list, off by default); packets that were
 * queued while the plug was open, and then stopped; and pages that were spliced
 * or sent with sendfile(): a later write to the file changes the packet.
 *
 * Sockets of this host. A packet that enters a closed plug is no longer
 * charged to its socket's send buffer. So TCP goes on sending as far as its
 * windows allow, and UDP does not block. At the limit a packet socket gets
 * ENOBUFS; UDP gets it only with IP_RECVERR (or IPV6_RECVERR), and otherwise
 * send() reports success, as it does for a packet that the kernel has
 * deferred. Only the limit bounds what is held. It counts bytes on the wire.
 * In memory, a small packet takes many times as much, and a copied zero-copy
 * packet at least a page. These packets stay charged to their socket: those
 * that could not be copied, those that the device has yet to encrypt, and all
 * packets on a device whose network namespace is not owned by the initial user
 * namespace.
 */
#ifndef _UAPI_LINUX_PKT_SCHED_PLUG_H
#define _UAPI_LINUX_PKT_SCHED_PLUG_H

#include <linux/types.h>
#include <linux/pkt_sched.h>

/*
 * Actions, in addition to those of <linux/pkt_sched.h>. Only the family below
 * has them: a tc_plug_qopt with one of them gets EINVAL, as any unknown action.
 *
 * TCQ_PLUG_DISCARD rolls back: it drops packets that have not been released,
 * and counts their epochs as released. If the epoch being filled is one of
 * them, a new one begins. Packets that were released and have not been sent yet
 * stay. Does nothing to an open plug.
 *
 * A packet from a packet socket or UDP whose send() has returned before the
 * message is dropped, if no other queue is in between. Some kernels defer
 * packets when a qdisc is busy. There, if the plug is closed, the message waits
 * until they are in the plug: a grace period of RCU (milliseconds). Packets
 * that are still in front of the device arrive later and are not dropped: those
 * in the write queue of a TCP socket, those that wait for a neighbour's
 * address, those in the ring of a vhost or a Xen guest or in a backlog of the
 * receiving side. Stop the source and let these drain before you roll it back.
 *
 * The qlen and backlog of parents are corrected as far as the qdisc core can.
 * multiq keeps no backlog, so the one it shows becomes wrong. sfb is not
 * informed at all, and may drop the flow's packets until it rehashes. So use
 * the action at the root, or below a qdisc other than these two.
 *
 * TCQ_PLUG_RELEASE_UPTO releases every ended epoch up to the given one. It can
 * be repeated: for an epoch up to SCH_PLUG_A_RELEASED it succeeds and releases
 * no epoch. For SCH_PLUG_A_RELEASED itself it still sends stopped packets.
 * Success does not mean that packets were sent: an epoch that was discarded
 * gets it, too.
 */
#define TCQ_PLUG_DISCARD	256
#define TCQ_PLUG_RELEASE_UPTO	257

/*
 * The generic netlink family. It reports more about a plug than tc can, and the
 * commands of a controller's loop do not wait for changes to other devices.
 * sch_plug.yaml, in the source one directory above this header, describes the
 * messages for programs.
 *
 * Each plug has an id, and operations name the plug by it (SCH_PLUG_A_ID).
 * Until the machine is booted again, no other plug gets the same id, even if
 * the module is loaded again. So ENOENT means that the plug has been deleted or
 * replaced, and that nothing has been done to its successor.
 *
 * Operations see the plugs of the network namespace of their socket, also those
 * that tc does not list. GET needs no privilege. CHANGE and OWN need
 * CAP_NET_ADMIN in the user namespace that owns the network namespace; EPERM
 * otherwise.
 *
 * A refused operation (EINVAL, ENOENT, EBUSY, ENOMEM) has changed nothing.
 * With NETLINK_EXT_ACK set, the answer has a message that says why. If an
 * attribute is at fault, the answer points to it. If one is missing, Linux 6.1
 * and newer say which. An attribute that an operation does not use is refused,
 * not ignored. A refused dump ends with NLMSG_DONE, which has the errno and the
 * message; older kernels (6.1 is one) add no attribute there. If a GET fails
 * with EAGAIN, the socket's receive buffer has no room for the answer.
 *
 * CHANGE and OWN: NLM_F_ACK requests an acknowledgment, NLM_F_ECHO the new
 * state. With both, the state comes first. With neither, only an error is
 * reported. The cheapest answer is that to NLM_F_ACK alone.
 */
#define SCH_PLUG_FAMILY_NAME	"sch_plug"
#define SCH_PLUG_FAMILY_VERSION	1

/*
 * The multicast group. Listeners receive the event before the sender of the
 * command receives its answer, whichever interface the command used. Events of
 * different senders may arrive out of order: sort by SCH_PLUG_A_COMMANDS. A
 * listener that reads too slowly gets ENOBUFS from recv() and can ask for a
 * dump.
 */
#define SCH_PLUG_MCGRP_EVENTS	"events"

/*
 * @SCH_PLUG_CMD_GET: the state of the plug SCH_PLUG_A_ID. As a dump: of all
 *	plugs, or of those of the device SCH_PLUG_A_IFINDEX. The answer has
 *	statistics. ENOENT: no such plug. If a plug came or went during a dump,
 *	in this network namespace, the dump has NLM_F_DUMP_INTR.
 * @SCH_PLUG_CMD_CHANGE: does SCH_PLUG_A_ACTION to the plug SCH_PLUG_A_ID.
 *	ENOENT: no such plug. EINVAL: unknown action, or as described at the
 *	action below.
 * @SCH_PLUG_CMD_OWN: makes this socket the owner of the plug SCH_PLUG_A_ID.
 *	When the last reference to the socket is closed, for whatever reason,
 *	the kernel does SCH_PLUG_A_AT_EXIT, before that close() returns. A
 *	recv() in progress and an SCM_RIGHTS message in flight hold a
 *	reference. close() waits for RTNL. The owner may repeat the operation
 *	with another choice. The operation generates no event. Others may still
 *	send commands to the plug. ENOENT: no such plug. EBUSY: the plug has
 *	another owner, or one whose close() has not finished. EINVAL: unknown
 *	SCH_PLUG_A_AT_EXIT.
 * @SCH_PLUG_CMD_ATTACH_NTF: event: a plug was created; it is not attached yet.
 * @SCH_PLUG_CMD_DETACH_NTF: event: a plug was deleted or replaced, or its
 *	device is gone. The packets it held were dropped, and the statistics
 *	include them.
 * @SCH_PLUG_CMD_CHANGE_NTF: event: a command of either interface was executed.
 *	Has SCH_PLUG_A_ACTION and the state after the command.
 * @SCH_PLUG_CMD_OWNER_LOST_NTF: event: the owner's socket was closed, and
 *	SCH_PLUG_A_AT_EXIT has been done. Has the state after that. There is no
 *	SCH_PLUG_CMD_CHANGE_NTF for what was done.
 */
enum {
	SCH_PLUG_CMD_GET = 1,
	SCH_PLUG_CMD_CHANGE,
	SCH_PLUG_CMD_OWN,
	SCH_PLUG_CMD_ATTACH_NTF,
	SCH_PLUG_CMD_DETACH_NTF,
	SCH_PLUG_CMD_CHANGE_NTF,
	SCH_PLUG_CMD_OWNER_LOST_NTF,

	__SCH_PLUG_CMD_MAX,
	SCH_PLUG_CMD_MAX = (__SCH_PLUG_CMD_MAX - 1)
};

/*
 * What the kernel does to a plug when its owner is gone.
 *
 * @SCH_PLUG_AT_EXIT_KEEP: nothing. Packets that are held stay held.
 * @SCH_PLUG_AT_EXIT_OPEN: TCQ_PLUG_RELEASE_INDEFINITE.
 * @SCH_PLUG_AT_EXIT_DISCARD: TCQ_PLUG_DISCARD of all that is not released.
 */
enum sch_plug_at_exit {
	SCH_PLUG_AT_EXIT_KEEP,
	SCH_PLUG_AT_EXIT_OPEN,
	SCH_PLUG_AT_EXIT_DISCARD
};

/*
 * Attributes. "Request" says in which operations userspace sends one. The
 * kernel sends all of them in answers and events, unless the text says
 * otherwise. One message is a snapshot of one moment, except
 * SCH_PLUG_A_STATS_CLOSED_AGE, which is computed when the message is built, and
 * SCH_PLUG_A_STATS_DROPS_RESET while the plug is being deleted.
 *
 * @SCH_PLUG_A_ID: __u64, 1 and up. Request: GET of one, CHANGE, OWN.
 * @SCH_PLUG_A_PAD: padding in answers: ignore it, and do not send it.
 * @SCH_PLUG_A_IFINDEX: __u32, the device. Request: dump; 0 is all devices.
 * @SCH_PLUG_A_HANDLE: __u32, the qdisc's handle, as in tc. 0: the qdisc has no
 *	handle, for example because a parent created it as its default qdisc
 *	(net.core.default_qdisc).
 * @SCH_PLUG_A_PARENT: __u32, the class or qdisc above, TC_H_ROOT at the root.
 * @SCH_PLUG_A_ACTION: __u32. Request: CHANGE. Also in CHANGE_NTF, and in no
 *	other message. The values are those of tc_plug_qopt.action and the two
 *	above:
 *
 *	TCQ_PLUG_BUFFER, TCQ_PLUG_RELEASE_ONE, TCQ_PLUG_RELEASE_INDEFINITE: as
 *	by tc, and without further attributes.
 *
 *	TCQ_PLUG_LIMIT: with SCH_PLUG_A_LIMIT.
 *
 *	TCQ_PLUG_RELEASE_UPTO: with SCH_PLUG_A_LAST, 0 to the last ended epoch
 *	(open plug: to SCH_PLUG_A_EPOCH). EINVAL: a number above that.
 *
 *	TCQ_PLUG_DISCARD: without SCH_PLUG_A_LAST, drops all that is not
 *	released. With SCH_PLUG_A_LAST, drops only up to that epoch, 0 to
 *	SCH_PLUG_A_EPOCH. Epochs above it stay, and go on waiting for release.
 *	Afterwards SCH_PLUG_A_RELEASED is SCH_PLUG_A_LAST. If that was the
 *	epoch being filled, a new one begins. Epochs that are already released
 *	or discarded are left alone: a repeated message does nothing, whatever
 *	has been sent or begun in between. So a controller that rolls back
 *	names the epoch that was being filled, and may repeat the message if
 *	the answer was lost. EINVAL: an epoch that has not begun. The time that
 *	TCQ_PLUG_DISCARD takes grows with the released packets still queued
 *	and, if younger epochs stay, with the packets dropped.
 * @SCH_PLUG_A_LIMIT: __u32, the most bytes that are held. Request: CHANGE with
 *	TCQ_PLUG_LIMIT, 0 for the default. In answers 1 and up.
 * @SCH_PLUG_A_LAST: __u64, an epoch. Request: CHANGE, see SCH_PLUG_A_ACTION.
 *	In no answer and no event.
 * @SCH_PLUG_A_AT_EXIT: __u32, enum sch_plug_at_exit. Request: OWN. In answers
 *	only if the plug has an owner, and in OWNER_LOST_NTF.
 * @SCH_PLUG_A_EPOCH: __u64, 1 and up: the epoch being filled.
 * @SCH_PLUG_A_RELEASED: __u64, 0 to SCH_PLUG_A_EPOCH: the last epoch that was
 *	released or discarded; in a new plug that was created closed,
 *	SCH_PLUG_A_EPOCH - 1.
 * @SCH_PLUG_A_HEAD_EPOCH: __u64, the epoch of the oldest packet held; absent
 *	if no packet is held. If it is not above SCH_PLUG_A_RELEASED, released
 *	packets have yet to leave. A packet that the driver has returned no
 *	longer has its epoch: if all released packets are such, this is
 *	SCH_PLUG_A_RELEASED. Guaranteed only in dumps: other messages may lack
 *	it.
 * @SCH_PLUG_A_TAIL_EPOCH: __u64, the epoch of the newest packet held. If it is
 *	above SCH_PLUG_A_RELEASED, packets are held that have not been
 *	released. Present under the same conditions as SCH_PLUG_A_HEAD_EPOCH.
 * @SCH_PLUG_A_STOPPED: __u32, the packets held that were released and then
 *	stopped by a TCQ_PLUG_BUFFER that closed the plug. 0 once a release has
 *	sent them, or a reset has dropped them.
 * @SCH_PLUG_A_QLEN: __u32, packets that are held.
 * @SCH_PLUG_A_BACKLOG: __u32, bytes that are held.
 * @SCH_PLUG_A_COMMANDS: __u64, the number of commands executed on this plug,
 *	by either interface, including what the kernel did when an owner was
 *	gone. The message that creates a plug is not counted.
 * @SCH_PLUG_A_OWNER: __u32, the netlink port of the socket that owns the plug;
 *	absent if no socket does.
 * @SCH_PLUG_A_STATS: nest of SCH_PLUG_A_STATS_*. In answers to GET, and in
 *	DETACH_NTF.
 */
enum {
	SCH_PLUG_A_ID = 1,
	SCH_PLUG_A_PAD,
	SCH_PLUG_A_IFINDEX,
	SCH_PLUG_A_HANDLE,
	SCH_PLUG_A_PARENT,
	SCH_PLUG_A_ACTION,
	SCH_PLUG_A_LIMIT,
	SCH_PLUG_A_LAST,
	SCH_PLUG_A_AT_EXIT,
	SCH_PLUG_A_EPOCH,
	SCH_PLUG_A_RELEASED,
	SCH_PLUG_A_HEAD_EPOCH,
	SCH_PLUG_A_TAIL_EPOCH,
	SCH_PLUG_A_STOPPED,
	SCH_PLUG_A_QLEN,
	SCH_PLUG_A_BACKLOG,
	SCH_PLUG_A_COMMANDS,
	SCH_PLUG_A_OWNER,
	SCH_PLUG_A_STATS,

	__SCH_PLUG_A_MAX,
	SCH_PLUG_A_MAX = (__SCH_PLUG_A_MAX - 1)
};

/*
 * Statistics of one plug, __u64 each. The packets sent are counted by tc's
 * standard statistics, which also count a packet that the driver has returned.
 *
 * @SCH_PLUG_A_STATS_PAD: padding: ignore it.
 * @SCH_PLUG_A_STATS_QUEUED_PACKETS: packets ever put into the queue. An open
 *	and empty plug at the root of a device (or of an mq class) is bypassed:
 *	packets that pass it that way are counted by tc only.
 * @SCH_PLUG_A_STATS_QUEUED_BYTES: the bytes of these packets.
 * @SCH_PLUG_A_STATS_MAX_BACKLOG: the most bytes that the queue has held, as
 *	seen after each packet was added. SCH_PLUG_A_BACKLOG can be higher: it
 *	grows, too, when the driver hands packets back.
 * @SCH_PLUG_A_STATS_DROPS_LIMIT: packets dropped because they did not fit
 *	below the limit.
 * @SCH_PLUG_A_STATS_DROPS_RESET: packets dropped because the queue was reset:
 *	the link went down, the carrier was lost, the device got fewer transmit
 *	queues or a parent qdisc was reset. Some kernels (5.10 to 6.12, but not
 *	7.2) also reset the queue when the transmit queue length is changed, and
 *	when another qdisc, such as clsact or ingress, is attached to or removed
 *	from the device. Includes released packets that the driver had handed
 *	back.
 * @SCH_PLUG_A_STATS_DROPS_DISCARD: packets dropped by TCQ_PLUG_DISCARD.
 * @SCH_PLUG_A_STATS_COPY_FAILURES: packets of zero-copy senders that are or
 *	were held although they could not be copied, mostly because there was
 *	no memory. Such a packet uses the sender's memory until it leaves. If
 *	the sender writes there, the packet changes.
 * @SCH_PLUG_A_STATS_BUFFER_CMDS: TCQ_PLUG_BUFFER commands executed.
 * @SCH_PLUG_A_STATS_RELEASE_ONE_CMDS: TCQ_PLUG_RELEASE_ONE commands executed,
 *	including those that found no epoch waiting.
 * @SCH_PLUG_A_STATS_RELEASE_INDEFINITE_CMDS: TCQ_PLUG_RELEASE_INDEFINITE
 *	commands executed.
 * @SCH_PLUG_A_STATS_LIMIT_CMDS: TCQ_PLUG_LIMIT commands executed.
 * @SCH_PLUG_A_STATS_DISCARD_CMDS: TCQ_PLUG_DISCARD commands executed.
 * @SCH_PLUG_A_STATS_RELEASE_UPTO_CMDS: TCQ_PLUG_RELEASE_UPTO commands executed,
 *	including those that found everything released.
 * @SCH_PLUG_A_STATS_CLOSED_AGE: nanoseconds since the plug closed (was created
 *	closed, or was open and got TCQ_PLUG_BUFFER), without the time the
 *	system was suspended. Absent while it is open.
 */
enum {
	SCH_PLUG_A_STATS_PAD = 1,
	SCH_PLUG_A_STATS_QUEUED_PACKETS,
	SCH_PLUG_A_STATS_QUEUED_BYTES,
	SCH_PLUG_A_STATS_MAX_BACKLOG,
	SCH_PLUG_A_STATS_DROPS_LIMIT,
	SCH_PLUG_A_STATS_DROPS_RESET,
	SCH_PLUG_A_STATS_DROPS_DISCARD,
	SCH_PLUG_A_STATS_COPY_FAILURES,
	SCH_PLUG_A_STATS_BUFFER_CMDS,
	SCH_PLUG_A_STATS_RELEASE_ONE_CMDS,
	SCH_PLUG_A_STATS_RELEASE_INDEFINITE_CMDS,
	SCH_PLUG_A_STATS_LIMIT_CMDS,
	SCH_PLUG_A_STATS_DISCARD_CMDS,
	SCH_PLUG_A_STATS_RELEASE_UPTO_CMDS,
	SCH_PLUG_A_STATS_CLOSED_AGE,

	__SCH_PLUG_A_STATS_MAX,
	SCH_PLUG_A_STATS_MAX = (__SCH_PLUG_A_STATS_MAX - 1)
};

#endif /* _UAPI_LINUX_PKT_SCHED_PLUG_H */
