// SPDX-License-Identifier: GPL-2.0-or-later
/* See tap.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/virtio_net.h>

#include "tap.h"

void tap_attach(struct tap *tap, unsigned int more)
{
	struct ifreq ifr = {
		.ifr_name = "pt",
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_BACKPRESSURE | more,
	};
	unsigned int features = 0;

	memset(tap, 0, sizeof(*tap));
	tap->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tap->fd < 0 && !sh("modprobe tun"))
		tap->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tap->fd < 0 || ioctl(tap->fd, TUNGETFEATURES, &features) ||
	    ioctl(tap->fd, TUNSETIFF, &ifr))
		bail("tap: %s", strerror(errno));
	tap->stops = features & IFF_BACKPRESSURE;
}

bool tap_steer(const struct tap *tap)
{
	const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_6, .src_reg = BPF_REG_1 },
		{ .code = BPF_LD | BPF_ABS | BPF_B, .imm = ETH_ALEN - 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)program,
		.insn_cnt = sizeof(program) / sizeof(program[0]),
		.license = (uintptr_t)"GPL",
	};
	int fd = syscall(__NR_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd < 0 && errno == ENOSYS) {
		skip("no bpf in this kernel");
		return false;
	}
	if (fd < 0 || ioctl(tap->fd, TUNSETSTEERINGEBPF, &fd))
		bail("steering: %s", strerror(errno));
	close(fd);
	return true;
}

/* ---- frames ---- */

struct tcp_frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

/* Returns the number of a frame; 0: the test did not send it. */
static __u64 frame_number(const void *frame, size_t len)
{
	const struct tcp_frame *f = frame;
	__u64 number = 0;

	if (f->eth.h_proto == htons(FRAME_TYPE))
		memcpy(&number, (const char *)frame + sizeof(f->eth), sizeof(number));
	else if (f->eth.h_proto == htons(ETH_P_IP) && len >= sizeof(*f))
		number = ntohl(f->tcp.seq);
	return number;
}

unsigned int tap_read(struct tap *tap, unsigned int want)
{
	unsigned int n = 0, quiet = 0;
	char room[65536];

	while (quiet < (n < want ? 1000 : 20)) {
		ssize_t len = read(tap->fd, room, sizeof(room));
		__u64 number = len < 22 ? 0 : frame_number(room, len);

		if (len < 0) {
			quiet++;
			sleep_ms(10);
		}
		if (!number)
			continue;
		tap->reordered += number <= tap->last;
		tap->last = number;
		if ((size_t)len > tap->longest)
			tap->longest = len;
		n++;
		quiet = 0;
	}
	return n;
}

void gso_send(struct wire *w, const char *dev)
{
	struct {
		struct virtio_net_hdr vnet;
		struct tcp_frame f;
		char payload[GSO_SEGMENTS * GSO_SIZE];
	} __attribute__((packed)) u = {
		.vnet = {
			.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
			.hdr_len = sizeof(u.f),
			.gso_size = GSO_SIZE,
			.csum_start = sizeof(u.f.eth) + sizeof(u.f.ip),
			.csum_offset = offsetof(struct tcphdr, check),
		},
		.f.eth.h_proto = htons(ETH_P_IP),
		.f.ip = {
			.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP,
			.tot_len = htons(sizeof(u.f.ip) + sizeof(u.f.tcp) + sizeof(u.payload)),
			.saddr = htonl(0x0a000001), .daddr = htonl(0x0a000002),
		},
		.f.tcp = { .doff = 5, .ack = 1, .seq = htonl(w->next) },
	};
	int fd = packet_socket(dev, 0), one = 1;

	memset(u.f.eth.h_dest, 0xff, ETH_ALEN);
	u.f.eth.h_dest[ETH_ALEN - 1] = w->dest;
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) ||
	    send(fd, &u, sizeof(u), 0) != sizeof(u))
		bail("a GSO packet: %s", strerror(errno));
	close(fd);
	w->next += sizeof(u.payload);
}
