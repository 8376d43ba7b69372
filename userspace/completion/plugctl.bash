# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion of plugctl(8) for bash. The commands, and what follows them, come
# from plugctl itself.

# Devices that have a plug first, then all others, but those named already.
_plugctl_devices() {
	local device word
	local -a netns=() devices=()

	for ((word = 1; word < cword; word++)); do
		case ${words[word]} in
		-n|--netns)	netns=(-n "${words[word + 1]}") ;;
		--netns=*)	netns=(-n "${words[word]#*=}") ;;
		esac
	done
	mapfile -t devices < <("${words[0]}" "${netns[@]}" dump 2> /dev/null | cut -f 1 | uniq)
	if [[ ${#netns[@]} = 0 ]]; then
		for device in /sys/class/net/*; do
			[[ ! -e $device ]] || devices+=("${device##*/}")
		done
	fi
	for device in "${devices[@]}"; do
		[[ $device = "$cur"* ]] || continue
		[[ " ${words[*]:1:cword-1} ${COMPREPLY[*]} " = *" $device "* ]] ||
			COMPREPLY+=("$device")
	done
}

_plugctl_words() {
	local word

	for word; do
		[[ $word != "$cur"* ]] || COMPREPLY+=("$word")
	done
}

# Sets command, its position and its kind of completion.
_plugctl_command() {
	local word line

	command='' kind=''
	for ((word = 1; word < cword; word++)); do
		case ${words[word]} in
		-n|--netns|--parent|--handle|--timeout)	((word++)) ;;
		-*)	;;
		*)	command=${words[word]}
			position=$word
			break ;;
		esac
	done
	[[ -n $command ]] || return 0
	while IFS=$'\t' read -r line kind _; do
		[[ $line != "$command" ]] || return 0
	done < <("${words[0]}" help --names 2> /dev/null)
	kind=plugged	# an alias, then: those of tc and libnl all take devices
}

_plugctl_options() {
	case $command in
	'')	_plugctl_words --json --pretty --netns --verbose --quiet --version --help ;;
	help)	;;
	*)	_plugctl_words --json --pretty --netns --verbose --quiet --help
		case $command in
		version|batch|monitor)	;;
		*)	_plugctl_words --handle --parent ;;
		esac
		case $command in
		add|del|batch)	_plugctl_words --force ;;
		esac
		case $command in
		del|wait|run)	_plugctl_words --timeout ;;
		esac ;;
	esac
}

_plugctl_arguments() {
	local previous=${words[cword - 1]}

	case $command/$previous in
	add/limit|limit/*|add/handle|release*/upto)
		[[ $command = limit && $((position + 1)) = "$cword" ]] || return 0 ;;
	add/parent)
		_plugctl_words root
		return ;;
	esac
	case $kind in
	plugged)
		_plugctl_devices
		[[ $command != release* || $((position + 1)) = "$cword" ]] ||
			_plugctl_words upto ;;
	device)
		if [[ $((position + 1)) = "$cword" ]]; then
			_plugctl_devices
		else
			_plugctl_words limit open closed parent handle
		fi ;;
	program)
		_plugctl_devices
		[[ $((position + 1)) = "$cword" ]] || _plugctl_words -- ;;
	file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	command)
		# shellcheck disable=SC2046 # a list
		_plugctl_words $("${words[0]}" help --names | cut -f 1) ;;
	esac
}

_plugctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} cword=$COMP_CWORD
	local -a words=("${COMP_WORDS[@]}")
	local command='' kind='' position=0 word

	COMPREPLY=()
	_plugctl_command
	if [[ $kind = program ]]; then
		for ((word = position + 2; word < cword; word++)); do
			[[ ${words[word]} = -- ]] || continue
			# What follows is a command line of its own.
			if declare -F _command_offset > /dev/null; then
				_command_offset $((word + 1))
			else
				mapfile -t COMPREPLY < <(compgen -c -- "$cur")
			fi
			return
		done
	fi
	case ${words[cword - 1]} in
	-n|--netns)
		# shellcheck disable=SC2046 # a list
		_plugctl_words $(ip netns list 2> /dev/null | cut -d ' ' -f 1)
		return ;;
	--timeout|--handle)
		return ;;
	--parent)
		_plugctl_words root
		return ;;
	esac
	if [[ $cur = -* ]]; then
		_plugctl_options
	elif [[ -z $command ]]; then
		# shellcheck disable=SC2046 # a list
		_plugctl_words $("${words[0]}" help --names 2> /dev/null | cut -f 1)
	else
		_plugctl_arguments
	fi
}

# nosort: devices that have a plug stay first. Bash before 4.4 has no such option.
complete -o nosort -F _plugctl plugctl 2> /dev/null || complete -F _plugctl plugctl
