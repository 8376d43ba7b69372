// From 6.14 to 6.19: qdisc_drop_reason() takes an enum skb_drop_reason.
// absent: error: (.*undeclared.*SKB_DROP_REASON_QDISC_OVERLIMIT|.*SKB_DROP_REASON_QDISC_OVERLIMIT.*undeclared|.*implicit declaration of function .qdisc_drop_reason|.*undeclared function .qdisc_drop_reason|.*Wenum-conversion)
#include <net/sch_generic.h>

void probe(struct sk_buff *skb, struct Qdisc *sch, struct sk_buff **to_free);
void probe(struct sk_buff *skb, struct Qdisc *sch, struct sk_buff **to_free)
{
	qdisc_drop_reason(skb, sch, to_free,
			  SKB_DROP_REASON_QDISC_OVERLIMIT);
}
