#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests the completion in a real bash, zsh and fish: which words do they offer for the
# beginning of a command line? usage: completion.sh PLUGCTL; prints TAP. The test of
# devices with a plug, and of epochs, is functional/plugctl-users.sh.
set -u
real=$(realpath "${1:-plugctl}")
here=$(realpath "$(dirname "$0")")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# The completion runs plugctl by its name.
ln -s "$real" "$dir/plugctl"
PATH=$dir:$PATH
# shellcheck source=../completion/plugctl.bash
. "$here/../completion/plugctl.bash"

count=0
failed=0

# point NAME OFFERED WANTED: prints a result; WANTED is a pattern
point() {
	count=$((count + 1))
	# shellcheck disable=SC2053
	if [[ $2 = $3 ]]; then
		echo "ok $count - $1"
	else
		failed=$((failed + 1))
		echo "not ok $count - $1"
		echo "# offered: $2"
		echo "# wanted:  $3"
	fi
}

# in_bash LINE: sets offered; LINE ends with the word to complete
in_bash() {
	local line=$1 last
	COMP_LINE=$line
	COMP_POINT=${#line}
	read -r -a COMP_WORDS <<< "$line"
	# A blank at the end: complete the next word, which is still empty.
	[[ $line != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	last=${COMP_WORDS[COMP_CWORD]}
	COMPREPLY=()
	_plugctl plugctl "$last" "${COMP_WORDS[COMP_CWORD - 1]}"
	offered=${COMPREPLY[*]-}
}

if ! complete -p plugctl | grep -q _plugctl; then
	echo "Bail out! not registered"
	exit 1
fi
# Lines of the form LINE|WANTED, where WANTED is a pattern. A build root may have no
# /sys, and then there is no device lo.
lo=
[ ! -e /sys/class/net/lo ] || lo='*lo*'
lines="plugctl re|release
plugctl d|del discard dump
plugctl |add del buffer release open limit discard show dump is-open save monitor wait run guest batch version help
plugctl -n x sh|show
plugctl buffer |$lo
plugctl block |$lo
plugctl run lo -|--
plugctl release lo up|upto
plugctl discard lo up|upto
plugctl release lo upto |
plugctl limit lo |
plugctl guest |add del show
plugctl guest add |$lo
plugctl guest add lo lim|limit
plugctl guest add lo except |arp
plugctl guest del lo lim|
plugctl add l|$lo
plugctl add lo o|open
plugctl add lo limit |
plugctl add lo parent r|root
plugctl del --fo|--force
plugctl wait --ti|--timeout
plugctl monitor --ti|--time
plugctl batch --at-exit d|discard
plugctl buffer --parent r|root
plugctl --js|--json
plugctl help li|limit
plugctl batch /etc/passw|*passwd*
plugctl run lo -- bas|*bash*"

while IFS='|' read -r line wanted; do
	in_bash "$line"
	point "bash: $line" "$offered" "$wanted"
done <<< "$lines"
in_bash 'plugctl show --fo'
point "bash: an option where no command takes it" "$offered" ''

# Lines that bash itself completes: it splits words at '=' and ':'. They have the form
# LINE|WANTED. WANTED is the whole line after TAB, with a blank after a complete word.
typed="plugctl --netns=foo buff|plugctl --netns=foo buffer 
plugctl --handle 8001: buff|plugctl --handle 8001: buffer 
plugctl batch --at-exit=d|plugctl batch --at-exit=discard 
plugctl batch --at-exit=|plugctl batch --at-exit=
plugctl --color=ne|plugctl --color=never 
plugctl --js|plugctl --json 
plugctl add lo parent r|plugctl add lo parent root 
plugctl --netns=x run lo -- basenam|plugctl --netns=x run lo -- basename "
made=$(cut -d '|' -f 1 <<< "$typed" | "$here/bash-offers" "$here/../completion/plugctl.bash" 2> /dev/null)
if [ -z "$made" ]; then
	count=$((count + 1))
	echo "ok $count - bash and TAB # SKIP no python3, or no terminals"
else
	while IFS='|' read -r line wanted; do
		IFS= read -r offered <&3
		point "bash: $line TAB" "$offered" "$wanted"
	done <<< "$typed" 3<<< "$made"
fi

if ! command -v zsh > /dev/null; then
	count=$((count + 1))
	echo "ok $count - zsh # SKIP no zsh"
elif ! zsh -fc 'zmodload zsh/zpty && zpty try true' 2> /dev/null; then
	count=$((count + 1))
	echo "ok $count - zsh # SKIP no terminals for it: is /dev/pts mounted?"
else
	cut -d '|' -f 1 <<< "$lines" > "$dir/lines"
	"$here/zsh-offers" "$here/../completion" < "$dir/lines" > "$dir/offered"
	while IFS='|' read -r line wanted; do
		IFS= read -r offered <&3 || offered='(nothing more from zsh)'
		point "zsh: $line" "$offered" "$wanted"
	done <<< "$lines" 3< "$dir/offered"
fi

# answers LINE: prints what plugctl answers all three shells, one candidate per line: a
# word, a tab, a description
answers() {
	local words
	read -r -a words <<< "${1#plugctl}"
	[[ $1 != *' ' ]] || words+=('')
	"$real" complete -- "${words[@]}"
}
while IFS='|' read -r line wanted; do
	case $line in
	*/passw)	wanted=:files ;;
	*' -- '*)	wanted=':command 3' ;;
	esac
	point "answer: $line" "$(answers "$line" | cut -f 1 | xargs)" "$wanted"
	point "answer in lines: $line" \
		"$(answers "$line" | grep -Evc $'^[^\t ]+\t[^\t]*$|^:files$|^:command [0-9]+$')" 0
done <<< "$lines"

# fish prints these answers unchanged. If fish is not installed, check that the script
# for it asks for the answers, and handles both special answers.
fish=$here/../completion/plugctl.fish
if command -v fish > /dev/null; then
	while IFS='|' read -r line wanted; do
		offered=$(fish -c "source $fish; complete -C '$line'" 2> /dev/null | cut -f 1 | xargs)
		point "fish: $line" "$offered" "$wanted"
	done <<< "$lines"
else
	for part in 'plugctl complete -- ' "case ':files'" "case ':command " 'complete -c plugctl '; do
		point "fish: $part" "$(grep -cF -- "$part" "$fish")" 1
	done
fi

# plugctl must accept every command that is offered.
for command in $(answers "plugctl " | cut -f 1); do
	point "$command is a command" "$("$real" help "$command")" "usage: plugctl *"
done
echo "1..$count"
[ $failed = 0 ]
