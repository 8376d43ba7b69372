#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the shipped examples: a checkpoint loop with packets, and a web server that
# is restarted while clients connect all the time, with plugctl run and without.
. "${0%/*}/plugctl-lib.sh"

examples=${0%/*}/../../examples

# held DEV NUMBER: whether the plug holds that number of packets
held() {
	[ "$(field "$1" $F_PACKETS)" = "$2" ]
}

# later DEV NUMBER: whether the plug has reached that epoch
later() {
	[ "$(field "$1" $F_EPOCH)" -ge "$2" ]
}

wire
plugctl add v0
send 2
EPOCHS=3 PERIOD=0.1 run sh "$examples/checkpoint.sh" v0
gives "checkpoint.sh" 0 '' ''
is "four epochs began, everything left" \
	"$(field v0 $F_EPOCH) $(field v0 $F_STATE) $(field v0 $F_PACKETS)" "5 open 0"
ip link add d0 type dummy
plugctl add d0
EPOCHS=2 PERIOD=0.1 run sh "$examples/checkpoint.sh" v0 d0
gives "checkpoint.sh with two devices" 0 '' ''
run sh "$examples/checkpoint.sh" v0 nosuch0
gives "checkpoint.sh with a device that is not there" 1 '' '*no such device*'
is "leaves nothing closed" "$(field v0 $F_STATE)" open
plugctl buffer v0
send 2
run sh "$examples/checkpoint.sh" v0 nosuch0
gives "and after a run that has failed" 1 '' '*no such device*'
is "releases nothing" "$(field v0 $F_STATE) $(field v0 $F_PACKETS)" "buffering 2"
plugctl open v0
sh "$examples/checkpoint.sh" v0 > "$tmp/out" 2> "$tmp/err" &
pid=$!
epoch=$(field v0 $F_EPOCH)
check "checkpoint.sh goes on" eventually later v0 $((epoch + 3))
kill -TERM $pid
status=0
wait $pid || status=$?
is "until it is told to end: after an epoch, with the plug open" \
	"$status $(field v0 $F_STATE)$(cat "$tmp/err")" "0 open"
sed 's/^	: # returns when.*/	false/' "$examples/checkpoint.sh" > "$tmp/lost.sh"
run sh "$tmp/lost.sh" v0
gives "the backup is lost" 1 '' '*the checkpoint did not arrive*stays closed: *plugctl open v0'
is "what it has not got does not leave" "$(field v0 $F_STATE)" buffering

# plugctl is killed, so buffer fails: the guest is resumed.
sed -e 's/^	: # resume it.*/	echo resumed/' -e 's/^	: # pause the guest.*/	kill -KILL $plugctl; wait $plugctl || :/' \
	"$examples/checkpoint.sh" > "$tmp/gone.sh"
run sh "$tmp/gone.sh" v0
gives "plugctl is gone" 1 resumed '*no answer: is plugctl gone*stays closed: *plugctl open v0'

# The same in C: first with plugctl, then directly through netlink.
send 2
epoch=$(field v0 $F_EPOCH)
run "$examples/checkpoint" v0 3 50
gives "checkpoint.c" 0 '' ''
is "four epochs began, everything left" \
	"$(field v0 $F_EPOCH) $(field v0 $F_STATE) $(field v0 $F_PACKETS)" \
	"$((epoch + 4)) open 0"
run "$examples/checkpoint" nosuch0
gives "checkpoint.c without a device" 1 '' '*no such device*'
epoch=$((epoch + 5))
run "$examples/netlink" v0 buffer
gives "netlink.c: buffer, by the device" 0 \
	"id [1-9]*?epoch $epoch?released $((epoch - 1))" ''
id=$(sed -n 's/^id //p' "$tmp/out")
send 2
run "$examples/netlink" id="$id" upto $epoch
gives "netlink.c: an epoch that has not ended is refused" 2 '' "id=$id: Invalid argument"
run "$examples/netlink" id="$id" buffer
gives "netlink.c: buffer, by the id" 0 \
	"id $id?epoch $((epoch + 1))?released $((epoch - 1))" ''
run "$examples/netlink" id="$id" upto $epoch
gives "netlink.c: it is released" 0 "id $id?epoch $((epoch + 1))?released $epoch" ''
check "and leaves" eventually held v0 0
send 2
check "netlink.c: what is sent is held" eventually held v0 2
run "$examples/netlink" id="$id" discard $((epoch + 1))
gives "netlink.c: discard up to an epoch" 0 \
	"id $id?epoch $((epoch + 2))?released $((epoch + 1))" ''
is "drops it" "$(field v0 $F_PACKETS)" 0
send 2
run "$examples/netlink" id="$id" discard $((epoch + 1))
gives "netlink.c: and repeated" 0 "id $id?epoch $((epoch + 2))?released $((epoch + 1))" ''
is "drops nothing more" "$(field v0 $F_PACKETS)" 2

# Another plug replaces this one: commands for the old plug do not reach the new one.
tc qdisc replace dev v0 root handle 7: pfifo
run "$examples/netlink" v0 open
gives "netlink.c: no plug" 2 '' 'v0: no plug at the root'
tc qdisc replace dev v0 root handle 8: plug
run "$examples/netlink" v0 buffer
gives "netlink.c: the new plug, by the device" 0 "id *" ''
new=$(sed -n 's/^id //p' "$tmp/out")
check "has another id" [ "$new" != "$id" ]
send 2
run "$examples/netlink" id="$id" open
gives "netlink.c: by the id of the old one" 2 '' \
	"id=$id: the plug was deleted or replaced; nothing was done"
is "nothing leaves the new one" "$(field v0 $F_PACKETS) $(field v0 $F_STATE)" "2 buffering"
run "$examples/netlink" id="$new" open
gives "netlink.c: by its own id" 0 "id $new?epoch *?released *" ''
check "it all leaves" eventually held v0 0

# A plug that is not at the root is not found.
ip link add d1 type dummy
tc qdisc add dev d1 root handle 1: prio
tc qdisc add dev d1 parent 1:1 plug
run "$examples/netlink" d1 buffer
gives "netlink.c: below another qdisc" 2 '' 'd1: no plug at the root'
run "$examples/netlink" nosuch0 buffer
gives "netlink.c: no such device" 2 '' 'nosuch0: No such device'
run "$examples/netlink" id=zz buffer
gives "netlink.c: no id" 1 '' 'usage: *'
run "$examples/netlink" v0 upto x
gives "netlink.c: no epoch" 1 '' 'usage: *'
run "$examples/netlink" v0 upto
gives "netlink.c: upto without an epoch is refused" 2 '' 'v0: Invalid argument'

# $tmp/restart starts a web server, or restarts it. Connections are refused between its
# end and its start.
mkdir "$tmp/www"
echo served > "$tmp/www/index.html"
cat > "$tmp/restart" << END
#!/bin/sh
[ ! -e $tmp/pid ] || { kill \$(cat $tmp/pid); sleep \${PAUSE:-0.7}; }
busybox httpd -f -p 127.0.0.1:8080 -h $tmp/www < /dev/null > /dev/null 2>&1 &
echo \$! > $tmp/pid
until netstat -ltn | grep -q :8080; do sleep 0.05; done
END
chmod +x "$tmp/restart"

# clients: starts two clients that connect again and again, until $tmp/stop exists
clients() {
	rm -f "$tmp/stop"
	: > "$tmp/good"
	: > "$tmp/bad"
	for client in 1 2; do
		while [ ! -e "$tmp/stop" ]; do
			if printf 'GET /index.html HTTP/1.0\r\n\r\n' |
			    busybox nc -w 8 127.0.0.1 8080 2>> "$tmp/bad" |
			    grep -q served; then
				echo "$client" >> "$tmp/good"
			else
				echo "failed" >> "$tmp/bad"
			fi
		done &
	done
}

# served: waits until ten more connections have succeeded
served() {
	wanted=$(($(wc -l < "$tmp/good") + 10))
	tries=0
	while [ "$(wc -l < "$tmp/good")" -lt $wanted ] && [ $((tries += 1)) -lt 600 ]; do
		sleep 0.1
	done
}

# restarts COMMAND...: restarts the server twice by COMMAND, while clients connect
restarts() {
	clients
	for round in 1 2; do
		served
		"$@" "$tmp/restart" < /dev/null > "$tmp/round$round" 2>&1 ||
			fail "restart $round" "$(cat "$tmp/round$round")"
	done
	served
	touch "$tmp/stop"
	# This waits for the clients. The server is not a child of this shell.
	wait
}

tc qdisc del dev lo root 2> /dev/null
run sh "$examples/reload.sh" setup lo http-alt-no-port
is "reload.sh setup that fails" "$status" 1
is "leaves nothing behind" "$(tc qdisc show dev lo | cut -d' ' -f2 | xargs)" noqueue
run sh "$examples/reload.sh" setup lo 8080
gives "reload.sh setup" 0 '' ''
"$tmp/restart"
restarts sh "$examples/reload.sh" run lo
is "with plugctl run: not one connection failed" "$(cat "$tmp/bad")" ""
check "and many succeeded" [ "$(wc -l < "$tmp/good")" -gt 20 ]
echo "# $(wc -l < "$tmp/good") connections over two restarts"
is "the plug is open" "$(field lo $F_STATE)" open
# Long enough for many connections to fail on any machine.
export PAUSE=2
restarts sh
check "without it, many fail" [ "$(wc -l < "$tmp/bad")" -gt 2 ]
echo "# $(wc -l < "$tmp/bad") failed, $(wc -l < "$tmp/good") succeeded"
kill "$(cat "$tmp/pid")"
run sh "$examples/reload.sh" remove lo
gives "reload.sh remove" 0 '' ''
is "nothing is left" "$(plugctl dump lo 2> /dev/null)" ""
finish
