#!/usr/bin/env bats
# On a file system that shares blocks (XFS on a loop device) contents are shared, not copied.

bats_require_minimum_version 1.5.0
load lib

setup() {
    cd "$BATS_TEST_TMPDIR"
    truncate -s 1G disk
    mkfs.xfs -q -m reflink=1 disk
    mkdir xfs
    mount -o loop disk xfs
    kernel=$(kernel)
    cp "$kernel" xfs/vmlinuz
    initrd xfs/initrd.img 200000001
    sync -f xfs
}

teardown() { umount "$BATS_TEST_TMPDIR/xfs"; }

# used: MiB in use on the file system
used() {
    sync -f xfs
    df --output=used -BM xfs | tr -dc '0-9'
}

@test "usb and iso share the blocks of kernel and initramfs" {
    for command in usb iso; do
        before=$(used)
        mkbootmedia $command -k xfs/vmlinuz -i xfs/initrd.img -o xfs/image
        after=$(used)
        echo "$command: $((after - before)) MiB of new blocks"
        [ $((after - before)) -lt 16 ]
        mv xfs/image $command # to another file system, so that its blocks count no more
    done
    mcopy -i "$(esp usb)" ::/boot/linux/initrd.img - | cmp - xfs/initrd.img
    bsdtar -xOf iso boot/linux/initrd.img | cmp - xfs/initrd.img
}
