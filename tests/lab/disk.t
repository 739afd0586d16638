#!/bin/bash
# Disk images as root file systems, read by the real guestfish (a virtual machine of its own, under
# QEMU): what comes out of them is what was put in. A TAP line each.
#
# The first word of a line is the function of the case, which prints what is wrong. What may be set is
# in tests/lab/lib.bash.
. "${0%/*}/lib.bash"
# shellcheck disable=SC2154 # of tests/lab/lib.bash
TOP=$top
. "$top/tests/ramroot.bash"

table='
read_disk  raw    tmpfs
read_disk  qcow2  overlay
no_system
'

# libguestfs wants a kernel with its modules, and depmod's lists of them: those of the tests. It also
# wants the folder that a machine without any does not have.
find_appliance() {
    local folder
    if mkdir /lib/modules 2>/dev/null; then
        trap 'rmdir /lib/modules 2>/dev/null; stop' EXIT
    fi
    mapfile -t files < <("$top/tools/kernel")
    folder=$work/appliance/lib/modules/${files[1]##*/}
    mkdir -p "${folder%/*}" && cp -r "${files[1]}" "$folder" &&
        depmod -b "$work/appliance" "${files[1]##*/}" || bail "no modules for guestfish"
    chmod -R u+w "$folder"
    export SUPERMIN_KERNEL=${files[0]} SUPERMIN_MODULES=$folder SUPERMIN_KERNEL_VERSION=${files[1]##*/}
    export LIBGUESTFS_CACHEDIR=$work LIBGUESTFS_BACKEND_SETTINGS=force_tcg
}

# What libguestfs takes for an operating system, with a device, a link, an attribute and a capability.
plant() {
    small_tree "$work/tree"
    printf 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Small"\n' >"$work/tree/etc/os-release"
    echo 12.1 >"$work/tree/etc/debian_version"
    mkdir -p "$work/tree/srv"
    ln "$work/tree/etc/hostname" "$work/tree/srv/hard"
    mknod "$work/tree/srv/device" b 8 1
    mkfifo "$work/tree/srv/fifo"
    setfattr -n user.lab -v 'a value' "$work/tree/etc/hosts"
    setfacl -m u:12345:r-- "$work/tree/etc/group"
    chown -R 0:0 "$work/tree"
    chown 1000:100 "$work/tree/srv/fifo"
    find "$work/tree" -exec touch -hd @1690000000 {} +
}

# disk FILE TREE: a partition with ext4, of which the tree is what is in it.
disk() {
    truncate -s 64M "$1" &&
        sfdisk -q "$1" <<<'label: gpt
start=2048, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4' &&
        mkfs.ext4 -q -d "$2" -E offset=1048576 "$1" 62M 2>/dev/null
}

image() { "$program" ramroot -q --fstab keep --mode "$2" "$1" -o out.img; }

read_disk() {
    local format=$1 mode=$2
    disk disk.raw "$work/tree" || return
    qemu-img convert -O "$format" disk.raw disk || return
    image disk "$mode" || return
    unpacked out.img got
    with_extra out.img got
    # ext4 has its own folder; of /boot nothing comes along
    diff <(tree_digest "$work/tree" boot) <(tree_digest got boot lost+found) | grep -v '^[0-9,cad]*$\|^---$'
}

# Data alone are no root file system.
no_system() {
    mkdir data
    echo text >data/notes
    disk disk data || return
    image disk tmpfs 2>err && echo "it was taken"
    [ ! -e out.img ] || echo "something was left behind"
    [ "$(wc -l <err)" = 1 ] && grep -qi '^mkbootmedia: disk: .*operating system' err || cat err
}

cell() {
    local name="$*" start=$SECONDS wrong
    mkdir -p "$work/${name// /-}"
    export BATS_TEST_TMPDIR=$work/${name// /-} # of tests/ramroot.bash
    wrong=$(cd "$BATS_TEST_TMPDIR" && "$@" 2>&1)
    report "$name ($((SECONDS - start)) s)" "$wrong" /dev/null
}

[ "$(id -u)" = 0 ] || bail "root is wanted, for files with owners"
find_appliance
plant
run_cells cell <<<"$table"
