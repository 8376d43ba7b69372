#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The table of commands and plugctl(8) must agree on the arguments of each command and
# on its other names. The page must explain each option. usage: man.sh PLUGCTL; prints
# TAP.
set -u
plugctl=$(realpath "${1:-plugctl}")
page=$(realpath "$(dirname "$0")")/../man/plugctl.8
count=0
failed=0

# point NAME GOT WANTED: prints a result
point() {
	count=$((count + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $count - $1"
	else
		failed=$((failed + 1))
		printf 'not ok %d - %s\n# got:    %s\n# wanted: %s\n' $count "$1" "$2" "$3"
	fi
}

# Reduces both notations of arguments to the bare words.
words() {
	tr 'A-Z=|' 'a-z  ' | sed -E 's/\.\.\.|[]:[]//g' | xargs -n 1 | grep -vxE -- '-{0,2}' | xargs
}

# in_table COMMAND: its arguments in the table of commands
in_table() {
	"$plugctl" -j help "$1" | sed 's/.*"usage":"\([^"]*\)".*/\1/' |
		sed -E 's/\bDEV\b/device/g; s/\bH:/major/g; s/-- / /'
}

# in_page COMMAND: its arguments in the .It line of the page, without the macros
in_page() {
	sed -n -e ':a' -e "/^\.It Cm $1\( \|\$\)/{/\\\\\$/{s/\\\\\$//;N;s/\n//;ba};p;q}" "$page" |
		sed -E "s/^\.It Cm $1//; s/\b(Cm|Ar|Op|Oo|Oc|Fl|Ns)\b//g"
}

for command in $("$plugctl" complete -- '' | cut -f 1); do
	point "$command: its arguments" "$(in_page "$command" | words)" "$(in_table "$command" | words)"
	for alias in $("$plugctl" help "$command" | sed -n 's/^Also known as: //p' | tr -d ,); do
		point "$alias is in the page" \
			"$(grep -cE "^\.Cm ([a-z_-]+ , )*$alias( |$)" "$page")" 1
	done
	for option in $("$plugctl" complete -- "$command" -- | cut -f 1); do
		point "$command $option is in the page" \
			$(($(grep -cE "^\.It (.* )?${option#-}( |$)" "$page") > 0)) 1
	done
done
# The page's section on batches lists the commands and options that a line cannot have.
# in_batch FROM TO: the words that the page has between these two lines
in_batch() {
	sed -n "/^\\.Sh BATCH/,/^\\.Sh RUN/{/^$1/,/^$2/p}" "$page" |
		sed -nE 's/^\.(Cm|Fl) //p' | tr -d ',' | xargs -n 1 | sort | xargs
}
point "commands that do not work in a batch" "$(in_batch 'All commands but' 'can be used')" \
	"$(for command in $("$plugctl" complete -- '' | cut -f 1); do
		echo "$command" | "$plugctl" batch 2>&1 |
			sed -n "s/.*: $command does not work in a batch.*/$command/p"
	done | sort | xargs)"
# Compares options by their letters, or by their names if they have no letter.
point "options that are for the whole batch" \
	"$(in_batch 'can be used' 'go before the word' | sed -E 's/[^ ]+/-&/g')" \
	"$("$plugctl" help | sed -nE 's/^  (-(.), )?--([a-z-]+).*/\2 \3/p' |
		while read -r letter name; do
			[ -n "$name" ] || { name=$letter; letter=-$name; }
			printf -- '--%s show\n' "$name" "$name=x" | "$plugctl" --force batch 2>&1 |
				sed -n "s/.*goes before the word batch.*/-$letter/p"
		done | sort -u | xargs)"

for file in "${page%/*}"/*.[78]; do
	point "${file##*/} is of this system" "$(grep '^\.Os' "$file")" '.Os Linux'
done
echo "1..$count"
[ $failed = 0 ]
