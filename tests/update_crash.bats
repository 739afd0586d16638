#!/usr/bin/env bats
# Updates that are killed, torn or refused by the disk: the stick has its old content or the new one,
# whole, by whichever of its tables is valid; and the next update mends what was left.

bats_require_minimum_version 1.5.0
load lib
load write
load stick

setup_file() {
    export SHARE=$BATS_FILE_TMPDIR
    # the sanitizers do not go with what is loaded before them
    export MKBOOTMEDIA=$TOP/build/mkbootmedia
    cd "$SHARE" || return
    cp "$(kernel)" kernel.old
    { cat kernel.old && printf 'more'; } >kernel.new
    initrd initrd.old 30000001
    initrd initrd.new 40000003 2
    mkbootmedia usb -q -k kernel.old -i initrd.old --firmware bios --title Old --data 16M -o stick.img
    stick old stick.img 240M
    # a turn back and forth, so that no place is one that was never used
    update old -i initrd.new
    update old -i initrd.old
    cp old new
    FAULT=count:1 FAULT_COUNT=$SHARE/count faulty new
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    cp --reflink=auto "$SHARE/old" disk
    count=$(cat "$SHARE/count")
    for content in old new; do
        on_stick "$SHARE/$content" boot/grub/grub.cfg >$content.cfg
    done
}

# faulty FILE: the update from the old content to the new.
faulty() {
    FAULT_PATH=$(realpath "$1") LD_PRELOAD=$TOP/build/preload/fault.so mkbootmedia update -q --allow-file "$1" \
        -k "$SHARE/kernel.new" -i "$SHARE/initrd.new" --title New
}

# holds_one FILE: prints which content it has; fails if that is not whole.
holds_one() {
    local start size content core
    read -r start size < <(partition "$1" "$ESP")
    content=old
    [ "$start" = "$(partition "$SHARE/old" "$ESP" | cut -d' ' -f1)" ] || content=new
    same "$1" boot/linux/vmlinuz "$SHARE/kernel.$content" || return 1
    same "$1" boot/linux/initrd.img "$SHARE/initrd.$content" || return 1
    same "$1" boot/grub/grub.cfg $content.cfg || return 1
    dd if="$1" of=.esp bs=1M skip=$((start >> 20)) count=$((size >> 20)) conv=sparse status=none
    fsck.fat -n .esp >&2 || return 1
    # what the BIOS starts is one core image or the other, and searches for a marker that is there
    core=$(core_of "$1")
    cmp -n 524288 "$1" "$SHARE/old" -i "$core" >&2 || cmp -n 524288 "$1" "$SHARE/new" -i "$core" || return 1
    on_stick "$1" "$(manifest "$SHARE/old" .menu.marker)" >marker || return 1
    echo $content
}

# the_data FILE: its partition is as it was.
the_data() {
    local start size
    read -r start size < <(partition "$SHARE/old" 0FC63DAF-8483-4772-8E79-3D69D8477DE4)
    cmp -i "$start" -n "$size" "$1" "$SHARE/old"
}

# interrupted FAULT: what is then on the disk goes to $found.
interrupted() {
    local status=0
    cp --reflink=auto "$SHARE/old" disk
    FAULT=$1 faulty disk || status=$?
    [ $status = 137 ]
    found=$(holds_one disk)
    echo "$1: $found"
    the_data disk
}

@test "killed before each write" {
    [ "$count" -ge 12 ] # and 15 within a write, below
    seen=
    for n in $(seq "$count"); do
        interrupted "kill:$n"
        seen+="$found "
        update disk --timeout 9
        good disk
    done
    # all but the last, which is the table's copy
    [[ $seen =~ ^(old )+new\ $ ]]
    run -0 env FAULT="kill:$((count + 1))" bash -c "$(declare -f faulty mkbootmedia); cp '$SHARE/old' disk; faulty disk"
    [ "$(holds_one disk)" = new ]
}

@test "killed within a write" {
    for n in 1 2 $((count / 2)) $((count - 2)); do
        interrupted "tear:$n:8192"
        [ "$found" = old ]
    done
    for sectors in 1 2 3 4 5 6 7 8; do
        interrupted "tear:$((count - 1)):$((512 * sectors))"
        [ "$sectors" != 8 ] || [ "$found" = new ]
        update disk --timeout 9
        good disk
    done
    for bytes in 512 4096 16384; do
        interrupted "tear:$count:$bytes"
        [ "$found" = new ]
        update disk --timeout 9
        good disk
    done
}

@test "a disk that fails, loses writes or gives back others" {
    for fault in eio:3 enospc:1 gone:5 "eio:$((count - 1))"; do
        cp "$SHARE/old" disk
        FAULT=$fault fails 1 '^mkbootmedia: disk: updating: (writing|flushing).*; it boots as before' faulty disk
        [ "$(holds_one disk)" = old ]
    done
    cp "$SHARE/old" disk
    FAULT=eio:$count fails 1 '^mkbootmedia: disk: updating: .*; it boots what is new, but its partition table has no good copy' faulty disk
    [ "$(holds_one disk)" = new ]
    # what passes after a while is tried again
    for fault in eio:2:2 eintr:2 short:1; do
        cp "$SHARE/old" disk
        FAULT=$fault faulty disk
        [ "$(holds_one disk)" = new ]
        good disk
    done
    # a write that is acknowledged and not done is found by reading back
    place=$(manifest "$SHARE/new" '.files[] | select(.path == "boot/linux/initrd.img") | .place')
    for fault in lose:$((place + 5000000)) flip:$((place + 5000000)):9; do
        cp "$SHARE/old" disk
        FAULT=$fault fails 1 '^mkbootmedia: disk: updating: reading back .*: they are not what was written; it boots as before' faulty disk
        [ "$(holds_one disk)" = old ]
    done
    cp "$SHARE/old" disk
    FAULT=lose:600 fails 1 '^mkbootmedia: disk: updating: reading back the partition table.*; it boots as before, or what is new' faulty disk
    [ "$(holds_one disk)" = old ]
}
