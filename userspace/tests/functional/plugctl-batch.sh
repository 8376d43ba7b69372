#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# plugctl batch: order, answers, errors with file and line, devices that vanish
# and come back.
. "${0%/*}/plugctl-lib.sh"

wire
plugctl add v0

cat > "$tmp/batch" << 'END'
# a comment, and an empty line

buffer v0	# begins epoch 2
  buffer v0
release v0 upto 1
show v0
END
run plugctl batch "$tmp/batch"
gives "a file" 0 'v0  plug *buffering epoch 3; 1 epoch waits*' ''
run sh -c "printf 'release v0\nbuffer v0\n' | plugctl batch"
gives "standard input" 0 '' ''
is "all were executed" "$(field v0 $F_EPOCH) $(field v0 $F_RELEASED)" "4 2"

run sh -c "printf 'buffer v0\nbzffer v0\nbuffer v0\n' | plugctl batch -"
gives "a failure ends it, with the line" 1 '' 'plugctl: stdin:2: bzffer: no such command: did you mean buffer?'
is "what came before was done" "$(field v0 $F_EPOCH)" 5
run sh -c "printf 'buffer v0\nbzffer v0\nbuffer v0\n' | plugctl --force batch -"
gives "--force goes on" 1 '' 'plugctl: stdin:2: bzffer: *'
is "everything else was done" "$(field v0 $F_EPOCH)" 7
run sh -c "printf 'buffer v0\nbuffer v0' | plugctl batch"
gives "half a line is not executed" 1 '' 'plugctl: stdin:2: the input ends in the middle of this line*'
is "and changes nothing" "$(field v0 $F_EPOCH)" 8
run sh -c "printf '# end' | plugctl batch"
gives "half a comment does not matter" 0 '' ''
run sh -c "printf 'monitor\n' | plugctl batch"
gives "monitor is not for a batch" 1 '' 'plugctl: stdin:1: monitor does not work in a batch*'
run sh -c "printf -- '-j show\n' | plugctl batch"
gives "-j is for the whole batch" 1 '' 'plugctl: stdin:1: --json goes before the word batch*'
run sh -c "printf 'buffer v0\0 x\n' | plugctl batch"
gives "a zero byte" 1 '' 'plugctl: stdin:1: a zero byte*'
run sh -c "(printf 'buffer nosuch0\n'; head -c 3000000 /dev/zero | tr '\\0' x) | plugctl --force batch"
gives "a line without end, by its number, and the worst status" 2 '' 'plugctl: stdin:1: nosuch0: no such device*
plugctl: stdin:2: this line is longer than *'
run plugctl batch /etc
gives "a folder" 2 '' 'plugctl: /etc:1: cannot read on: *'
run plugctl batch /nosuchfile
gives "no such file" 1 '' 'plugctl: /nosuchfile: cannot be opened*'

run sh -c "printf 'buffer v0\nrelease v0 upto 99\n' | plugctl -j batch"
gives "-j: an answer for each line" 2 '{"line":1,*"epoch":9,*"ended_epoch":8}\],"command":"buffer","ok":true}
{"line":2,*"command":"release","ok":false,"errors":\[{"device":"v0","message":*,"status":2}\]}' 'plugctl: stdin:2: v0: *'

# With --force: all lines are executed in order, and each failure is reported with
# its line.
plugctl open v0
before=$(field v0 $F_EPOCH)
i=0
while [ $i -lt 100 ]; do
	printf 'buffer v0\nrelease v0\nbuffer v0\n'
	i=$((i + 1))
done > "$tmp/many"
run plugctl --force batch "$tmp/many"
gives "300 lines together" 0 '' ''
is "all were executed, in order" "$(field v0 $F_EPOCH) $(field v0 $F_RELEASED)" \
	"$((before + 200)) $((before + 100 - 1))"
before=$((before + 200))
cat > "$tmp/mixed" << END
buffer v0
release v0 upto 100000
buffer nosuch0
release v0 upto $before
-v buffer v0
release v0
open v0
dump v0
buffer v0
END
run plugctl --force batch "$tmp/mixed"
gives "failures among them, by line" 2 "v0*buffering epoch $((before + 2));*
v0*open	$((before + 2))	$((before + 2))*" \
	"plugctl: $tmp/mixed:2: v0: the kernel refused*
plugctl: $tmp/mixed:3: nosuch0: *"
is "the last one was sent as well" "$(field v0 $F_STATE) $(field v0 $F_EPOCH)" \
	"buffering $((before + 3))"

# As a co-process: each answer is read before the next command is sent.
mkfifo "$tmp/to" "$tmp/from"
plugctl -j batch < "$tmp/to" > "$tmp/from" &
pid=$!
exec 3> "$tmp/to" 4< "$tmp/from"
echo "open v0" >&3
read -r line <&4
like "co-process: first answer" "$line" '{"line":1,*"state":"open"*}'
before=$(field v0 $F_EPOCH)
i=0
while [ $i -lt 20 ]; do
	echo "buffer v0" >&3
	read -r line <&4
	echo "release v0" >&3
	read -r line <&4
	i=$((i + 1))
done
is "twenty epochs" "$(field v0 $F_EPOCH)" $((before + 20))

# Somebody replaces the plug while the controller runs: the new plug is found.
plugctl --force del v0
plugctl add v0 handle 99:
before=$(field v0 $F_EPOCH)
echo "buffer v0" >&3
read -r line <&4
like "another plug is found" "$line" \
	"{\"line\":42,*\"handle\":\"99:\",*\"epoch\":$((before + 1)),*\"ok\":true}"
# The name passes to another device: now the plug of that device gets the command.
ip link set v0 down
ip link set v0 name old0
ip link add v0 type dummy
ip link set v0 up
plugctl add v0
echo "buffer v0" >&3
read -r line <&4
like "a name that moved" "$line" '{"line":43,*"handle":"8001:",*"ok":true}'
is "the old one was left alone" "$(field old0 $F_EPOCH)" $((before + 1))
ip link del v0
echo "buffer v0" >&3
read -r line <&4
like "a device that vanished" "$line" '{"line":44,*"ok":false,"errors":\[{"device":"v0","message":"no such device*'
exec 3>&-
status=0
wait $pid || status=$?
is "and ends the batch" $status 2

# A command that names an epoch is only for the plug that it was read from. A new plug
# does not get it, even if the handle is the same.
mkfifo "$tmp/to3" "$tmp/from3"
plugctl -j --force batch < "$tmp/to3" > "$tmp/from3" 2> /dev/null &
pid=$!
exec 3> "$tmp/to3" 4< "$tmp/from3"
echo "buffer old0" >&3
read -r line <&4
like "a plug that will go" "$line" '{"line":1,*"handle":"99:",*"ok":true}'
plugctl --force del old0
plugctl add old0 handle 99:
plugctl buffer old0
before="$(field old0 $F_EPOCH) $(field old0 $F_RELEASED)"
echo "release old0 upto $((${before%% *} - 1))" >&3
read -r line <&4
like "another plug has other epochs" "$line" \
	'{"line":2,*"ok":false,"errors":\[{"device":"old0","message":"the plug was replaced by another one*'
is "and keeps them" "$(field old0 $F_EPOCH) $(field old0 $F_RELEASED)" "$before"
echo "discard old0" >&3
read -r line <&4
like "what names none finds it" "$line" '{"line":3,*"handle":"99:",*"ok":true}'
# The name passes to another device: its plug does not get a release that names an
# epoch, either.
ip link set old0 down
ip link set old0 name older0
ip link add old0 type dummy
ip link set old0 up
plugctl add old0 handle 99:
plugctl buffer old0
before="$(field old0 $F_EPOCH) $(field old0 $F_RELEASED)"
echo "release old0 upto $((${before%% *} - 1))" >&3
read -r line <&4
like "another device has other epochs" "$line" \
	'{"line":4,*"ok":false,"errors":\[{"device":"old0","message":"the plug was replaced by another one*'
is "and keeps them, too" "$(field old0 $F_EPOCH) $(field old0 $F_RELEASED)" "$before"
plugctl --force del older0
ip link del older0
# The module is replaced while plugctl runs: first the family has another number, then
# there is no family.
plugctl --force del old0
rmmod sch_plug
plugctl add old0
echo "buffer old0" >&3
read -r line <&4
like "the module was loaded again" "$line" '{"line":5,*"module":"sch-plug",*"ok":true}'
plugctl --force del old0
rmmod sch_plug
insmod "$PLUG_INTREE_KO"
plugctl add old0
echo "discard old0" >&3
read -r line <&4
like "now it is the in-tree one" "$line" \
	'{"line":6,*"ok":false,"errors":\[{"device":"old0","message":"the in-tree sch_plug is loaded*'
echo "buffer old0" >&3
read -r line <&4
like "which executes what it can" "$line" '{"line":7,*"module":"in-tree",*"ok":true}'
plugctl --force del old0
rmmod sch_plug
plugctl add old0
exec 3>&-
wait $pid || :

# After "add", the name is looked up again: the device may have two plugs.
ip link add two0 type dummy
ip link set two0 up
tc qdisc add dev two0 root handle 1: prio
plugctl add two0 parent 1:1
printf 'buffer two0\nadd two0 parent 1:3\nbuffer two0\n' > "$tmp/batch"
run plugctl batch "$tmp/batch"
gives "a second plug was attached" 2 '' "plugctl: $tmp/batch:3: two0: has 2 plugs*"
ip link del two0

# With --force a controller can continue with all other devices.
mkfifo "$tmp/to2" "$tmp/from2"
plugctl -j --force batch < "$tmp/to2" > "$tmp/from2" 2> /dev/null &
pid=$!
exec 3> "$tmp/to2" 4< "$tmp/from2"
echo "buffer old0 v0" >&3
read -r line <&4
like "one of two is gone" "$line" '{"line":1,"plugs":\[{"device":"old0",*}\],*"ok":false,"errors":\[{"device":"v0"*'
echo "release old0" >&3
read -r line <&4
like "the other goes on" "$line" '{"line":2,*"ok":true}'
exec 3>&-
wait $pid || :
finish
