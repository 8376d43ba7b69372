#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# contrib/plugctl-prometheus: each line has the right format, and the values are those
# of the plug.
#
# VM layer: python
PATH=$PATH:/usr/bin
# shellcheck source=userspace/tests/functional/plugctl-lib.sh
. "${0%/*}/plugctl-lib.sh"

metric() {
	sed -n "s/^$1{device=\"v0\"[^}]*$2[^}]*} //p" "$tmp/prom"
}

collect() {
	python3 "${0%/*}/../../contrib/plugctl-prometheus" "$@"
}

run collect
gives "without any plug there is nothing to say" 0 '' ''

wire
plugctl add v0 open limit 1M
plugctl buffer v0
send 3
plugctl buffer v0
run collect "$tmp/prom"
gives "into a file" 0 '' ''
is "nothing else is left beside it" "$(echo "$tmp"/*.tmp)" "$tmp/*.tmp"
is "each line is a comment or a sample" "$(grep -cvE \
	'^# (HELP|TYPE) plug_[a-z_]+ .+$|^plug_[a-z_]+\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\} [0-9.e+-]+$' "$tmp/prom")" 0
is "no sample is there twice" "$(grep -v '^#' "$tmp/prom" | cut -d' ' -f1 | sort | uniq -d)" ''
is "closed" "$(metric plug_open)" 0
is "packets held" "$(metric plug_held_packets)" 3
is "the limit" "$(metric plug_limit_bytes)" 1048576
is "an epoch waits" "$(metric plug_waiting_epochs)" 1
check "closed for some time" [ -n "$(metric plug_closed_seconds)" ]
plugctl discard v0
plugctl open v0
run collect "$tmp/prom"
is "open" "$(metric plug_open)" 1
is "dropped, by reason" "$(metric plug_drops_total 'reason="discard"')" 3
is "dropped, in all" "$(metric plug_dropped_packets_total)" 3
is "not closed" "$(metric plug_closed_seconds)" ''
run collect /no/such/place/prom
gives "a place that is not there" 1 '' 'plugctl-prometheus: /no/such/place/prom: No such file or directory'
rm "$tmp/prom"
finish
