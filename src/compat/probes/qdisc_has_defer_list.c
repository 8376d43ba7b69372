// 7.2 has it, 6.12 not: packets wait in front of a qdisc whose lock is taken.
// absent: error: .*no member named .defer_list
#include <net/sch_generic.h>

void probe(struct Qdisc *sch);
void probe(struct Qdisc *sch)
{
	(void)&sch->defer_list;
}
