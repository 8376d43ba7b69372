# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of plugctl(8) for fish. plugctl itself prints the candidates.
function __plugctl_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (plugctl complete -- $words[2..-1] 2> /dev/null)
        switch $line
            case ':files'
                __fish_complete_path (commandline -ct)
            case ':command *'
                set -l first (math (string replace ':command ' '' -- $line) + 2)
                __fish_complete_subcommand --commandline $words[$first..-1]
            case '*'
                echo $line
        end
    end
end

complete -c plugctl -f -k -a '(__plugctl_complete)'
