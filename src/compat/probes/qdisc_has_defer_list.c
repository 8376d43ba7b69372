// 7.2 has this member, 6.12 does not. Packets wait there for the qdisc's lock.
// absent: error: .*no member named .defer_list
#include <net/sch_generic.h>

void probe(struct Qdisc *sch);
void probe(struct Qdisc *sch)
{
	(void)&sch->defer_list;
}
