/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/*
 * What userspace and the "plug" qdisc say to each other, beyond what
 * <linux/pkt_sched.h> already has.
 *
 * There are two interfaces. The first is that of tc, rtnetlink. It is what
 * every kernel with a plug qdisc has had since 3.4: struct tc_plug_qopt, as
 * TCA_OPTIONS of an RTM_NEWQDISC message of kind "plug", with the actions
 * TCQ_PLUG_BUFFER (0), TCQ_PLUG_RELEASE_ONE (1), TCQ_PLUG_RELEASE_INDEFINITE
 * (2) and TCQ_PLUG_LIMIT (3); a dump has no TCA_OPTIONS. It creates and deletes
 * plugs. The second is the generic netlink family below. It does everything
 * else, and tells all there is to tell.
 *
 * Integers are in host byte order. 64-bit attributes may be aligned to 4 bytes
 * only: copy them out before use.
 *
 * Epochs. The first plug after the module is loaded numbers its epochs from 1.
 * The numbers of a plug only grow, and a new plug begins above every number
 * that any plug has had until then. So a number that was learnt of a plug that
 * has been deleted or replaced names no epoch of the new one, until the module
 * is unloaded: then numbers begin at 1 again. Use a number only with the plug
 * it was read from: two that live side by side may well be at the same one.
 * Two numbers tell all that is to be known:
 *
 *	SCH_PLUG_A_EPOCH     the epoch that packets arriving now belong to
 *	SCH_PLUG_A_RELEASED  the last epoch that is done with: released, or
 *	                     discarded, and then it has no packets; in a new plug
 *	                     that is closed, SCH_PLUG_A_EPOCH - 1
 *
 * The plug is open when the two are equal. When it is closed,
 * SCH_PLUG_A_EPOCH - SCH_PLUG_A_RELEASED - 1 ended epochs wait for release, and
 * the oldest of them is SCH_PLUG_A_RELEASED + 1.
 *
 * When TCQ_PLUG_BUFFER is answered, every packet that is enqueued from then on
 * belongs to the new epoch or a later one. Which epoch one belongs to that was
 * on its way to the queue is not known; from Linux 7.0 on, where others send
 * by the same device, it may be the new one although its send() had returned.
 * Stop the sender first. On an open plug the message may sleep, for as long as
 * the driver has a packet in hand.
 *
 * When released packets leave. TCQ_PLUG_BUFFER on a closed plug leaves alone
 * what was released before and has not left yet: that goes on leaving. The
 * same on an open plug stops it: when the message is answered, each packet is
 * with the device's driver or stays until the next release. Any release will
 * do, TCQ_PLUG_RELEASE_ONE also when no epoch waits; only a
 * TCQ_PLUG_RELEASE_UPTO with a number below SCH_PLUG_A_RELEASED will not. What
 * was stopped then leaves first. It counts as released all the while:
 * TCQ_PLUG_DISCARD does not drop it. Below another qdisc the plug cannot stop
 * what it has already handed to that one: a packet or, if the driver handed
 * them back to the root, some more may leave after the answer.
 *
 * Zero-copy packets are copied. A packet that enters a closed plug shares no
 * memory with its sender (MSG_ZEROCOPY, vhost, a Xen guest; a PACKET_TX_RING
 * where the kernel marks its packets, as all since 5.10 do): its content is
 * that of the moment, and the sender has its memory back, which for TCP is
 * when the peer has acknowledged the data, as ever. Packets that were queued
 * while the plug was open, and are stopped, are not copied. Nor are pages that
 * were spliced or sent with sendfile(): what is written to their file shows up
 * in the packet.
 *
 * Sockets of this host. A packet that enters a closed plug does not count
 * against the send buffer of its socket, so TCP goes on sending, as far as its
 * windows allow, and UDP does not block: at the limit it gets ENOBUFS if it
 * has set IP_RECVERR, and is told nothing otherwise. The limit is what bounds
 * them; it counts bytes as they are on the wire, and small packets take many
 * times that in memory, a copied zero-copy packet a page at least. Still
 * counted, against their sockets, are packets that
 * could not be copied or that the device has yet to encrypt, and all packets
 * of a device in a network namespace that does not belong to the initial user
 * namespace.
 */
#ifndef _UAPI_LINUX_PKT_SCHED_PLUG_H
#define _UAPI_LINUX_PKT_SCHED_PLUG_H

#include <linux/types.h>
#include <linux/pkt_sched.h>

/*
 * Actions, beside those of <linux/pkt_sched.h>. By the family only: in a
 * tc_plug_qopt they are EINVAL, as any unknown action.
 *
 * TCQ_PLUG_DISCARD rolls back: it drops packets that have not been released,
 * forgets the epochs they are of, and goes on buffering in a fresh epoch.
 * Packets that were released and have not been sent yet stay. Does nothing to
 * an open plug.
 *
 * A packet whose send() had returned, from a packet socket or UDP and with no
 * other queue in between, is in the plug by then and is dropped. On kernels
 * where it might not be (those that defer packets when a qdisc is busy) the
 * message waits for it, a grace period of RCU (milliseconds), if the plug is
 * closed. Packets that are still in front of the device come later and are not
 * dropped: what is in the write queue of a TCP socket, waits for a neighbour's
 * address, is in the ring of a vhost or a Xen guest or in a backlog of the
 * receiving side. Stop the source and let these drain before you roll it back.
 *
 * Parents' qlen and backlog are corrected as far as the qdisc core can: multiq
 * keeps no backlog, so the one it shows goes wrong, and sfb does not hear of
 * it at all and may drop the flow's packets until it rehashes. Use the action
 * at the root, or below another qdisc than these two.
 *
 * TCQ_PLUG_RELEASE_UPTO releases every ended epoch up to one that is named. If
 * that epoch is done with, it succeeds and releases nothing: it can be
 * repeated. (With the number of the last released epoch it is a release still,
 * and lets go what a TCQ_PLUG_BUFFER has stopped.) Success does not say that
 * the packets were sent: it also comes for epochs that were discarded.
 */
#define TCQ_PLUG_DISCARD	256
#define TCQ_PLUG_RELEASE_UPTO	257

/*
 * The generic netlink family. It says more of a plug than tc can, and the
 * commands of a controller's loop do not wait for what others do to devices.
 * sch_plug.yaml, beside this header in the source, describes the messages for
 * programs.
 *
 * A plug has an id, and operations name it by that (SCH_PLUG_A_ID). An id is
 * never given to another plug while the machine runs, also when the module is
 * unloaded and loaded again: ENOENT says that the plug has been deleted or
 * replaced, and that nothing has been done to its successor.
 *
 * Operations see the plugs of the network namespace of their socket, also those
 * that tc does not list. GET is for everybody. CHANGE and OWN need
 * CAP_NET_ADMIN in the user namespace that the network namespace belongs to, or
 * end in EPERM.
 *
 * A refused operation (EINVAL, ENOENT, EBUSY, ENOMEM) has changed nothing. With
 * NETLINK_EXT_ACK set, the answer has a sentence that says why and, where an
 * attribute is at fault, which one, or (Linux 6.1 and newer) which one is
 * missing. An attribute that an operation has no use for is refused, not
 * ignored.
 *
 * What CHANGE and OWN are answered with is asked for by flags, as anywhere in
 * netlink: NLM_F_ACK an acknowledgment, NLM_F_ECHO the state after it, both the
 * one after the other, neither nothing unless it is refused. NLM_F_ACK alone costs
 * least.
 */
#define SCH_PLUG_FAMILY_NAME	"sch_plug"
#define SCH_PLUG_FAMILY_VERSION	1

/*
 * The multicast group. An event is in the queue of each listener before the
 * command that it tells of is answered, by whichever interface the command came.
 * Two commands by different senders may be told in another order than they were
 * obeyed in: SCH_PLUG_A_COMMANDS has the right one. A listener that reads too
 * slowly gets ENOBUFS from recv() and can ask for a dump.
 */
#define SCH_PLUG_MCGRP_EVENTS	"events"

/*
 * @SCH_PLUG_CMD_GET: one plug, by SCH_PLUG_A_ID, or as a dump all of them, or those
 *	of one device, by SCH_PLUG_A_IFINDEX. The answer has statistics. ENOENT: no
 *	such plug. A dump during which a plug came or went, in any network
 *	namespace, has NLM_F_DUMP_INTR.
 * @SCH_PLUG_CMD_CHANGE: does SCH_PLUG_A_ACTION to the plug SCH_PLUG_A_ID. ENOENT:
 *	no such plug. EINVAL: unknown action, or what the action says below.
 * @SCH_PLUG_CMD_OWN: the plug SCH_PLUG_A_ID belongs to this socket. When the last
 *	process that has the socket closes it or ends, for whatever reason, the kernel
 *	does SCH_PLUG_A_AT_EXIT, before that close() returns. (A thread that waits in
 *	recv() has the socket until recv() returns.) Said again by the owner, it
 *	changes that. No event tells of it. Others may go on commanding the plug.
 *	ENOENT: no such plug. EBUSY: it belongs to another socket. EINVAL: unknown
 *	SCH_PLUG_A_AT_EXIT.
 * @SCH_PLUG_CMD_ATTACH_NTF: event: a plug has been created. It is about to be put
 *	into its place.
 * @SCH_PLUG_CMD_DETACH_NTF: event: a plug has been deleted or replaced, or its
 *	device is gone. What it held has been dropped, and is in the statistics.
 * @SCH_PLUG_CMD_CHANGE_NTF: event: a command was obeyed: SCH_PLUG_A_ACTION and the
 *	state after it. By either interface.
 * @SCH_PLUG_CMD_OWNER_LOST_NTF: event: the owner's socket was closed, and
 *	SCH_PLUG_A_AT_EXIT has been done; the state after it. For that there is no
 *	SCH_PLUG_CMD_CHANGE_NTF.
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
 * What is done to a plug when its owner is gone.
 *
 * @SCH_PLUG_AT_EXIT_KEEP: nothing. What is held stays held.
 * @SCH_PLUG_AT_EXIT_OPEN: TCQ_PLUG_RELEASE_INDEFINITE.
 * @SCH_PLUG_AT_EXIT_DISCARD: TCQ_PLUG_DISCARD, of all.
 */
enum sch_plug_at_exit {
	SCH_PLUG_AT_EXIT_KEEP,
	SCH_PLUG_AT_EXIT_OPEN,
	SCH_PLUG_AT_EXIT_DISCARD
};

/*
 * Attributes. "Request" says in which operations userspace sends one; the others
 * are sent by the kernel only, in all answers and events if nothing else is said.
 * All that one message says is of one moment.
 *
 * @SCH_PLUG_A_ID: __u64, 1 and up. Request: GET of one, CHANGE, OWN.
 * @SCH_PLUG_A_PAD: padding in answers: ignore it, and do not send it.
 * @SCH_PLUG_A_IFINDEX: __u32, the device. Request: dump; 0 is all devices.
 * @SCH_PLUG_A_HANDLE: __u32, the qdisc's handle, as tc has it; 0 if it has none, as
 *	one that a parent made by itself (net.core.default_qdisc).
 * @SCH_PLUG_A_PARENT: __u32, the class or qdisc above, TC_H_ROOT at the root.
 * @SCH_PLUG_A_ACTION: __u32. Request: CHANGE. Also in CHANGE_NTF. The values are
 *	those of tc_plug_qopt.action and the two above:
 *
 *	TCQ_PLUG_BUFFER, TCQ_PLUG_RELEASE_ONE, TCQ_PLUG_RELEASE_INDEFINITE: as by
 *	tc, and without further attributes.
 *
 *	TCQ_PLUG_LIMIT: with SCH_PLUG_A_LIMIT.
 *
 *	TCQ_PLUG_RELEASE_UPTO: with SCH_PLUG_A_LAST, 0 or any epoch that has ended,
 *	and of an open plug also the one being filled. EINVAL: another one.
 *
 *	TCQ_PLUG_DISCARD: without SCH_PLUG_A_LAST, all that is not released. With
 *	it, only up to that epoch, which may be the one being filled. Epochs above it
 *	stay, and go on waiting for release; those up to it are done with, so that
 *	SCH_PLUG_A_RELEASED is SCH_PLUG_A_LAST afterwards. If it was the epoch being
 *	filled a new one begins. What is done with already, released or discarded,
 *	is left alone: to repeat the message does nothing, whatever has been sent or
 *	begun since. So a controller that rolls back names the epoch that was being
 *	filled, and may say it again if the answer was lost. EINVAL: an epoch that has
 *	not begun. The processor's time it takes grows with the packets dropped if
 *	younger epochs stay, else not.
 * @SCH_PLUG_A_LIMIT: __u32, the most bytes that are held. Request: CHANGE with
 *	TCQ_PLUG_LIMIT, 0 for the default. In answers 1 and up.
 * @SCH_PLUG_A_LAST: __u64, an epoch. Request: CHANGE, see SCH_PLUG_A_ACTION.
 * @SCH_PLUG_A_AT_EXIT: __u32, enum sch_plug_at_exit. Request: OWN. In answers if the
 *	plug has an owner, and in OWNER_LOST_NTF.
 * @SCH_PLUG_A_EPOCH: __u64, 1 and up: the epoch being filled.
 * @SCH_PLUG_A_RELEASED: __u64, 0 to SCH_PLUG_A_EPOCH: the last epoch that was
 *	released or discarded; in a new plug that was created closed,
 *	SCH_PLUG_A_EPOCH - 1.
 * @SCH_PLUG_A_HEAD_EPOCH: __u64, the epoch of the oldest packet held; absent if none
 *	is held. Not above SCH_PLUG_A_RELEASED: released packets have yet to leave.
 *	When the driver has handed back all of those it is SCH_PLUG_A_RELEASED: their
 *	epoch or a later one. Always in a dump; of other messages only in those that
 *	the kernel made under RTNL, so do not count on it there.
 * @SCH_PLUG_A_TAIL_EPOCH: __u64, the epoch of the newest packet held. Above
 *	SCH_PLUG_A_RELEASED: packets are held that have not been released. When, as
 *	the one before.
 * @SCH_PLUG_A_STOPPED: __u32, how many of the packets held were released and stopped
 *	by a TCQ_PLUG_BUFFER that closed the plug. 0 once a release has let them go,
 *	or a reset has dropped them.
 * @SCH_PLUG_A_QLEN: __u32, packets that are held.
 * @SCH_PLUG_A_BACKLOG: __u32, bytes that are held.
 * @SCH_PLUG_A_COMMANDS: __u64, commands of all kinds that this plug has obeyed, by
 *	either interface. The message that creates a plug is no command.
 * @SCH_PLUG_A_OWNER: __u32, the netlink port of the socket that owns it; absent if
 *	nobody does.
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
 * Statistics of one plug, __u64 each. What was sent is in tc's standard
 * statistics, with what the driver has handed back.
 *
 * @SCH_PLUG_A_STATS_PAD: padding: ignore it.
 * @SCH_PLUG_A_STATS_QUEUED_PACKETS: packets ever put into the queue. An open and
 *	empty plug at the root of a device (or of an mq class) is bypassed: what it
 *	passes on that way is counted by tc only.
 * @SCH_PLUG_A_STATS_QUEUED_BYTES: their bytes.
 * @SCH_PLUG_A_STATS_MAX_BACKLOG: the most bytes the queue has ever held after taking
 *	a packet. SCH_PLUG_A_BACKLOG can be above it by what the driver handed back.
 * @SCH_PLUG_A_STATS_DROPS_LIMIT: packets refused because they did not fit below the
 *	limit.
 * @SCH_PLUG_A_STATS_DROPS_RESET: packets dropped because the queue was reset: the
 *	link went down, the carrier was lost, the device got fewer transmit queues or
 *	a parent qdisc was reset; on some kernels (5.10 to 6.12 do, 7.2 does not) also
 *	another transmit queue length, and a qdisc attached to or removed from the
 *	device beside this one, a clsact or ingress for example. Includes released
 *	packets that the driver had handed back.
 * @SCH_PLUG_A_STATS_DROPS_DISCARD: packets dropped by TCQ_PLUG_DISCARD.
 * @SCH_PLUG_A_STATS_COPY_FAILURES: packets of zero-copy senders that are or were
 *	held although they could not be copied, mostly for want of memory. Each keeps
 *	the sender's memory until it leaves, and what the sender writes there shows up
 *	in it.
 * @SCH_PLUG_A_STATS_BUFFER_CMDS: TCQ_PLUG_BUFFER commands obeyed.
 * @SCH_PLUG_A_STATS_RELEASE_ONE_CMDS: TCQ_PLUG_RELEASE_ONE commands obeyed, those
 *	included that found no epoch waiting.
 * @SCH_PLUG_A_STATS_RELEASE_INDEFINITE_CMDS: TCQ_PLUG_RELEASE_INDEFINITE commands
 *	obeyed.
 * @SCH_PLUG_A_STATS_LIMIT_CMDS: TCQ_PLUG_LIMIT commands obeyed.
 * @SCH_PLUG_A_STATS_DISCARD_CMDS: TCQ_PLUG_DISCARD commands obeyed.
 * @SCH_PLUG_A_STATS_RELEASE_UPTO_CMDS: TCQ_PLUG_RELEASE_UPTO commands obeyed, those
 *	included that found everything released.
 * @SCH_PLUG_A_STATS_CLOSED_AGE: nanoseconds since the plug closed (was created
 *	closed, or was open and got TCQ_PLUG_BUFFER), without the time the system was
 *	suspended. Absent while it is open.
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
