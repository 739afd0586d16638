#!/usr/bin/env bats
# FAT volumes and partition tables, checked by tools that others wrote: fsck.fat, mtools, blkid,
# sfdisk. build/tools/mkfat and build/tools/mkgpt are small programs around image/fat, image/parttab.

BUILD=${BUILD:-build}
OFFSET=1048576
ESP=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
BIOSBOOT=21686148-6449-6E6F-744E-656564454649
GUID=11111111-2222-3333-4444-55555555555

setup() {
    export LC_ALL=C.UTF-8 TZ=UTC MTOOLS_SKIP_CHECK=1
    IN=$BATS_TEST_TMPDIR/in IMAGE=$BATS_TEST_TMPDIR/image VOLUME=$BATS_TEST_TMPDIR/volume
    PLACES=$BATS_TEST_TMPDIR/places
    mkdir "$IN"
}

# make_volume BITS [SIZE_MIN [LABEL]]: $IN -> $IMAGE (the volume at $OFFSET), $VOLUME, $PLACES
make_volume() {
    "$BUILD/tools/mkfat" "$1" $OFFSET "${2:-0}" "${3:-TEST}" "$IN" "$IMAGE" >"$PLACES"
    dd if="$IMAGE" of="$VOLUME" bs=1M skip=1 conv=sparse status=none
    truncate -s $(($(stat -c %s "$IMAGE") - OFFSET)) "$VOLUME"
}

# fsck.fat has nothing to say but what it always says.
fsck_clean() {
    local out
    out=$(fsck.fat -n -v "$VOLUME") || { echo "$out"; return 1; }
    if grep -iE 'wrong|differ|uninit|orphan|bad|dirty|auto|warning|not ' <<<"$out"; then
        return 1
    fi
    grep -qE "^$VOLUME: [0-9]+ files, [0-9]+/[0-9]+ clusters$" <<<"$out"
}

# mtools reads back what was put in, and nothing else.
same_content() {
    mkdir "$BATS_TEST_TMPDIR/out"
    mcopy -s -n -i "$IMAGE@@$OFFSET" ::/ "$BATS_TEST_TMPDIR/out"
    diff -r "$IN" "$BATS_TEST_TMPDIR/out"
}

# Every file stands whole in the image, from a multiple of 4096 on.
aligned() {
    local place len path
    while read -r place len path; do
        [ "$place" != -1 ] || { [ "$len" = 0 ] && continue; }
        [ $((place % 4096)) = 0 ] || { echo "$path stands at $place"; return 1; }
        cmp -n "$len" -i "$place:0" "$IMAGE" "$IN/$path"
    done <"$PLACES"
}

check_all() {
    fsck_clean
    same_content
    aligned
}

sizes() {
    local n
    for n in 0 1 511 512 513 2047 2048 2049 4096 4097 40000; do
        head -c "$n" /dev/urandom >"$IN/size-$n"
    done
    mkdir -p "$IN/boot/grub" "$IN/EFI/BOOT" "$IN/empty folder/empty"
    cp "$IN/size-4097" "$IN/EFI/BOOT/BOOTX64.EFI"
    cp "$IN/size-2047" "$IN/boot/grub/grub.cfg"
}

# field NAME FILE: what blkid says
field() {
    blkid -p -o value -s "$1" "$VOLUME"
}

@test "FAT32: odd sizes, folders, an empty folder" {
    sizes
    make_volume 32
    check_all
    [ "$(stat -c %s "$VOLUME")" = $((36 * 1048576)) ]
    [ "$(field VERSION)" = FAT32 ]
}

@test "FAT16: odd sizes, folders, an empty folder" {
    sizes
    make_volume 16
    check_all
    [ $(($(stat -c %s "$VOLUME") % 4096)) = 0 ]
    [ "$(field VERSION)" = FAT16 ]
}

@test "nothing at all is a volume too" {
    make_volume 32
    check_all
    make_volume 16
    fsck_clean
}

@test "blkid sees label and id, mtools hidden sectors" {
    make_volume 32 0 'MY LABEL_1'
    [ "$(field LABEL)" = 'MY LABEL_1' ]
    [ "$(field LABEL_FATBOOT)" = 'MY LABEL_1' ]
    [ "$(field UUID)" = 1234-ABCD ]
    minfo -i "$VOLUME" | grep -qx 'hidden sectors: 2048'
}

@test "dates are UTC" {
    echo x >"$IN/file"
    TZ=Asia/Tokyo make_volume 32
    mdir -i "$VOLUME" ::/ | grep -qE '^FILE +2 2023-11-14 +22:13 '
}

@test "a 300 MB file makes larger clusters and stays whole" {
    head -c 300000001 /dev/urandom >"$IN/initrd.img"
    echo small >"$IN/vmlinuz"
    make_volume 32
    check_all
    minfo -i "$VOLUME" | grep -qx 'cluster size: 8 sectors'
    # no larger than needed: the content, two FATs, 1 MiB of rounding
    [ "$(stat -c %s "$VOLUME")" -le $((300000001 + 2 * 2100000 + 2 * 1048576)) ]
}

@test "400 files in one folder" {
    for i in $(seq 400); do
        echo "$i" >"$IN/a file with a long name, number $i.text"
    done
    make_volume 32
    check_all
    mdir -i "$VOLUME" ::/ | grep -qE '^AFILEW~1 TEX '
    mdir -i "$VOLUME" ::/ | grep -qE '^AFILE~99 TEX '
    mdir -i "$VOLUME" ::/ | grep -qE '^AFIL~400 TEX '
    [ "$(mdir -i "$VOLUME" ::/ | grep -cE '^AFI.* TEX ')" = 400 ]
    make_volume 16
    fsck_clean
    [ "$(mdir -i "$VOLUME" ::/ | grep -cE '^AFI.* TEX ')" = 400 ]
}

@test "names that are the same in 8.3" {
    for name in GRUBFO~1.CFG grubfo~2.cfg grubfoobar.cfg grubfoobaz.cfg grubfool.cfg \
        .hidden '.a b' 'a b' ab A.B a.b.c archive.tar.gz '+,;=[]' 'x y.z w' ÄÖÜ äöu 12345678.123 \
        lower.TXT Mixed.Txt UPPER.TXT; do
        echo "$name" >"$IN/$name"
    done
    make_volume 32
    check_all
    for alias in GRUBFO~1.CFG GRUBFO~2.CFG GRUBFO~3.CFG GRUBFO~4.CFG GRUBFOOL.CFG; do
        mtype -i "$VOLUME" "::/$alias" >/dev/null
    done
    [ "$(mtype -i "$VOLUME" '::/GRUBFO~1.CFG')" = GRUBFO~1.CFG ]
    # each alias once
    [ -z "$(mdir -a -i "$VOLUME" ::/ | grep -E '^[^ ].* [0-9-]+ +[0-9:]+ ' | cut -c 1-12 |
        sort | uniq -d)" ]
}

@test "deep, long UTF-8 names" {
    deep=$IN
    for i in $(seq 8); do
        deep="$deep/Ordner $i mit Umlauten äöü und 中文字符 und кириллица"
    done
    mkdir -p "$deep"
    echo deep >"$deep/ein sehr tiefer Name.txt"
    echo long >"$IN/$(printf 'x%.0s' $(seq 255))"
    echo thirteen >"$IN/thirteen-unit"
    echo 26 >"$IN/twenty-six-units-long-name"
    make_volume 32
    check_all
}

@test "a volume that is asked to be large has few clusters and few bytes" {
    echo x >"$IN/x"
    "$BUILD/tools/mkfat" 32 0 $((60 * 1024 * 1024 * 1024)) TEST "$IN" "$VOLUME" >"$PLACES"
    fsck_clean
    [ "$(stat -c %s "$VOLUME")" = $((60 * 1024 * 1024 * 1024)) ]
    minfo -i "$VOLUME" | grep -qx 'cluster size: 64 sectors'
    [ "$(du -k "$VOLUME" | cut -f 1)" -le 128 ]
}

@test "the same input gives the same bytes" {
    sizes
    make_volume 32
    cp "$IMAGE" "$IMAGE.1"
    sleep 1.1
    touch "$IN"/*
    TZ=America/New_York LC_ALL=de_DE.UTF-8 make_volume 32
    cmp "$IMAGE.1" "$IMAGE"
}

# refused WORDS: mkfat fails, and says why in one line
refused() {
    run "$BUILD/tools/mkfat" 32 0 0 TEST "$IN" "$IMAGE"
    echo "$output"
    [ "$status" = 1 ]
    [ "${#lines[@]}" = 1 ]
    [[ $output == *"$1"* ]]
    [ ! -e "$IMAGE" ]
}

@test "names that FAT cannot hold" {
    for name in 'a:b' 'a\b' 'a?' 'a*' 'a"' '<a' 'a|b' $'a\nb' 'a.' 'a ' $'\xff'; do
        echo "$name" >"$IN/$name"
        refused 'FAT cannot hold'
        rm "$IN/$name"
    done
}

@test "two names that are one without case" {
    mkdir "$IN/Folder" "$IN/folder"
    refused 'does not tell upper from lower case'
    rmdir "$IN/folder"
    echo 1 >"$IN/ÄB.txt"
    echo 2 >"$IN/äb.TXT"
    refused 'does not tell upper from lower case'
}

# The same as make_volume, without copying gigabytes of zeros.
make_sparse_volume() {
    "$BUILD/tools/mkfat" 32 0 0 TEST "$IN" "$VOLUME" >"$PLACES"
}

@test "a file over 4 GiB - 1" {
    truncate -s 4294967296 "$IN/initrd.img"
    refused 'mkbootmedia iso'
    [[ $output == *"$IN/initrd.img: "* ]]
    truncate -s 4294967295 "$IN/initrd.img"
    make_sparse_volume
    mdir -i "$VOLUME" ::/ | grep -qE '^INITRD +IMG +4294967295 '
    # fsck.fat 4.2 counts the bytes of a chain in 32 bits: 2^32 of them are 0 for it
    truncate -s $((4294967296 - 32768)) "$IN/initrd.img"
    make_sparse_volume
    fsck_clean
}

make_table() {
    "$BUILD/tools/mkgpt" "$1" "$2" "$IMAGE" 'BIOS boot' $BIOSBOOT ${GUID}1 $((64 * 512)) \
        $((1900 * 512)) 'EFI system' $ESP ${GUID}2 $((2048 * 512)) $((73728 * 512)) >"$PLACES"
}

@test "GPT: sfdisk finds no error and the ids and names that were given" {
    for style in 0 1; do
        make_table $((40 * 1048576)) $style
        run sfdisk --verify "$IMAGE"
        [ "$status" = 0 ]
        [[ $output == *'No errors detected.'* ]]
        sfdisk --dump "$IMAGE" | sed "s|$IMAGE|X|g; s/, */,/g; s/= */=/g" >"$PLACES.dump"
        cat "$PLACES.dump"
        grep -qx 'label-id: 01234567-89AB-CDEF-0123-456789ABCDEF' "$PLACES.dump"
        grep -qx 'first-lba: 34' "$PLACES.dump"
        grep -qx 'last-lba: 81886' "$PLACES.dump"
        grep -qx "X1 : start=64,size=1900,type=$BIOSBOOT,uuid=${GUID}1,name=\"BIOS boot\"" \
            "$PLACES.dump"
        grep -qx "X2 : start=2048,size=73728,type=$ESP,uuid=${GUID}2,name=\"EFI system\"" \
            "$PLACES.dump"
    done
}

@test "isohybrid: sfdisk sees an MBR with the ESP in it" {
    make_table $((40 * 1048576)) 2
    sfdisk --dump "$IMAGE" | sed "s|$IMAGE|X|g; s/, */,/g; s/= */=/g" >"$PLACES.dump"
    cat "$PLACES.dump"
    grep -qx 'label: dos' "$PLACES.dump"
    grep -qx 'label-id: 0xfeedf00d' "$PLACES.dump"
    grep -qx 'X1 : start=0,size=81920,type=0,bootable' "$PLACES.dump"
    grep -qx 'X2 : start=2048,size=73728,type=ef' "$PLACES.dump"
}

@test "the partition table of a 64 GiB image is a few sectors" {
    make_table $((64 * 1024 * 1024 * 1024)) 0
    run sfdisk --verify "$IMAGE"
    [[ $output == *'No errors detected.'* ]]
    [ "$(awk '{n += $2} END {print n}' "$PLACES")" -le 4096 ]
}
