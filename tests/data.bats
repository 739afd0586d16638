#!/usr/bin/env bats
# usb --data: the partition for data of a stick image, looked at by e2fsprogs, exfatprogs, sfdisk,
# blkid and the kernel.

bats_require_minimum_version 1.5.0
load lib

LINUX=0FC63DAF-8483-4772-8E79-3D69D8477DE4
BASIC=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7
TYPES=(20M:ext4 300M 16M:exfat 300M:exfat)

setup_file() {
    export SHARE=$BATS_FILE_TMPDIR
    cp "$(kernel)" "$SHARE/vmlinuz"
    initrd "$SHARE/initrd.img" 511
    chmod a+rX "$BATS_RUN_TMPDIR" "$SHARE"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    BOOT=(-q -k "$SHARE/vmlinuz" -i "$SHARE/initrd.img")
}

# type_of SIZE[:FS]: the GPT type of the partition
type_of() { case $1 in *:exfat) echo $BASIC ;; *) echo $LINUX ;; esac }

# data_of IMAGE SIZE[:FS]: its data partition as a file: its bytes, with what is left out as holes
data_of() {
    local start size
    read -r start size < <(partition "$1" "$(type_of "$2")")
    dd if="$1" of=part iflag=skip_bytes,count_bytes skip="$start" count="$size" bs=1M conv=sparse status=none
}

# sound SIZE[:FS]: the file system in part has no fault, and the right names
sound() {
    case $1 in
    *:exfat)
        fsck.exfat -n part | tee said
        grep -q ': clean\. directories 1, files 0' said
        [ "$(blkid -p -o value -s TYPE part)" = exfat ]
        ;;
    *)
        e2fsck -fn part
        [ "$(blkid -p -o value -s TYPE part)" = ext4 ]
        ;;
    esac
    [ "$(blkid -p -o value -s LABEL part)" = DATA ]
}

@test "the partition stands behind the ESP, of its size and type, and nothing is at fault" {
    for what in "${TYPES[@]}"; do
        echo "$what"
        mkbootmedia usb "${BOOT[@]}" --data "$what" -o image
        sfdisk --verify image
        read -r start size < <(partition image "$(type_of "$what")")
        [ $((start % 1048576)) = 0 ]
        [ "$size" = "$(numfmt --from=iec "${what%:*}")" ]
        read -r esp esp_size < <(partition image $ESP)
        [ "$start" = $((esp + esp_size)) ]
        [ "$(stat -c %s image)" = $((start + size + 1048576)) ]
        [ "$(sfdisk --part-label image 3)" = Data ]
        data_of image "$what" && sound "$what"
        dd if=image of=esp bs=1M skip=$((esp >> 20)) count=$((esp_size >> 20)) status=none
        fsck.fat -n esp
    done
}

@test "without BIOS it is the second partition; an odd size is rounded up to MiB" {
    mkbootmedia usb "${BOOT[@]}" --firmware uefi --data 20481K -o image
    read -r _ size < <(partition image $LINUX)
    [ "$size" = $((21 << 20)) ]
    [ "$(sfdisk --part-label image 2)" = Data ]
    data_of image 21M && sound 21M
}

# Old bytes everywhere: what is left as it was must be of no use to anybody.
@test "on a disk full of 0xff it is as sound, and most of it is left as it was" {
    for what in "${TYPES[@]}"; do
        echo "$what"
        mkbootmedia usb "${BOOT[@]}" --data "$what" --bmap -o image
        rm -f disk
        tr '\0' '\377' </dev/zero | head -c "$(stat -c %s image)" >disk
        mkbootmedia write -q --yes --allow-file image disk
        data_of disk "$what" && sound "$what"
        read -r _ size < <(partition image "$(type_of "$what")")
        left=$(tr -d '\000-\376' <part | wc -c)
        [ "$left" -gt $((size / 2)) ]
    done
}

@test "the journal of ext4 is zeros, whatever was there" {
    mkbootmedia usb "${BOOT[@]}" --data 300M --bmap -o image
    tr '\0' '\377' </dev/zero | head -c "$(stat -c %s image)" >disk
    mkbootmedia write -q --yes --allow-file image disk
    data_of disk 300M
    debugfs -R 'dump <8> journal' part 2>/dev/null
    [ "$(stat -c %s journal)" = $((16 << 20)) ]
    cmp -i 4096 -n $(((16 << 20) - 4096)) journal /dev/zero
}

@test "100 GB cost a few MB of file and less than 120 MB of writing" {
    [ "$(id -u)" = 0 ]
    for what in 100G 100G:exfat; do
        mkbootmedia usb "${BOOT[@]}" --data "$what" --bmap -o image
        [ "$(du -k image | cut -f 1)" -lt 40000 ]
        blocks=$(sed -n 's/.*<MappedBlocksCount> *\([0-9]*\).*/\1/p' image.bmap)
        [ $((blocks * 4096)) -lt $((120 << 20)) ]
        # dd would read 100 GB of zeros
        read -r start size < <(partition image "$(type_of "$what")")
        loop=$(losetup --find --show --read-only --offset "$start" --sizelimit "$size" image)
        ln -sf "$loop" part
        status=0
        sound "$what" || status=$?
        losetup -d "$loop"
        [ $status = 0 ]
    done
}

@test "the kernel mounts what was written over 0xff, and writes into it" {
    [ "$(id -u)" = 0 ]
    grep -qw ext4 /proc/filesystems || modprobe ext4
    mkbootmedia usb "${BOOT[@]}" --data 100M --bmap -o image
    tr '\0' '\377' </dev/zero | head -c "$(stat -c %s image)" >disk
    mkbootmedia write -q --yes --allow-file image disk
    data_of disk 100M
    mkdir mounted
    mount -o loop part mounted
    [ "$(ls -A mounted)" = lost+found ]
    [ "$(stat -c '%u:%g' mounted)" = 0:0 ]
    mkdir mounted/many
    for i in {1..3000}; do echo "$i" >"mounted/many/$i"; done
    noise 50000000 >mounted/large
    umount mounted
    e2fsck -fn part
    [ "$(debugfs -R 'cat many/2999' part 2>/dev/null)" = 2999 ]
    debugfs -R 'dump large large' part 2>/dev/null
    noise 50000000 | cmp - large
}

@test "same request, same bytes: another second, host, user, configuration" {
    [ "$(id -u)" = 0 ]
    printf '[defaults]\nbase_features = ext_attr\nblocksize = 1024\nreserved_ratio = 9\n' >own.conf
    for what in 20M 300M:exfat; do
        echo "$what"
        for epoch in 0 1700000000; do
            SOURCE_DATE_EPOCH=$epoch mkbootmedia usb "${BOOT[@]}" --data "$what" -o a
            sleep 1.1
            (umask 077 && SOURCE_DATE_EPOCH=$epoch TZ=Asia/Tokyo LC_ALL=C MKE2FS_CONFIG=own.conf \
                E2FSPROGS_FAKE_TIME=5 MKE2FS_DEVICE_SECTSIZE=4096 \
                mkbootmedia usb "${BOOT[@]}" --data "$what" -o b)
            cmp a b
        done
        mv a epoch
        mkbootmedia usb "${BOOT[@]}" --data "$what" -o a
        none cmp -s a epoch
    done
}

@test "ids come from the content: of other content others" {
    mkbootmedia usb "${BOOT[@]}" --data 20M -o a
    mkbootmedia usb "${BOOT[@]}" --data 20M --title Other -o b
    data_of a 20M && one=$(blkid -p -o value -s UUID part)
    data_of b 20M && two=$(blkid -p -o value -s UUID part)
    [ -n "$one" ] && [ -n "$two" ] && [ "$one" != "$two" ]
    mkbootmedia usb "${BOOT[@]}" --data 20M:exfat -o a
    mkbootmedia usb "${BOOT[@]}" --data 20M:exfat --title Other -o b
    data_of a 20M:exfat && one=$(blkid -p -o value -s UUID part)
    data_of b 20M:exfat && two=$(blkid -p -o value -s UUID part)
    [ -n "$one" ] && [ -n "$two" ] && [ "$one" != "$two" ]
}

@test "with --size the ESP has what is left" {
    mkbootmedia usb "${BOOT[@]}" --size 500M --data 100M -o image
    [ "$(stat -c %s image)" = $((500 << 20)) ]
    read -r _ size < <(partition image $LINUX)
    [ "$size" = $((100 << 20)) ]
    read -r _ size < <(partition image $ESP)
    [ "$size" = $((397 << 20)) ]
    data_of image 100M && sound 100M
    fails 1 '^mkbootmedia: --size: 100 MiB are too few: the content and --data need [0-9]+ MiB$' \
        mkbootmedia usb "${BOOT[@]}" --size 100M --data 100M -o small
    least=$(sed -n 's/.* need \([0-9]*\) MiB/\1/p' .err)
    mkbootmedia usb "${BOOT[@]}" --size "${least}M" --data 100M -o small
    fails 1 'too few' mkbootmedia usb "${BOOT[@]}" --size "$((least - 1))M" --data 100M -o smaller
    [ ! -e smaller ]
}

@test "plan and inspect name it; plan writes nothing" {
    mkbootmedia plan "${BOOT[@]:1}" --data 1G usb >plan
    grep -qE '^  3 +[0-9]+ +1024\.0 MiB +Data$' plan
    # a line for each piece of it would be thousands
    mkbootmedia plan "${BOOT[@]:1}" --data 1T usb >plan
    [ "$(wc -l <plan)" -lt 400 ]
    grep -qE '^  and the data partitions, in [0-9]{4,} pieces$' plan
    [ "$(mkbootmedia plan "${BOOT[@]}" --data 1G --json usb | jq -c '.partitions[2] | [.name, .type, .size]')" = \
        "[\"Data\",\"$LINUX\",1073741824]" ]
    [ "$(ls)" = plan ]
    mkbootmedia usb "${BOOT[@]}" --data 20M -o image
    mkbootmedia inspect image | grep -qE 'GPT 3 .* Linux +ext2/3/4 DATA +# Data$'
    mkbootmedia usb "${BOOT[@]}" --data 20M:exfat -o image
    mkbootmedia inspect image | grep -qE 'GPT 3 .* basic data +exFAT DATA +# Data$'
    mkbootmedia inspect --json image | jq -e '.partitions[2] | .file_system == "exFAT" and .label == "DATA"'
}

@test "a spec file has it, for its stick alone; the command line wins" {
    echo 'entry linux { kernel = "'"$SHARE"'/vmlinuz" } data = "20M:exfat" outputs = { "usb", "iso" }' >lab.conf
    mkbootmedia all -q -f lab.conf -o out
    data_of out/lab.img 20M:exfat && sound 20M:exfat
    [ -z "$(partition out/lab.iso $BASIC | grep -w $((20 << 20)))" ]
    mkbootmedia usb -q -f lab.conf --data 21M -o image
    data_of image 21M && sound 21M
    echo 'entry linux { kernel = "'"$SHARE"'/vmlinuz" } data = "20M:ntfs"' >lab.conf
    fails 1 "^mkbootmedia: lab.conf:1: reading: data: '20M:ntfs' is neither for ext4 nor for exfat" \
        mkbootmedia usb -f lab.conf -o bad
}

@test "what is no size, no file system, too small or too large is refused" {
    for bad in '' : 4X 0 -1 20M: 20M:ext3 20M:EXFAT 20M:ext4: ext4 15M 16383K:exfat 1 65T; do
        fails 2 "^mkbootmedia: usb: --data: '$bad' is " mkbootmedia usb "${BOOT[@]}" --data "$bad" -o bad
    done
    fails 2 'no such option' mkbootmedia iso "${BOOT[@]}" --data 20M -o bad
    fails 2 'no such option' mkbootmedia net "${BOOT[@]}" --url http://10.0.0.1 --data 20M -o bad
    fails 2 'plan: --data: is for usb only' mkbootmedia plan "${BOOT[@]}" --data 20M iso
    fails 2 'plan: --data: is for usb only' mkbootmedia plan "${BOOT[@]}" --data 20M net
    [ ! -e bad ]
}

# The program looks in /usr/sbin, too, so it is hidden there, for this process alone.
@test "a program that is missing names its package; one that fails leaves nothing" {
    [ "$(id -u)" = 0 ]
    for row in 'mke2fs e2fsprogs 20M' 'mkfs.exfat exfatprogs 20M:exfat'; do
        read -r program package what <<<"$row"
        path=$(realpath "$(command -v "$program")")
        # shellcheck disable=SC2016
        fails 1 "^mkbootmedia: $program: not found; install $package\$" \
            unshare --mount sh -c 'mount --bind /dev/null "$1" && shift && exec "$@"' - "$path" \
            "$MKBOOTMEDIA" usb "${BOOT[@]}" --data "$what" -o image
        mkdir -p own
        printf '#!/bin/sh\necho "no luck" >&2\nexit 1\n' >"own/$program"
        chmod +x "own/$program"
        PATH=$PWD/own:$PATH fails 1 "^mkbootmedia: $program: failed: no luck\$" \
            mkbootmedia usb "${BOOT[@]}" --data "$what" -o image
        # One that makes nothing has made no such file system.
        printf '#!/bin/sh\n' >"own/$program"
        PATH=$PWD/own:$PATH fails 1 "^mkbootmedia: $program: formatting .*it has made " \
            mkbootmedia usb "${BOOT[@]}" --data "$what" -o image
        [ "$(ls -A)" = $'.err\n.out\nown' ]
    done
}
