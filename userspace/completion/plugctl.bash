# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion of plugctl(8) for bash. plugctl itself prints the candidates.

# Bash also splits words at '=' and ':'. This function joins them again: words gets the
# words as they were typed, up to the cursor. starts gets the index in COMP_WORDS at
# which each of them begins.
_plugctl_words() {
	local rest=${COMP_LINE:0:COMP_POINT} word before i

	words=() starts=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		before=$rest
		rest=${rest#"${rest%%[![:blank:]]*}"}
		word=${COMP_WORDS[i]}
		# The cursor may be within the last word.
		[[ $rest == "$word"* ]] || word=$rest
		if [[ $i = 0 || $rest != "$before" ]]; then
			words+=("$word")
			starts+=("$i")
		else
			words[${#words[@]} - 1]+=$word
		fi
		rest=${rest#"$word"}
	done
}

_plugctl() {
	local line words starts cur=${COMP_WORDS[COMP_CWORD]} prefix

	_plugctl_words
	# Bash replaces only what follows the last '=' or ':'.
	[[ $cur != [=:] ]] || cur=''
	prefix=${words[${#words[@]} - 1]}
	prefix=${prefix%"$cur"}
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		:files)
			mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
		:command\ *)
			# Another command line begins at that word.
			if declare -F _command_offset > /dev/null; then
				_command_offset "${starts[${line#* } + 1]}"
			else
				mapfile -t COMPREPLY < <(compgen -c -- "$cur")
			fi ;;
		*)	line=${line%%$'\t'*}
			COMPREPLY+=("${line#"$prefix"}") ;;
		esac
	done < <("${words[0]}" complete -- "${words[@]:1}" 2> /dev/null)
}

# nosort: devices that have a plug stay first. Bash before 4.4 has no such option.
complete -o nosort -F _plugctl plugctl 2> /dev/null || complete -F _plugctl plugctl
