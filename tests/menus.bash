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

# grub_menu FILE MAC [CHOICE [PLATFORM [CPU]]]: by tests/grub.bash. CHOICE: a name.
grub_menu() { bash "$BATS_TEST_DIRNAME/grub.bash" "$@"; }

# same_menus TREE MAC NAME...: both menus show the same and boot the same, whatever is chosen: each
# NAME, the host's line if it has one, and what stands there when the time is over.
same_menus() {
    local tree=$1 mac=$2 name
    shift 2
    for name in '' "$@"; do
        ipxe_menu "$tree" "$mac" "${name:+entry-$name}" >ipxe.log || { cat ipxe.log && return 1; }
        grub_menu "$tree/grub/grub.cfg" "$mac" "$name" >grub.log || { cat grub.log && return 1; }
        grep -q '^kernel ' ipxe.log || return 1
        diff <(grep -vE '^(menu|timeout|boot|item (shell|restart)) ?' ipxe.log |
            sed 's/^item entry-/item /') grub.log || return 1
    done
    [ -e "$tree/hosts/$mac.cfg" ] || return 0
    diff <(ipxe_menu "$tree" "$mac" host | grep -E '^(kernel|initrd|word) ') \
        <(grub_menu "$tree/grub/grub.cfg" "$mac" host | grep -E '^(kernel|initrd|word) ')
}
