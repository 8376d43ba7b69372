// 5.10 and later do, with the member rcu. 4.18 does not. For 4.19 see below.
// absent: error: .*(no member named .rcu|qdisc_watchdog_schedule_range_ns)
#include <net/pkt_sched.h>
#include <net/sch_generic.h>

/* A late 4.19 has the member, but its prio, multiq and sfb still destroy a child
 * while they hold the root lock. That can deadlock: destroy waits for the lock
 * of a plug, whose holder waits for the root lock. 5.4 and later no longer do
 * this, but no header shows it. So this probe also needs
 * qdisc_watchdog_schedule_range_ns(), which came in 5.7.
 */
void probe(struct Qdisc *sch, struct qdisc_watchdog *watchdog);
void probe(struct Qdisc *sch, struct qdisc_watchdog *watchdog)
{
	(void)&sch->rcu;
	qdisc_watchdog_schedule_range_ns(watchdog, 0, 0);
}
