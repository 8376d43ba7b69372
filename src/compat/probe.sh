#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# probe.sh OUTPUT 'PROBE.c ...' COMPILER FLAG...
#
# Compiles each probe against the kernel's headers and writes
#	#define PLUG_COMPAT_<NAME IN CAPITALS> 0 or 1
# to OUTPUT. A probe asks one question. It compiles if the answer is yes. Its
# first line says in which kernels the answer changed. Its second line is
# "// absent: REGEX": the only errors that mean no. After any other error the
# answer is not known: the build stops and shows the error.
set -u

out=$1
probes=$2
shift 2

tmp=$(mktemp -d "$out.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT

for probe in $probes; do
	name=$(basename "$probe" .c)
	macro=PLUG_COMPAT_$(echo "$name" | tr '[:lower:]' '[:upper:]')
	absent=$(sed -n '2s,^// absent: ,,p' "$probe")
	if [ -z "$absent" ]; then
		echo "sch_plug: $probe: no '// absent: REGEX' in its second line" >&2
		exit 1
	fi

	if "$@" -Werror=implicit-function-declaration -c "$probe" \
	    -o "$tmp/probe.o" > "$tmp/log" 2>&1; then
		value=1
	elif grep -E '(^|[^a-z])(fatal )?error:' "$tmp/log" > "$tmp/errors" &&
	    ! grep -qvE "$absent" "$tmp/errors"; then
		value=0
	else
		echo "sch_plug: the probe $name failed in a way it does not know. The compiler said:" >&2
		cat "$tmp/log" >&2
		exit 1
	fi
	echo "#define $macro $value"
done > "$tmp/config.h"

mv "$tmp/config.h" "$out"
