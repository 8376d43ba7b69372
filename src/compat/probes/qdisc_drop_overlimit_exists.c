// 7.2 has it, 6.12 not: qdiscs have an enum of their own for the reason of a drop.
// absent: error: (.*undeclared.*QDISC_DROP_OVERLIMIT|.*QDISC_DROP_OVERLIMIT.*undeclared|.*implicit declaration of function .qdisc_drop_reason|.*undeclared function .qdisc_drop_reason)
#include <net/sch_generic.h>

void probe(struct sk_buff *skb, struct Qdisc *sch, struct sk_buff **to_free);
void probe(struct sk_buff *skb, struct Qdisc *sch, struct sk_buff **to_free)
{
	qdisc_drop_reason(skb, sch, to_free, QDISC_DROP_OVERLIMIT);
}
