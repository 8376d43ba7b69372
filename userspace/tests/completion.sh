#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The completion in a real bash: what is offered for the beginning of a command
# line. usage: completion.sh PLUGCTL; prints TAP. The devices with a plug come
# from a stand-in for "plugctl dump"; everything else is the real plugctl.
set -u
real=$(realpath "${1:-plugctl}")
here=$(realpath "$(dirname "$0")")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cat > "$dir/plugctl" << END
#!/bin/sh
case \$* in
*dump*)	printf 'zz-plugged\t2\nab-plugged\t3\n' ;;
*)	exec "$real" "\$@" ;;
esac
END
chmod +x "$dir/plugctl"
PATH=$dir:$PATH
# shellcheck source=../completion/plugctl.bash
. "$here/../completion/plugctl.bash"

count=0
failed=0

# offers LINE WANTED...: LINE ends with the word to complete
offers() {
	local line=$1 last
	shift
	read -r -a COMP_WORDS <<< "$line"
	# A blank at the end: the word to complete is the next one, still empty.
	[[ $line != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	last=${COMP_WORDS[COMP_CWORD]}
	COMPREPLY=()
	_plugctl plugctl "$last" "${COMP_WORDS[COMP_CWORD - 1]}"
	count=$((count + 1))
	# shellcheck disable=SC2053 # a pattern
	if [[ ${COMPREPLY[*]-} = $* ]]; then
		echo "ok $count - $line"
	else
		failed=$((failed + 1))
		echo "not ok $count - $line"
		echo "# offered: ${COMPREPLY[*]-}"
		echo "# wanted:  $*"
	fi
}

if ! complete -p plugctl | grep -q _plugctl; then
	echo "Bail out! not registered"
	exit 1
fi
offers 'plugctl re' release
offers 'plugctl d' del discard dump
offers 'plugctl ' 'add del buffer release open limit discard show dump monitor wait run batch version help'
offers 'plugctl -n x sh' show
offers 'plugctl buffer zz' zz-plugged
# Not in a build root without /sys.
lo=
[ ! -e /sys/class/net/lo ] || lo='lo*'
offers 'plugctl buffer ' "zz-plugged ab-plugged${lo:+*}$lo"
offers 'plugctl buffer zz-plugged ab' ab-plugged
offers 'plugctl block ab' ab-plugged
offers 'plugctl -n blue buffer ' 'zz-plugged ab-plugged'
offers 'plugctl release zz-plugged up' upto
offers 'plugctl release zz-plugged upto '
offers 'plugctl limit z' zz-plugged
offers 'plugctl limit zz-plugged '
offers 'plugctl add l' "$lo"
offers 'plugctl add lo o' open
offers 'plugctl add lo limit '
offers 'plugctl add lo parent r' root
offers 'plugctl del --fo' --force
offers 'plugctl show --fo'
offers 'plugctl wait --ti' --timeout
offers 'plugctl --js' --json
offers 'plugctl help li' limit
offers 'plugctl batch /etc/pass' '/etc/passwd*'
offers 'plugctl run zz-plugged --' '*--timeout'
offers 'plugctl run zz-plugged -- bas' '*bash*'

# Every word that is offered is one that plugctl takes.
for command in $("$real" help --names | cut -f 1); do
	count=$((count + 1))
	if "$real" help "$command" > /dev/null; then
		echo "ok $count - $command is a command"
	else
		failed=$((failed + 1))
		echo "not ok $count - $command is a command"
	fi
done

# zsh at least parses and loads it.
count=$((count + 1))
if ! command -v zsh > /dev/null; then
	echo "ok $count - zsh # SKIP no zsh"
elif zsh -fc "autoload -Uz compinit && compinit -D -u && fpath=('$here/../completion') && autoload +X -Uz _plugctl" > "$dir/zsh" 2>&1; then
	echo "ok $count - zsh"
else
	failed=$((failed + 1))
	echo "not ok $count - zsh"
	sed 's/^/# /' "$dir/zsh"
fi
echo "1..$count"
[ $failed = 0 ]
