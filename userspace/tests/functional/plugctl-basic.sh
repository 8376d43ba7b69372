#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# plugctl's commands on one device, with real packets: their output, their status,
# and the state of the kernel afterwards.
. "${0%/*}/plugctl-lib.sh"

run plugctl add nosuch0
gives "add: no such device" 2 '' 'plugctl: nosuch0: no such device: *'
run plugctl show
gives "show without any plug prints nothing" 0 '' ''

wire
run plugctl buffer v0
gives "a device without a plug" 2 '' 'plugctl: v0: has no plug: attach one with plugctl add v0'
run plugctl add v0
gives "add prints nothing" 0 '' ''
is "a fresh plug is closed" "$(field v0 $F_STATE)" buffering
is "it is ours" "$(field v0 $F_MODULE)" sch-plug
is "the default limit" "$(field v0 $F_LIMIT)" 10000000
run plugctl add v0
gives "add does not replace a plug" 2 '' 'plugctl: v0: already has a plug (*: at root)*--force*'
run plugctl add --keep v0 open limit 1M
gives "add --keep takes it for done" 0 '' ''
is "it is as it was" "$(field v0 $F_STATE) $(field v0 $F_LIMIT)" "buffering 10000000"

run plugctl -v open v0
gives "open -v" 0 'v0: open, 0 packets held, limit 9.5 MiB' ''
run ping -q -c 2 -i 0.1 -W 2 192.0.2.2
is "packets pass an open plug" "$status" 0
run plugctl buffer v0
gives "buffer prints nothing" 0 '' ''
send 3
is "three are held" "$(field v0 $F_PACKETS)" 3
run plugctl -v add --keep v0
gives "add --keep -v reports what is there" 0 'v0: buffering epoch 2, 3 packets held, limit 9.5 MiB' ''
is "and they still are" "$(field v0 $F_PACKETS)" 3
run plugctl -v buffer v0
gives "buffer -v names the epoch" 0 'v0: buffering epoch 3; 1 epoch waits for release (oldest 2), 3 packets held, limit 9.5 MiB' ''
send 2
run plugctl del v0
gives "del refuses while packets are held" 2 '' 'plugctl: v0: holds packets that were not released (5 in the queue)*'
run plugctl release v0
gives "release prints nothing" 0 '' ''
run plugctl wait v0 --timeout 5s
gives "wait for the released" 0 '' ''
is "one epoch has left" "$(field v0 $F_PACKETS)" 2
run plugctl release v0 upto 3
gives "the epoch being filled cannot be released" 2 '' 'plugctl: v0: the kernel refused: *The epoch to release has not been closed (*'
run plugctl buffer v0
run plugctl release v0 upto 3
gives "release upto" 0 '' ''
run plugctl release v0 upto 3
gives "release upto again" 0 '' ''
for words in 'release v0 up 3' 'release v0 3' 'open v0 upto 3' 'discard v0 upt 1' \
		'del v0 upto 3' 'del --force v0 3' 'wait v0 upto 3' 'run v0 upto 3 -- true'; do
	before=$(plugctl dump v0)
	# shellcheck disable=SC2086 # words
	run plugctl $words
	case $words in
	release*|discard*)	meant=': was "upto EPOCH" meant?' ;;
	*)			meant=", and ${words%% *} takes no epoch." ;;
	esac
	gives "$words: not what was meant" 1 '' "plugctl: *is no device$meant Nothing was done*"
	is "and nothing was done" "$(plugctl dump v0 | cut -f 1-14)" "$(echo "$before" | cut -f 1-14)"
done
run plugctl wait v0 --timeout 5s
is "everything has left" "$(field v0 $F_PACKETS)" 0

send 4
run plugctl -v discard v0
gives "discard" 0 'v0: buffering epoch *, 0 packets held, limit 9.5 MiB' ''
is "the discarded were dropped" "$(field v0 $F_DROPS)" 4

run plugctl -v limit v0 1M
is "limit" "$status $(field v0 $F_LIMIT)" "0 1048576"
run plugctl limit v0 4GiB-1
is "the largest limit" "$status $(field v0 $F_LIMIT)" "0 4294967295"
run plugctl limit v0 4GiB
gives "a limit too large" 1 '' "plugctl: '4GiB' is not a size*"
run plugctl limit v0 65535
gives "a limit below one large packet" 0 '' 'plugctl: v0: warning: a limit of 65535 bytes is less than one large packet (64 KiB*'
run plugctl -q limit v0 1500
gives "a warning that -q silences" 0 '' ''
run plugctl limit v0 64K
gives "a limit of one large packet" 0 '' ''
run plugctl release upto 5
gives "release without a device" 1 '' "plugctl: no device named before 'upto'*"
run plugctl -V show
gives "-V is the tool's version and no more" 0 "plugctl $PLUG_VERSION" ''
run plugctl limit v0 0
is "the default limit again" "$status $(field v0 $F_LIMIT)" "0 10000000"

run plugctl -j show v0
gives "show -j" 0 '\[{"device":"v0","ifindex":*,"handle":"*:","parent":"root","module":"sch-plug","state":"buffering",*}\]' ''
run plugctl show
gives "show" 0 'v0  plug *: root
  state    buffering epoch *
  held     0 packets, 0 B of 9.5 MiB (0.0%)*
  dropped  4 (0 over the limit, 0 by reset, 4 by discard)
  closed   * ago' ''
run plugctl del v0
gives "del" 0 '' ''
run plugctl del v0
gives "del again" 2 '' 'plugctl: v0: has no plug*'

run plugctl add v0 open limit 2000 handle 77:
is "add open, limit, handle" "$status $(field v0 $F_STATE) $(field v0 $F_LIMIT) $(field v0 $F_HANDLE)" "0 open 2000 77:"
run plugctl --force add v0 open
is "add --force replaces a plug" "$status $(field v0 $F_STATE) $(field v0 $F_LIMIT)" "0 open 10000000"
run plugctl buffer v0
send 1
run plugctl --force del v0
gives "del --force drops what is held" 0 '' ''

tc qdisc add dev v0 root handle 1: prio bands 4
run plugctl add v0
gives "another qdisc is kept" 2 '' 'plugctl: v0: qdisc prio 1: was attached at root on purpose*'
run plugctl add v0 parent 1:4 open
gives "add below a class" 0 '' ''
is "its parent" "$(field v0 $F_PARENT)" 1:4
epoch=$(field v0 $F_EPOCH)
run plugctl -v buffer v0
gives "and it is found there" 0 "v0: buffering epoch $((epoch + 1)), 0 packets held, limit 9.5 MiB" ''
run plugctl add v0 parent 1:3
run plugctl buffer v0
gives "two plugs: which one?" 2 '' 'plugctl: v0: has 2 plugs: say which with --handle or --parent*'
run plugctl buffer v0 --parent 1:3
gives "that one" 0 '' ''
run plugctl -j show v0 --parent 1:3
gives "show that one" 0 '\[{*"parent":"1:3"*}\]' ''
run plugctl add v0 --force
gives "--force replaces another qdisc" 0 '' ''
is "tc sees the plug" "$(tc qdisc show dev v0 | cut -d' ' -f2)" plug
plugctl --force del v0

run plugctl add abcdefghijklmnopq
gives "a name too long for a device" 2 '' 'plugctl: abcdefghijklmnopq: no such device (the name is too long*'
ip link property add dev v0 altname a-longer-alternative-name
run plugctl add a-longer-alternative-name open
gives "an alternative name" 0 '' ''
is "is the same device" "$(field v0 $F_STATE)" open
run plugctl -v buffer a-longer-alternative-name
gives "output has the device's own name" 0 'v0: buffering*' ''
epoch=$(field v0 $F_EPOCH)
run plugctl -j buffer v0 a-longer-alternative-name v0
gives "named three times" 0 "\\[{\"device\":\"v0\",*\"epoch\":$((epoch + 1)),*}\\]" ''
ip link add d0 type dummy
plugctl add d0 open
ip link property add dev d0 altname v0:x
run plugctl buffer v0:junk
gives "what follows a colon belongs to the name" 2 '' 'plugctl: v0:junk: no such device*'
run plugctl -v buffer v0:x
gives "and may be another device's" 0 'd0: buffering*' ''
is "so that v0 got nothing" "$(field v0 $F_EPOCH)" $((epoch + 1))
ip link set d0 name "$(printf 'x\377\033y')"
run plugctl -j show "$(printf 'x\377\033y')"
gives "bytes that are no text" 0 '\[{"device":"x??y",*}\]' ''
run plugctl show "$(printf 'a\nb\033c')"
gives "an error is one line, whatever is quoted" 2 '' 'plugctl: a?b?c: no such device: see ip link'
ip link del "$(printf 'x\377\033y')"
run sh -c 'plugctl show >&-'
gives "standard output is closed" 2 '' 'plugctl: cannot write the output*'
run sh -c 'plugctl -v open v0 2>&- >&- <&-'
is "all three are closed: executed, and reported" "$status $(field v0 $F_STATE)" "2 open"
ip link set v0 down
ip link set v0 name -weird
run plugctl buffer -- -weird
gives "a name that looks like an option" 0 '' ''
run plugctl buffer -weird
gives "needs --" 1 '' 'plugctl: -weird: no such option*--*'
run plugctl del -- -weird
gives "del --" 0 '' ''

run plugctl -n peer add v1 open
gives "-n" 0 '' ''
epoch=$(plugctl -n peer dump v1 | cut -f $F_EPOCH)
run plugctl -n peer -v buffer v1
gives "-n -v" 0 "v1: buffering epoch $((epoch + 1)), 0 packets held, limit 9.5 MiB" ''
run plugctl -n "$tmp/err" show
gives "no namespace, but a file" 2 '' "plugctl: $tmp/err: $tmp/err is no network namespace*"
run plugctl -n '' show
gives "no name at all" 1 '' 'plugctl: the name of the network namespace is empty*'
run plugctl -n nosuch show
gives "no such namespace" 2 '' 'plugctl: nosuch: no such network namespace*'

run plugctl version
gives "version" 0 "plugctl $PLUG_VERSION
module sch_plug $PLUG_VERSION: loaded, of sch-plug; installed: updates/sch_plug.ko" ''
finish
