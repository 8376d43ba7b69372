#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# VM layer: criu
#
# Tests examples/container-ha when something fails: the backup is full, a dump fails,
# the newest checkpoint is incomplete, the service is given up. A packet may leave only
# if the backup has a checkpoint taken after it (I1). The message must say which command
# to use next.
set -u
. "${0%/*}/failover-lib.sh"

# silent CLIENT WHAT: checks that the client gets no more answers
silent() {
	before=$(seen "$1" 1)
	sleep 2
	is "$2" "$(seen "$1" 1)" "$before"
}

# says NAME PATTERN: whether the controller on host NAME has printed a line like PATTERN
says() {
	grep -q "$2" "$disks/$1/log"
}

echo "# $($CRIU --version | head -n 1), kernel $(uname -r)"
network
host a
host b
# This CRIU fails to dump while /tmp/fail exists.
cat > /tmp/criu-or-not << END
#!/bin/sh
[ "\$1" != dump ] || [ ! -e /tmp/fail ] || exit 1
exec $CRIU "\$@"
END
chmod +x /tmp/criu-or-not
real=$CRIU CRIU=/tmp/criu-or-not
start a b
new_checkpoints a || bail "the service runs, and checkpoints are taken"
ask one 1000
until_answers one 3 || bail "answers"

# Wrong options are refused before anything is done
on a "$ha" run -n web-a -o eth0 -d /tmp/trial -- touch /tmp/started > /tmp/out 2>&1
check "run without -s: says so" grep -q -- '-s COMMAND' /tmp/out
check "and starts nothing" [ ! -e /tmp/started ]
on a "$ha" give-up -n web-a -o eth7 -d "$disks/a" > /tmp/out 2>&1
check "give-up with a wrong device: says so" grep -q 'nothing has been touched' /tmp/out
check "and kills nothing" on a kill -0 "$(cat "$disks/a/pid")"

# Huge pages for all memory
huge_pages=/sys/kernel/mm/transparent_hugepage/enabled
echo always > $huge_pages
on b "$ha" check -n web-b -d "$disks/b" > /tmp/out 2>&1
check "huge pages for all memory: check says what to change" \
	grep -q "echo madvise > $huge_pages" /tmp/out
echo madvise > $huge_pages
on b "$ha" check -n web-b -d "$disks/b" > /tmp/out 2>&1
is "and nothing if they are not" "$(grep -c madvise /tmp/out)" 0
check "and that this CRIU can do it" grep -q "Version.* can do it" /tmp/out
on b env -u CRIU PATH="${real%/*}:$PATH" "$ha" check -n web-b -d "$disks/b" > /tmp/out 2>&1
check "and so can the criu of PATH" grep -q "Version.* can do it" /tmp/out

# Dumps fail
touch /tmp/fail
until_it has_ended a
check "dumps fail: the controller gives up" says a 'no checkpoint'
check "says how to go on here" says a "plugctl -n web-a open eth0"
check "and how to go on there" says a "container-ha give-up -n web-a"
silent one "nothing leaves"
is "the plug is closed" "$(plugctl -n web-a dump eth0 | cut -f 6)" buffering
rm /tmp/fail

# Protect the service again, with a backup that is full
on a mount -t tmpfs -o size=60k full "$disks/b"
protect a b
until_it has_ended a
check "the backup is full: the controller gives up" says a 'is not on the backup'
silent one "nothing leaves"
on a "$ha" restore -n web-a -d "$disks/b" > /tmp/out 2>&1
check "half a checkpoint is not restored: $(tail -n 1 /tmp/out)" grep -q 'no complete checkpoint' /tmp/out
on a umount "$disks/b"

# Copy checkpoints with tar, to a backup with enough room
protect a b -s "tar -C \${1%/*} -c \${1##*/} | $ha receive -n web-b -d $disks/b"
until_answers one $(($(seen one 1) + 2)) || bail "there is room again: answers come" "$(cat "$clients/one")"
pass "there is room again: answers come"
until_it checkpointed a $(($(reported a) + 3))
is "as many checkpoints are kept as wanted" \
	"$(find "$disks/b" -maxdepth 1 -name '[0-9]*' | wc -l)" 2
kill_controller a
flock "$disks/a/lock" true
newest=$(find "$disks/b" -maxdepth 1 -name '[0-9]*' | sort -V | tail -n 1)
# A checkpoint of an earlier life of the service, with a higher number
cp -r "$newest" "$disks/b/1000000"
tar -C "$disks/b" -c "${newest##*/}" | on b "$ha" receive -n web-b -d "$disks/b" > /tmp/out 2>&1
is "receive refuses a lower number" $? 1
check "and says what to do" grep -q 'rm -r' /tmp/out
rm -r "$disks/b/1000000"
# Make what an interrupted copy would leave of the next checkpoint
cp -r "$newest" "$disks/b/$((${newest##*/} + 1))"
rm "$disks/b/$((${newest##*/} + 1))"/pages-1.img

# The service is given up on one host, and restored on the other
on a "$ha" give-up -n web-a -o eth0 -d "$disks/a" 2> /tmp/out
check "give-up: $(cat /tmp/out)" [ -z "$(ip netns pids web-a)" ]
check "what was held is dropped" [ "$(plugctl -n web-a dump eth0 | cut -f 22)" -gt 0 ]
is "the plug stays closed" "$(plugctl -n web-a dump eth0 | cut -f 6)" buffering
restore b > /tmp/restored 2>&1
check "half a checkpoint is passed over" grep -q "checkpoint $((${newest##*/} + 1)) is not complete" /tmp/restored
check "the one before it is restored" grep -q "from checkpoint ${newest##*/}:" /tmp/restored
cut_off a
until_answers one $(($(seen one 1) + 2)) || bail "the connection goes on" "$(cat "$clients/one" /tmp/restored)"
stop_client one
right one

# Signals to all processes: of a terminal that is gone, and of systemd
protect b a
new_checkpoints b || bail "protected again"
# shellcheck disable=SC2016 # for the other shell
signal_plugctl='kill -$0 $(pidof plugctl)'
on b sh -c "$signal_plugctl" HUP || bail "no plugctl to send SIGHUP to"
new_checkpoints b || bail "a hangup ends nothing" "$(cat "$disks/b/log")"
on b sh -c "$signal_plugctl" TERM || bail "no plugctl to send SIGTERM to"
on b kill -TERM "$(cat "$disks/b/controller")"
until_it has_ended b
is "told to stop: the plug is open" "$(plugctl -n web-b dump eth0 | cut -f 6)" open
check "the service goes on" on b kill -0 "$(cat "$disks/b/pid")"

# Given up while a controller runs
protect b a
new_checkpoints b || bail "protected again"
failures=$(grep -c 'no checkpoint' "$disks/b/log")
on b "$ha" give-up -n web-b -o eth0 -d "$disks/b" 2> /tmp/out
until_it has_ended b || bail "given up while a controller runs" "$(cat /tmp/out)"
check "given up while a controller runs: $(cat /tmp/out)" [ -z "$(ip netns pids web-b)" ]
is "which is killed, and does not try to go on" "$(grep -c 'no checkpoint' "$disks/b/log")" "$failures"
is "and the plug stays closed" "$(plugctl -n web-b dump eth0 | cut -f 6)" buffering
plan
