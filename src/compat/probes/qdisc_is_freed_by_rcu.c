// 5.10 and later do it, with this member; 4.18 does not.
// absent: error: .*no member named .rcu
#include <net/sch_generic.h>

void probe(struct Qdisc *sch);
void probe(struct Qdisc *sch)
{
	(void)&sch->rcu;
}
