#!/bin/bash
# Runs grub.cfg of a tree or of a medium, so far as ours go, and prints what it would show and boot, as
# tests/menus.bash says. GRUB's language is the shell's as far as that: the block of a menuentry
# becomes a function that is called when the entry is chosen.
#
#   grub.bash FILE MAC [CHOICE [PLATFORM [CPU]]]
#
# A program of its own, for bats looks at each command of a function.
# shellcheck disable=SC2034 # the menu's variables
file=$1 chosen=${3-} grub_platform=${4-efi} grub_cpu=${5-x86_64} net_default_mac=${2//-/:}
prefix=$(dirname "$file") stayed='' default='' lockdown='' grub=''
titles=() ids=() blocks=()

set() { # NAME=VALUE
    [[ $1 =~ ^[a-z]+= ]] || { echo "error: set $*" && exit 1; }
    builtin eval "${1%%=*}=\${1#*=}"
}
regexp() {
    local pattern names=() i
    while [[ $1 == --set=* ]]; do
        names+=("${1#--set=*:}")
        shift
    done
    pattern=$1
    [[ $2 =~ $pattern ]] || return 1
    for i in "${!names[@]}"; do builtin eval "${names[i]}=\${BASH_REMATCH[i + 1]}"; done
}
menuentry() { # BLOCK and what stands in the menu
    local block=$1 id='' title=''
    shift
    while [ $# -gt 0 ]; do
        case $1 in
        --id) id=$2 && shift 2 ;;
        --) title=$2 && shift 2 ;;
        *) title=$1 && shift ;;
        esac
    done
    ids+=("$id") titles+=("$title") blocks+=("$block")
}
linux() {
    echo "kernel ${1#"$tree/"}"
    shift
    [ $# = 0 ] || printf 'word %s\n' "$@"
}
initrd() {
    local file
    for file; do echo "initrd ${file#"$tree/"}"; done
}
source() { run "$1"; }
for name in serial terminal_input terminal_output search loadfont insmod configfile fwsetup \
    reboot halt sleep; do
    builtin eval "$name() { :; }"
done
run() {
    local text
    text=$(awk -v block="block_${#ids[@]}_" '/^ *menuentry / {
            sub(/ \{$/, "")
            sub(/menuentry /, "menuentry " block NR " ")
            print $0 "\n" block NR "() {"
            next
        }
        { gsub(/\(\$root\)/, ""); sub(/^    echo.*/, "    :"); print }' "$1")
    builtin eval "${text//function explain/explain()}"
}
run "$file"
for i in "${!ids[@]}"; do
    [[ ${ids[i]} == @(firmware|restart|off) ]] || echo "item ${ids[i]} ${titles[i]}"
done
for i in "${!ids[@]}"; do
    if [ "${ids[i]}" = "${chosen:-$default}" ]; then "${blocks[i]}" && exit; fi
done
echo "error: no entry ${chosen:-$default}"
exit 1
