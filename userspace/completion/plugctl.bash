# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion of plugctl(8) for bash. plugctl itself prints the candidates.
_plugctl() {
	local line cur=${COMP_WORDS[COMP_CWORD]}

	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		:files)
			mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
		:command\ *)
			# Another command line begins at that word.
			if declare -F _command_offset > /dev/null; then
				_command_offset $((${line#* } + 1))
			else
				mapfile -t COMPREPLY < <(compgen -c -- "$cur")
			fi ;;
		*)	COMPREPLY+=("${line%%$'\t'*}") ;;
		esac
	done < <("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
}

# nosort: devices that have a plug stay first. Bash before 4.4 has no such option.
complete -o nosort -F _plugctl plugctl 2> /dev/null || complete -F _plugctl plugctl
