# The menus of a tree, run: what they show and what they boot. `load menus` after `load lib`.
#
# Both print the same lines for the same menu, so that diff tells whether they have drifted apart:
#     item LABEL TITLE     host, then the entries
#     kernel PATH, initrd PATH, word ARGUMENT       of the line that is taken

# ipxe_menu TREE MAC [CHOICE [PLATFORM [ARCH]]]: by tests/ipxe.awk. CHOICE: entry-NAME, host; "" waits
# until the time is over.
ipxe_menu() {
    LC_ALL=C awk -v tree="$1" -v mac="$2" -v choice="${3-}" -v platform="${4-efi}" \
        -v arch="${5-x86_64}" -f "$BATS_TEST_DIRNAME/ipxe.awk"
}

# grub_menu FILE MAC [CHOICE [PLATFORM [CPU]]]: by bash, for GRUB's language is the shell's as far as
# ours goes: the block of a menuentry becomes a function that is called when the entry is chosen.
grub_menu() (
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
        printf 'word %s\n' "$@"
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
)

# same_menus TREE MAC NAME...: both menus show the same and boot the same, whatever is chosen: each
# NAME, the host's line if it has one, and what stands there when the time is over.
same_menus() {
    local tree=$1 mac=$2 name
    shift 2
    for name in '' "$@"; do
        ipxe_menu "$tree" "$mac" "${name:+entry-$name}" >ipxe.log
        grub_menu "$tree/grub/grub.cfg" "$mac" "$name" >grub.log
        grep -q '^kernel ' ipxe.log
        diff <(grep -vE '^(menu|timeout|boot|item (shell|restart)) ?' ipxe.log |
            sed 's/^item entry-/item /') grub.log
    done
    if [ -e "$tree/hosts/$mac.cfg" ]; then
        diff <(ipxe_menu "$tree" "$mac" host | grep -E '^(kernel|initrd|word) ') \
            <(grub_menu "$tree/grub/grub.cfg" "$mac" host | grep -E '^(kernel|initrd|word) ')
    fi
}

