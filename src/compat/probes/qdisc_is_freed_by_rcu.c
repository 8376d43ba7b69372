// 5.10 and later do it, with this member; 4.18 does not. See below for 4.19.
// absent: error: .*(no member named .rcu|qdisc_watchdog_schedule_range_ns)
#include <net/pkt_sched.h>
#include <net/sch_generic.h>

/* A late 4.19 has the member, but its prio, multiq and sfb still destroy a child
 * while they hold the root lock: destroy would wait there for the lock of a plug,
 * whose holder waits for the root lock. Since 5.4 they no longer do, which no
 * header shows. qdisc_watchdog_schedule_range_ns() came later, in 5.7.
 */
void probe(struct Qdisc *sch, struct qdisc_watchdog *watchdog);
void probe(struct Qdisc *sch, struct qdisc_watchdog *watchdog)
{
	(void)&sch->rcu;
	qdisc_watchdog_schedule_range_ns(watchdog, 0, 0);
}
