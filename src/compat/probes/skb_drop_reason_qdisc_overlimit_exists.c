// Between 6.12 and 7.2 qdisc_drop_reason() took an enum skb_drop_reason.
// absent: error: (.*undeclared.*SKB_DROP_REASON_QDISC_OVERLIMIT|.*SKB_DROP_REASON_QDISC_OVERLIMIT.*undeclared|.*implicit declaration of function .qdisc_drop_reason|.*undeclared function .qdisc_drop_reason|.*Wenum-conversion)
#include <net/sch_generic.h>

void probe(struct sk_buff *skb, struct Qdisc *sch, struct sk_buff **to_free);
void probe(struct sk_buff *skb, struct Qdisc *sch, struct sk_buff **to_free)
{
	qdisc_drop_reason(skb, sch, to_free,
			  SKB_DROP_REASON_QDISC_OVERLIMIT);
}
