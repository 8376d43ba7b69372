#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the stop command of plugctl@.service, with a fake plugctl that answers for each
# kind of plug. usage: service.sh UNIT; prints TAP. The test with systemd itself is
# tests/distro/scenario-9-service.
set -u
unit=${1:-${0%/*}/../plugctl@.service.in}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# The fake plugctl: is-open exits with $is_open, dump with $dumps. Other commands are
# written to $log.
cat > "$dir/plugctl" << 'END'
#!/bin/sh
case $1 in
is-open)	exit "$is_open" ;;
dump)		exit "$dumps" ;;
*)		echo "$@" >> "$log"; exit 0 ;;
esac
END
chmod +x "$dir/plugctl"

# The stop command in one line, without the quotes that systemd removes.
script=$(sed -n -e "/^ExecStop=/{:a;/\\\\\$/{N;ba};p}" "$unit" |
	sed -e ':a;N;$!ba;s/\\\n//g' | sed -e "s/^[^']*'//; s/' %I\$//; s,@BINDIR@,$dir,g; s,/sys/class/net,$dir,")
count=0
failed=0
# stops NAME DEVICE IS_OPEN DUMPS STATUS DONE: runs the stop command, and checks its
# status and the log
stops() {
	count=$((count + 1))
	: > "$dir/log"
	is_open=$3 dumps=$4 log=$dir/log sh -c "$script" "$2" 2> /dev/null
	got="$? $(< "$dir/log")"
	if [ "$got" = "$5 $6" ]; then
		echo "ok $count - $1"
	else
		failed=1
		printf 'not ok %d - %s\n# got:    %s\n# wanted: %s\n' $count "$1" "$got" "$5 $6"
	fi
}

device=eth0
: > "$dir/$device"
stops "an open plug is detached" "$device" 0 0 0 "del $device"
stops "a closed one stays" "$device" 4 0 1 ''
stops "none is no failure" "$device" 2 2 0 ''
stops "one whose state is not known stays" "$device" 2 0 1 ''
stops "where nothing can be asked, nothing is done" "$device" 3 3 1 ''
stops "a device that is gone" nosuch0 2 2 0 ''
echo "1..$count"
exit $failed
