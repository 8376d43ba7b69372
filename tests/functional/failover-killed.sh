#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# VM layer: criu
#
# Tests examples/container-ha when the controller is killed, at each of its steps in
# turn. Processes that it has started go on. A packet may leave only if the backup has a
# checkpoint taken after it (I1). The plug must stay closed, and a new controller with
# the same command must be able to go on. At the end the host dies, and the connection
# of the client must go on.
set -u
. "${0%/*}/failover-lib.sh"

# The controller finds the programs of this folder first. They call the real programs,
# and kill the controller at the step that /tmp/kill-at names.
programs=/tmp/programs
real_plugctl=$(command -v plugctl)
real_sleep=$(command -v sleep)
mkdir -p $programs

cat > $programs/step << END
#!/bin/sh
[ "\$(cat /tmp/kill-at 2> /dev/null)" = "\$1" ] || exit 0
mv /tmp/kill-at /tmp/killed-at
kill -KILL "\$(cat $disks/a/controller)"
END

cat > $programs/criu << END
#!/bin/sh
action=\$1
[ "\$3" != $disks/a/trial ] || action=check
$programs/step "\$action"
$CRIU "\$@"
status=\$?
$programs/step "after \$action"
exit \$status
END

cat > $programs/plugctl << END
#!/bin/sh
case " \$* " in
*" buffer "*)	$programs/step buffer ;;
*" batch "*)
	while IFS= read -r line; do
		echo "\$line"
		[ "\${line#release}" = "\$line" ] || $programs/step release
	done | $real_plugctl "\$@" | while IFS= read -r line; do
		[ "\${line#*'"command":"release"'}" = "\$line" ] || $programs/step "after release"
		echo "\$line"
	done
	: > /tmp/batch-ended
	exit ;;
esac
exec $real_plugctl "\$@"
END

cat > $programs/sleep << END
#!/bin/sh
[ "\$1" != 0.3 ] || $programs/step wait
exec $real_sleep "\$@"
END

# copy also writes the number of the last complete copy to $disks/whole.
cat > $programs/copy << END
#!/bin/sh
number=\${1##*/}
$programs/step copy
cp -r "\$1" $disks/b/
if [ "\$(cat /tmp/kill-at 2> /dev/null)" = "half a copy" ]; then
	rm $disks/b/\$number/inventory.img
	$programs/step "half a copy"
	exit 1
fi
echo \$number > $disks/whole
shift
cd $disks/b && rm -rf "\$@"
$programs/step "after copy"
END
chmod +x $programs/*

# controller ACTION: calls start or protect of failover-lib.sh, with these programs
controller() {
	usual=$PATH
	PATH=$programs:$PATH
	"$1" a b -P -c 3 -t 0.3 -s "$programs/copy \"\$@\""
	PATH=$usual
}

# field N: prints field N of plugctl dump for the plug on host a
field() {
	plugctl -n web-a dump eth0 | cut -f "$1"
}

# no_more_answers: whether no answer comes for a second. Answers that were released
# before may still be on their way.
no_more_answers() {
	so_far=$(seen one 1)
	sleep 1
	[ "$(seen one 1)" = "$so_far" ]
}

# killed STEP: kills the controller at that step, and lets another one go on
killed() {
	rm -f /tmp/killed-at /tmp/batch-ended
	echo "$1" > /tmp/kill-at
	until_it has_ended a || bail "killed at '$1'"
	# CRIU and the copy hold the lock: wait until they have ended.
	flock "$disks/a/lock" true
	until_it [ -e /tmp/batch-ended ] || bail "killed at '$1': plugctl ends, too"
	until_it no_more_answers || bail "killed at '$1': no more answers come"
	before=$(seen one 1)
	sleep 1
	is "killed at '$1': the plug is closed, and no more answers come" \
		"$(cat /tmp/killed-at), $(field 6), $(seen one 1)" "$1, buffering, $before"
	whole=$(cat $disks/whole)
	backed_up=$(sed 's/.*"ended_epoch":\([0-9]*\).*/\1/' "$disks/b/$whole/plug")
	check "killed at '$1': released up to epoch $(field 8), the backup has $backed_up" \
		[ "$(field 8)" -le "$backed_up" ]
	controller protect
	until_answers one $(($(seen one 1) + 1)) || bail "killed at '$1': the same command again goes on"
}

echo "# $($CRIU --version | head -n 1), kernel $(uname -r)"
network
host a
host b
can=$CRIU
CRIU=$programs/criu

echo check > /tmp/kill-at
controller start
until_it has_ended a || bail "killed at 'check'"
flock "$disks/a/lock" true
is "killed at 'check': nothing has been started or held" \
	"$(cat /tmp/killed-at), $(ip netns pids web-a), $(plugctl -n web-a show 2> /dev/null)" "check, , "
controller start
new_checkpoints a || bail "the service runs, and checkpoints are taken"
ask one 1000
until_answers one 1 || bail "answers"
for step in pre-dump "after pre-dump" dump buffer "after dump" copy "half a copy" "after copy" \
    release "after release" wait; do
	killed "$step"
done

CRIU=$can
new_checkpoints a || bail "protected again"
die a
restore b > /tmp/restored 2>&1 || bail "restored" "$(cat /tmp/restored)"
pass "host a has died, $(sed -n 's/.*goes on/goes on/p' /tmp/restored)"
until_answers one $(($(seen one 1) + 2)) || bail "the connection goes on"
stop_client one
right one
plan
