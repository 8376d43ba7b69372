// 5.10 has this member, 4.18 does not.
// absent: error: .*no member named .extack
#include <linux/netlink.h>

void probe(struct netlink_callback *cb);
void probe(struct netlink_callback *cb)
{
	(void)cb->extack;
}
