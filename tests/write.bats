#!/usr/bin/env bats
# write: images onto disks (loop devices), and what goes wrong with those.

bats_require_minimum_version 1.5.0
load lib
load write

setup_file() {
    [ "$(id -u)" = 0 ] # loop devices
    export SHARE=$BATS_FILE_TMPDIR
    initrd "$SHARE/initrd" 6000001
    mkbootmedia usb -q -k "$(kernel)" -i "$SHARE/initrd" --size 64M -o "$SHARE/lab.img"
    mkbootmedia iso -q -k "$(kernel)" -i "$SHARE/initrd" -o "$SHARE/lab.iso"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    image=$SHARE/lab.img
}

teardown() { disks_free; }

# faulty FAULT DISK OPTION...: writes the image to it, and to no other, while it misbehaves.
faulty() {
    local fault=$1 disk=$2
    shift 2
    FAULT=$fault FAULT_PATH=$disk LD_PRELOAD=$TOP/build/preload/fault.so \
        "$TOP/build/mkbootmedia" write -q --yes --allow-fixed "$@" "$image" "$disk"
}

@test "an image on a larger disk: its bytes, and a table that fits the disk" {
    disk=$(disk 100M)
    onto "$image" "$disk"
    holds "$disk" "$image"
    sfdisk -V "$disk" | grep -q 'No errors'
    diff <(sfdisk -d "$image" | sed -n 's/.*start=/start=/p') <(sfdisk -d "$disk" | sed -n 's/.*start=/start=/p')
    fsck.fat -n "$(losetup --find --show -o 2M --sizelimit 61M "$(image_of "$disk")" | tee -a loops)"
    onto "$SHARE/lab.iso" "$disk"
    holds "$disk" "$SHARE/lab.iso"
    xorriso -indev "stdio:$disk" -find / -type f 2>/dev/null | grep -q vmlinuz
}

@test "what was on the disk before is not found any more" {
    disk=$(disk 100M)
    sfdisk -q "$disk" <<<'label: gpt
size=40M
size=40M'
    onto "$SHARE/lab.iso" "$disk"
    wipefs --noheadings -O OFFSET,TYPE "$disk" | sort >found
    [ "$(awk '{ print $2 }' found | sort | tr '\n' ' ')" = 'PMBR gpt gpt iso9660 ' ]
    # an image without any table
    mkfs.vfat -C small 8192 >/dev/null
    onto small "$disk"
    [ "$(wipefs --noheadings -O TYPE "$disk" | sort -u | tr '\n' ' ')" = 'vfat ' ] || wipefs "$disk"
}

@test "a disk that is as large as the image is the image" {
    disk=$(disk 64M)
    onto --verify full "$image" "$disk"
    cmp "$image" "$disk"
}

@test "streams: stdin, gzip, xz, zstd; cut short or damaged they leave nothing that boots" {
    disk=$(disk 80M)
    gzip -1c "$image" >lab.gz
    xz -0 -T2 -c "$image" >lab.xz
    zstd -q "$image" -o lab.zst
    for name in lab.gz lab.xz lab.zst; do
        onto $name "$disk"
        holds "$disk" "$image"
        onto - "$disk" <$name
        holds "$disk" "$image"
        size=$(stat -c %s $name)
        head -c $((size / 2)) $name >cut
        # what xz and zstd tell beforehand is found before anything is written
        if [ $name = lab.gz ]; then
            run -1 onto cut "$disk"
            [[ $output == *'cut: unpacking: it is cut short'*'does not boot'* ]]
            unbootable "$disk"
        else
            fails 1 '^mkbootmedia: cut: reading: it is cut short or damaged' onto cut "$disk"
            holds "$disk" "$image"
        fi
        onto "$image" "$disk"
        cp $name bad
        printf '\xff\xff\xff\xff' | dd of=bad bs=1 seek=$((size / 2)) conv=notrunc status=none
        status=0
        onto - "$disk" <bad 2>err || status=$?
        [ $status = 1 ] && unbootable "$disk"
        grep -q "^mkbootmedia: standard input: unpacking: " err
        grep -q "^mkbootmedia: $disk: writing: the image could not be read; .*does not boot" err
    done
    onto - "$disk" <"$image"
    holds "$disk" "$image"
    cat "$image" | onto - "$disk"
    holds "$disk" "$image"
}

@test "a stream that turns out to be larger than the disk" {
    disk=$(disk 40M)
    gzip -1c "$image" >lab.gz
    fails 1 "^mkbootmedia: $disk: writing: the image is larger than its 41943040 bytes; .*does not boot" onto lab.gz "$disk"
    unbootable "$disk"
    xz -0 -c "$image" >lab.xz
    disk=$(disk 40M)
    before=$(sha256sum <"$disk")
    fails 1 "^mkbootmedia: $disk: writing: it has 41943040 bytes, and lab.xz has 67108864" onto lab.xz "$disk"
    fails 1 "^mkbootmedia: $disk: writing: it has 41943040 bytes, and $image has 67108864" onto "$image" "$disk"
    [ "$(sha256sum <"$disk")" = "$before" ]
}

@test "bmaptool's map: only what is mapped is written; a wrong sum is found" {
    disk=$(disk 80M)
    bmaptool -q create "$image" -o lab.bmap
    cp "$image" lab.img
    for source in lab.img -; do
        soil "$disk"
        onto --bmap lab.bmap $source "$disk" <"$image"
        sed -n 's/.*<Range[^>]*> *\([0-9-]*\) *<.*/\1/p' lab.bmap | tail -n +2 | head -n -1 >ranges
        [ -s ranges ]
        while IFS=- read -r first last; do
            cmp -i $((first * 4096)) -n $(((${last:-$first} - first + 1) * 4096)) "$image" "$disk"
        done <ranges
        # a block in the middle that is in no range has its old bytes
        cmp -i $((60 * 1024 * 1024)):0 -n 4096 "$disk" <(head -c 4096 /dev/zero | tr '\0' '\377')
        sfdisk -V "$disk" | grep -q 'No errors'
    done
    # lab.bmap beside lab.img is found; so is that beside lab.img.gz
    gzip -1k lab.img
    none grep -q "bmap" <(mkbootmedia write --json --dry-run --allow-fixed "$image" "$disk" | jq -r '.bmap // empty')
    [ "$(mkbootmedia write --json --dry-run --allow-fixed lab.img "$disk" | jq -r .bmap)" = lab.bmap ]
    mv lab.bmap lab.img.bmap
    [ "$(mkbootmedia write --json --dry-run --allow-fixed lab.img.gz "$disk" | jq -r .bmap)" = lab.img.bmap ]
    printf X | dd of=lab.img bs=4096 seek="$(sed -n '1s/-.*//p' ranges)" conv=notrunc status=none
    status=0
    onto lab.img "$disk" 2>err || status=$?
    [ $status = 1 ] && unbootable "$disk"
    grep -q 'lab.img: reading: bytes .* are not those that lab.img.bmap has the checksum of' err
    sed 's/2.0/1.3/' lab.img.bmap >old.bmap
    fails 1 '^mkbootmedia: old.bmap: reading the map: it has version 1.3, not 2.0' onto --bmap old.bmap lab.img "$disk"
    sed 's/<Range/ <Range/' lab.img.bmap >touched.bmap
    fails 1 '^mkbootmedia: touched.bmap: reading the map: it is damaged' onto --bmap touched.bmap lab.img "$disk"
    truncate -s +4096 lab.img
    fails 1 '^mkbootmedia: lab.img.bmap: writing lab.img: it is the map of an image of 67108864 bytes' onto lab.img "$disk"
}

@test "usb and iso: a map that bmaptool takes, and disks without a file between" {
    what=(-q -k "$(kernel)" -i "$SHARE/initrd" --size 64M)
    mkbootmedia usb "${what[@]}" --bmap -o mapped.img
    cmp mapped.img "$image"
    truncate -s 64M copy
    bmaptool -q copy --bmap mapped.img.bmap mapped.img copy
    cmp copy "$image" # a new disk is zeros
    disk=$(disk 80M)
    onto mapped.img "$disk" # with the map beside it
    sfdisk -V "$disk" | grep -q 'No errors'
    fsck.fat -n "$(losetup --find --show -o 2M --sizelimit 61M "$(image_of "$disk")" | tee -a loops)"
    # free clusters alone keep what was there
    [ "$(cmp -l -i 1024 -n $((64 * 1024 * 1024 - 1024 - 33 * 512)) "$disk" "$image" | awk '$2 != 377' | wc -l)" = 0 ]
    soil "$disk"
    before=$(sha256sum <"$disk")
    mkbootmedia usb "${what[@]}" --dry-run --yes --allow-fixed --write "$disk"
    fails 1 "^mkbootmedia: $disk: writing: it is not removable" mkbootmedia usb "${what[@]}" --yes --write "$disk"
    [ "$(sha256sum <"$disk")" = "$before" ]
    mkbootmedia usb "${what[@]}" --yes --allow-fixed --write "$disk"
    sfdisk -V "$disk" | grep -q 'No errors'
    cmp -i 1024 -n 5000000 "$disk" "$image"
    fails 2 '--write: ' mkbootmedia usb "${what[@]}" --write "$disk" -o out.img
    fails 2 '--bmap: ' mkbootmedia usb "${what[@]}" --bmap --write "$disk"
}

@test "what may not be written is not" {
    disk=$(disk 80M)
    disk2=$(disk 80M)
    before=$(sha256sum <"$disk")
    write() { mkbootmedia write --yes "$@"; }
    fails 1 "^mkbootmedia: $disk: writing: it is not removable" write "$image" "$disk"
    fails 1 "^mkbootmedia: $disk: writing: nobody can be asked" setsid -w "$MKBOOTMEDIA" write --allow-fixed "$image" "$disk"
    fails 1 "^mkbootmedia: $disk: writing: its serial number is not known, not ABC" onto --serial ABC "$image" "$disk"
    fails 1 '^mkbootmedia: /none: writing: No such file' write "$image" /none
    fails 1 "^mkbootmedia: $PWD: writing: is not a disk" write "$image" "$PWD"
    fails 1 '^mkbootmedia: /dev/null: writing: is not a disk' write "$image" /dev/null
    truncate -s 80M file
    fails 1 '^mkbootmedia: file: writing: is a file, not a disk' write "$image" file
    fails 1 '^mkbootmedia: lab.img: writing: is the image itself' onto --allow-file "$(cp "$image" . && echo lab.img)" lab.img
    ln -s "$disk" link
    fails 1 "^mkbootmedia: link: writing: is the same disk as $disk" onto "$image" "$disk" link
    ln -s "$disk2" other
    run onto --dry-run "$image" other
    [[ $output != *leads* ]] # as --quiet asks for
    write --allow-fixed --dry-run "$image" other 2>&1 | tee out
    grep -qx "mkbootmedia: note: other: leads to $disk2" out
    truncate -s 1M tiny
    fails 1 '^mkbootmedia: tiny: writing: it has only 1048576 bytes' onto --allow-file "$image" tiny
    # one that may not be written leaves the others alone
    fails 1 '^mkbootmedia: /none: writing: ' onto "$image" "$disk2" "$disk" /none
    losetup --read-only --find --show file >ro
    cat ro >>loops
    fails 1 "^mkbootmedia: $(cat ro): writing: it is read-only" onto "$image" "$(cat ro)"
    fails 1 '^mkbootmedia: none.img: opening: ' onto none.img "$disk"
    : >empty
    fails 1 '^mkbootmedia: empty: opening: is empty' onto empty "$disk"
    fails 2 'write: which disk' mkbootmedia write "$image"
    fails 2 "--verify: 'most'" mkbootmedia write --verify most "$image" "$disk"
    [ "$(sha256sum <"$disk")" = "$before" ] && [ "$(sha256sum <"$disk2")" = "$before" ]
}

@test "mounted disks, their partitions, and the disk that this system runs from" {
    disk=$(disk 80M)
    mkfs.ext4 -q "$disk"
    mkdir mnt
    mount "$disk" mnt
    run -1 onto "$image" "$disk"
    umount mnt
    [[ $output == *"$disk: writing: it is mounted at $PWD/mnt"* ]]
    e2fsck -fn "$disk"
    # a partition, and a disk of which one is in use
    sfdisk -q "$disk" <<<'label: gpt
size=30M
size=30M'
    partx -a "$disk" || true
    if [ -b "${disk}p1" ]; then
        fails 1 "^mkbootmedia: ${disk}p1: writing: is a partition of $disk; name the disk" onto "$image" "${disk}p1"
        mkfs.ext4 -q "${disk}p2"
        mount "${disk}p2" mnt
        run -1 onto "$image" "$disk"
        umount mnt
        partx -d "$disk"
        [[ $output == *"$disk: writing: its partition 2 is mounted at"* ]]
    fi
    # the real one: whatever it is, it is barred, and a dry run says so as well
    root=$(findmnt -no SOURCE /)
    if [ -b "$root" ]; then
        run -1 mkbootmedia write --dry-run --yes --allow-fixed "$image" "$root"
        [[ $output == *"mounted at /"* ]] || [[ $output == *"is a partition of"* ]]
        mkbootmedia devices --json |
            jq -e --arg root "/dev/$(lsblk -nso NAME "$root" | tail -n 1 | tr -dc 'a-z0-9')" \
                '.devices[] | select(.path == $root) | .state == "barred"'
    fi
}

@test "eight disks at once, of which one is broken: the seven others are written" {
    disks=()
    for i in 1 2 3 4 5 6 7 8; do disks+=("$(disk 70M)"); done
    status=0
    FAULT=eio:4 FAULT_PATH=${disks[2]} LD_PRELOAD=$TOP/build/preload/fault.so \
        "$TOP/build/mkbootmedia" write --json --yes --allow-fixed "$image" "${disks[@]}" >out 2>err || status=$?
    [ $status = 1 ]
    grep -c '^mkbootmedia: ' err
    [ "$(jq -r '[.devices[] | select(.ok) | .path] | length' out)" = 7 ]
    [ "$(jq -r '.devices[] | select(.ok | not) | .path' out)" = "${disks[2]}" ]
    jq -e '.devices[2] | .touched and (.error | test("writing at byte [0-9]+: Input/output error")) and .verified == "none"' out
    unbootable "${disks[2]}"
    for i in 0 1 3 4 5 6 7; do holds "${disks[i]}" "$image"; done
}

@test "errors of a disk: what passes is tried again, what stays is told with its byte" {
    disk=$(disk 80M)
    for fault in fakezero:1 eio:5:2 short:1 eintr:3 flip:9000000:1 readfail:9000000:2; do
        echo "$fault"
        faulty $fault "$disk"
        holds "$disk" "$image"
        none unbootable "$disk"
    done
    while IFS='|' read -r fault regex; do
        echo "$fault"
        soil "$disk"
        fails 1 "^mkbootmedia: $disk: $regex; what was on it is lost, and it does not boot" faulty "$fault" "$disk"
        # a disk that does not take its first sector has the old one
        [ "$fault" != lose:100 ] && unbootable "$disk" || none cmp -s -n 4096 "$disk" "$image"
    done <<'END'
eio:5|writing at byte [0-9]+: Input/output error
enospc:4|writing at byte [0-9]+: No space left on device
gone:4|writing at byte [0-9]+: No such device
lose:9000000|reading back bytes 8388608 to 12582911: they are not what was written
flip:9000000:9|reading back bytes 8388608 to 12582911: they are not what was written
readfail:9000000:9|reading back at byte 8388608: Input/output error
lose:100|reading back bytes 0 to 4095: they are not what was written
lose:5000|reading back bytes 4096 to 1048575: they are not what was written
END
    # nobody looks: nobody knows
    faulty lose:9000000 "$disk" --verify none
}

@test "disks that are not meant are not opened" {
    disk=$(disk 80M) other=$(disk 8M)
    strace -f -e trace=open,openat -o calls "$TOP/build/mkbootmedia" write -q --yes --allow-fixed "$image" "$disk"
    grep -q "\"$disk\"" calls
    none grep "\"$other\"" calls
    mkbootmedia devices --json | jq -e --arg path "$other" '.devices[] | select(.path == $path)'
}

@test "a disk that fails while the image is read: it ends" {
    disk=$(disk 80M)
    noise 70000000 >image.img
    for i in $(seq 20); do
        FAULT=enospc:1 FAULT_PATH=$disk LD_PRELOAD=$TOP/build/preload/fault.so \
            fails 1 "^mkbootmedia: $disk: writing at byte 0: No space left on device; " \
            timeout 60 "$TOP/build/mkbootmedia" write -q --yes --allow-fixed image.img "$disk"
    done
    # the pipe says no more, and is still open
    disk=$(disk 8M)
    mkfifo pipe
    for i in $(seq 10); do
        (exec 3>pipe && head -c 12582920 image.img >&3 && exec sleep 60) &
        feeder=$! status=0
        timeout 15 "$TOP/build/mkbootmedia" write -q --yes --allow-fixed - "$disk" <pipe 2>err || status=$?
        kill $feeder
        [ $status = 1 ]
        grep -q "^mkbootmedia: $disk: writing: the image is larger than its 8388608 bytes; " err
    done
}

@test "an image that is wrong twice: one line of it, and one of the disk" {
    disk=$(disk 80M)
    noise 14430208 >image.img
    fallocate --punch-hole --offset $((2027 * 4096)) --length $((33 * 4096)) image.img
    bmaptool -q create image.img -o map
    [ "$(grep -c '<Range' map)" = 2 ]
    printf 'XXXX' | dd of=image.img bs=1 seek=7000000 conv=notrunc status=none
    for i in 1 2 3 4 5; do
        status=0
        # within the second range
        head -c 8450000 image.img | mkbootmedia write -q --yes --allow-fixed --bmap map - "$disk" 2>err || status=$?
        [ $status = 1 ]
        [ "$(wc -l <err)" = 2 ] || { cat err && false; }
        unbootable "$disk"
    done
}

@test "a hole at the start: zeros are still made by the disk" {
    disk=$(disk 80M) image=holes
    noise 20480 >holes
    noise 1000000 | dd of=holes bs=1M seek=1 status=none
    truncate -s 70M holes
    FAULT=count:1 FAULT_COUNT=$PWD/count faulty count:1 "$disk"
    holds "$disk" holes
    [ "$(cat count)" -lt 12 ]
}

@test "a disk that lies about zeros: those that were believed before are read, too" {
    disk=$(disk 80M) image=zeros
    for at in 0 64; do noise $((2 << 20)) $at | dd of=zeros bs=1M seek=$at conv=notrunc status=none; done
    truncate -s 80M zeros
    soil "$disk"
    # both ends of the first zeros are some, by chance
    for at in $((2 << 20)) $(((32 << 20) - 4096)); do
        dd if=/dev/zero of="$disk" bs=4096 count=1 seek=$((at / 4096)) conv=notrunc status=none
    done
    faulty fakezero:1 "$disk"
    holds "$disk" zeros
}

@test "killed at any write: the disk boots whole, or not at all" {
    disk=$(disk 80M)
    strace -f -P "$disk" -e trace=pwrite64 -o calls "$TOP/build/mkbootmedia" write -q --yes --allow-fixed "$image" "$disk"
    writes=$(grep -c 'pwrite64(' calls)
    cp "$(image_of "$disk")" whole
    [ "$writes" -gt 6 ]
    for i in $(seq 1 20); do
        n=$((1 + (i - 1) * writes / 20))
        run faulty kill:$n "$disk"
        [ "$status" = 137 ]
        unbootable "$disk" || cmp "$disk" whole
        [ $((i % 5)) != 0 ] || onto "$image" "$disk"
    done
    faulty kill:$((writes + 1)) "$disk" # none is left
    cmp "$disk" whole
}

@test "interrupted: it ends soon, and says that the disk does not boot" {
    disk=$(disk 80M)
    mkfifo pipe
    (exec 3>pipe; head -c 30000000 "$image" >&3; sleep 30) &
    feeder=$!
    "$TOP/build/mkbootmedia" write -q --yes --allow-fixed - "$disk" <pipe 2>err &
    writer=$!
    sleep 1
    kill -INT $writer
    for _ in {1..20}; do
        kill -0 $writer 2>/dev/null || break
        sleep 0.1
    done
    none kill -0 $writer 2>/dev/null # the pipe is still open
    status=0
    wait $writer || status=$?
    kill $feeder 2>/dev/null || :
    [ $status = 1 ]
    grep -q "^mkbootmedia: $disk: writing: interrupted; .*does not boot" err
    unbootable "$disk"
}

@test "disks that are not what they say: less room, or what was there is gone" {
    mkdir tmpfs
    mount -t tmpfs -o size=40M tmpfs tmpfs
    truncate -s 80M tmpfs/file
    disk=$(losetup --find --show tmpfs/file | tee -a loops)
    noise 60000000 >noise.img
    status=0
    onto noise.img "$disk" 2>err || status=$?
    losetup -d "$disk"
    umount tmpfs
    [ $status = 1 ]
    grep -qE "^mkbootmedia: $disk: (writing|flushing|reading back).*; what was on it is lost" err
    # its file shrinks while it is written
    disk=$(disk 80M)
    status=0
    { head -c 40000000 noise.img && sleep 1 && truncate -s 10M "$(image_of "$disk")" && tail -c +40000001 noise.img; } |
        onto - "$disk" 2>err || status=$?
    [ $status = 1 ] && unbootable "$disk"
    grep -qE "^mkbootmedia: $disk: reading back .*; what was on it is lost" err
}

@test "sectors of 4096 bytes: the table is made anew" {
    disk=$(disk 80M 4096)
    onto "$image" "$disk"
    sfdisk -V "$disk" | grep -q 'No errors'
    bytes() { sfdisk -d "$1" | awk -v s="$2" -F '[=,]' '/start=/ { print $2 * s, $4 * s }'; }
    diff <(bytes "$image" 512) <(bytes "$disk" 4096)
    diff <(sfdisk -d "$image" | grep -o 'uuid=[^,]*') <(sfdisk -d "$disk" | grep -o 'uuid=[^,]*')
    [ "$(sfdisk --disk-id "$image")" = "$(sfdisk --disk-id "$disk")" ]
    # a partition that does not begin or end on such a sector
    truncate -s 64M odd
    sfdisk -q odd <<<'label: gpt
start=2049, size=1000'
    disk=$(disk 80M 4096)
    run -1 onto odd "$disk"
    [[ $output == *"its sectors of 4096 bytes are too large for partition 1 of the image"* ]]
    unbootable "$disk"
}

@test "files as disks, progress, and what is told" {
    truncate -s 80M file
    onto --allow-file "$image" file
    holds file "$image"
    mkbootmedia write --json --yes --allow-file "$image" file >out 2>err
    jq -e '.size == 67108864 and .devices[0].ok and .devices[0].verified == "mapped" and .devices[0].written > 6000000' out
    (while sleep 0.4; do head -c 8000000 "$image"; done) 2>/dev/null | head -c 40000000 |
        mkbootmedia write --json --yes --allow-file - file >out 2>err
    jq -se 'length > 1 and all(.progress.device == "file") and (map(.progress.phase) | index("write") != null)' err
    before=$(sha256sum <file)
    mkbootmedia write --dry-run --allow-file "$image" file 2>err
    grep -q '^mkbootmedia: note: file: .* MiB of .* would be written to it' err
    [ "$(sha256sum <file)" = "$before" ]
    # on a terminal it asks
    disk=$(disk 80M)
    script -qec "$MKBOOTMEDIA write --allow-fixed $image $disk" /dev/null <<<'wrong' >asked || true
    grep -q 'not confirmed; nothing was written' asked
    cmp -s -n 4096 "$disk" <(head -c 4096 /dev/zero | tr '\0' '\377')
    script -qec "$MKBOOTMEDIA write --allow-fixed $image $disk" /dev/null <<<'83.9' >asked
    holds "$disk" "$image"
}
