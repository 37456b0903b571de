# SPDX-License-Identifier: BSD-3-Clause
# Completion of vastfs for fish. The mount options come from vastfs --help, and the tasks from the mounted tree, which answers
# from memory.

function __vastfs_mounts
    while read --delimiter=' ' source directory kind rest
        test "$kind" = fuse.vastfs; and string unescape -- $directory
    end </proc/self/mounts
end

# Prints the number of words before the cursor's word.
function __vastfs_words
    count (commandline --tokenize --cut-at-cursor)
end

function __vastfs_shell
    set --local words (commandline --tokenize --cut-at-cursor)
    test (count $words) -ge 2; and test $words[2] = shell
end

function __vastfs_tasks
    set --local words (commandline --tokenize --cut-at-cursor)
    set --local mount (string replace --regex '^~' $HOME -- $words[3])
    for task in $mount/tasks/*/
        path basename -- $task 2>/dev/null; or basename $task
    end
end

function __vastfs_options
    vastfs --help 2>/dev/null | string match --regex --groups-only '^ {4}([a-z_]+=?)'
end

complete --command vastfs --no-files
complete --command vastfs --condition 'test (__vastfs_words) = 1' --arguments shell --description 'open a shell in a container'
complete --command vastfs --condition 'not __vastfs_shell' --arguments '(__fish_complete_directories)'
complete --command vastfs --condition '__vastfs_shell; and test (__vastfs_words) = 2' --arguments '(__vastfs_mounts)'
complete --command vastfs --condition '__vastfs_shell; and test (__vastfs_words) = 3' --arguments '(__vastfs_tasks)'
complete --command vastfs --condition 'not __vastfs_shell' --short-option d --description 'like -f, with a trace of FUSE'
complete --command vastfs --condition 'not __vastfs_shell' --short-option f --description 'stay in the foreground'
complete --command vastfs --condition 'not __vastfs_shell' --short-option o --exclusive \
    --arguments '(__fish_append , (__vastfs_options))' --description 'mount options'
complete --command vastfs --condition 'not __vastfs_shell' --long-option config-dir --require-parameter \
    --arguments '(__fish_complete_directories)' --description 'directory of default.env'
complete --command vastfs --condition 'not __vastfs_shell' --short-option h --long-option help --description 'print a help text'
complete --command vastfs --condition 'not __vastfs_shell' --short-option V --long-option version --description 'print the version'
