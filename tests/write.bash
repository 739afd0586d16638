# What the tests of writing share: loop devices, and an image.

# disk SIZE [SECTOR]: prints the name of a loop device of that size, full of old bytes, over a file
# of its own; all are let go by disks_free.
disk() {
    local file
    file=$(mktemp "$BATS_TEST_TMPDIR/disk.XXXXXX")
    head -c "$1" /dev/zero | tr '\0' '\377' >"$file"
    losetup --find --show --direct-io=off --sector-size "${2:-512}" "$file" | tee -a "$BATS_TEST_TMPDIR/loops"
}

# soil DISK: old bytes all over it.
soil() { tr '\0' '\377' </dev/zero | dd of="$1" bs=1M status=none 2>/dev/null || :; }

disks_free() {
    local loop
    while read -r loop; do
        losetup -d "$loop"
    done 2>/dev/null <"$BATS_TEST_TMPDIR/loops" || :
}

# image_of DISK: prints the file behind a loop device.
image_of() { losetup --noheadings --output BACK-FILE "$1"; }

# onto OPTION... IMAGE DISK...: writes without a question, to loop devices.
onto() { mkbootmedia write -q --yes --allow-fixed "$@"; }

# unbootable DISK: it begins with nothing that a firmware would start.
unbootable() { cmp -s -n 4096 "$1" /dev/zero; }

# holds DISK IMAGE: all bytes of the image are on the disk but for the two tables that know how large
# a disk is (LBA 0 to 1, and the copy at the image's end).
holds() {
    local size
    size=$(stat -Lc %s "$2")
    cmp -i 1024 -n $((size - 1024 - 33 * 512)) "$1" "$2"
}
