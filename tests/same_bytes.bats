#!/usr/bin/env bats
# Same input, same bytes: whoever makes the medium, where, when, under what name. And what differs
# shows in the ids.

bats_require_minimum_version 1.5.0
load lib

setup_file() {
    export SHARE=$BATS_FILE_TMPDIR
    mkdir "$SHARE/in" "$SHARE/in/docs"
    kernel=$(kernel)
    cp "$kernel" "$SHARE/in/vmlinuz"
    initrd "$SHARE/in/initrd.img" 3000001
    initrd "$SHARE/in/second.img" 777 2
    for name in b a C ä 'long name with blanks.text'; do echo "$name" >"$SHARE/in/docs/$name"; done
    touch -d '2021-02-03 04:05:06.7Z' "$SHARE/in"/* "$SHARE/in/docs"/*
    cp "$MKBOOTMEDIA" "$SHARE/program"
    chmod -R a+rX "$BATS_RUN_TMPDIR"
    for command in usb iso; do
        make_in "$SHARE/in" $command "$SHARE/$command"
        SOURCE_DATE_EPOCH=1700000000 make_in "$SHARE/in" $command "$SHARE/$command.epoch"
    done
}

setup() {
    # shellcheck disable=SC2030
    export SHARE=$BATS_FILE_TMPDIR
    chmod a+rx "$BATS_TEST_TMPDIR"
    cd "$BATS_TEST_TMPDIR"
}

# make_in FOLDER COMMAND OUTPUT [OPTION]...: the medium, from the inputs in that folder
make_in() {
    "${RUN[@]}" "$SHARE/program" "$2" -k "$1/vmlinuz" -i "$1/initrd.img" -i "$1/second.img" \
        --add "$1/docs:/docs" --cmdline 'quiet a="b c"' --console tty0 --console ttyS0,115200 \
        -o "$3" "${@:4}"
}

# same [FOLDER]: with $RUN before the program, both media have the bytes they had
same() {
    local command
    for command in usb iso; do
        rm -f "image.$command"
        make_in "${1:-$SHARE/in}" $command "image.$command"
        cmp "$SHARE/$command${EPOCH:+.epoch}" "image.$command" || return 1
    done
}

# as_nobody [VARIABLE=VALUE]...: sets RUN; without root, only the environment differs
as_nobody() {
    RUN=(env -i "PATH=/usr/bin:/bin" HOME=/nonexistent "$@")
    [ "$(id -u)" != 0 ] || RUN=(setpriv --reuid=65534 --regid=65534 --clear-groups "${RUN[@]}")
}

@test "once more, a second later" {
    sleep 1.1
    same
}

@test "another folder, name, symbolic and relative path" {
    mkdir -p 'a b/c'
    ln -s 'a b/c' link
    cd link
    for command in usb iso; do
        make_in "$(realpath --relative-to="$PWD" "$SHARE/in")" $command './-x y$(z)".img'
        cmp "$SHARE/$command" './-x y$(z)".img'
    done
}

@test "time zones, locales, home, umask" {
    for zone in America/New_York Asia/Kathmandu :/etc/localtime XYZ-13:45 ''; do
        RUN=(env "TZ=$zone")
        same
    done
    for locale in C C.UTF-8 de_DE.UTF-8 tr_TR.UTF-8 nonsense; do
        RUN=(env "LC_ALL=$locale" "LANG=$locale" "LANGUAGE=de:tr")
        same
    done
    RUN=(env HOME=/nonexistent TMPDIR=/nonexistent PATH=/usr/bin:/bin:/usr/sbin)
    same
    RUN=(env -u HOME -u PATH -u TERM)
    same
    RUN=(bash -c 'umask 077 && exec "$@"' sh)
    same
    RUN=(bash -c 'umask 000 && exec "$@"' sh)
    same
}

@test "configurations of tools in the environment" {
    printf 'drive c: file="/nonexistent"\n' >mtoolsrc
    RUN=(env "MTOOLSRC=$PWD/mtoolsrc" MTOOLS_DATE_STRING=yyyy POSIXLY_CORRECT=1 GZIP=-1
        LIBFDISK_DEBUG= BASH_ENV=/nonexistent)
    same
}

@test "as nobody, as root, on one processor, on another host" {
    chmod a+rwx .
    as_nobody TZ=Pacific/Auckland LC_ALL=de_DE.UTF-8
    same
    RUN=(taskset -c 0)
    same
    # shellcheck disable=SC2016
    RUN=(unshare --uts --map-root-user sh -c 'hostname elsewhere; exec "$@"' sh)
    same
}

@test "the inputs copied elsewhere, in another order, with other permissions" {
    mkdir copy copy/docs
    # backwards, so that a folder that is read unsorted shows
    for name in 'long name with blanks.text' ä C a b; do cp -p "$SHARE/in/docs/$name" copy/docs; done
    cp -p "$SHARE/in/second.img" "$SHARE/in/initrd.img" "$SHARE/in/vmlinuz" copy
    chmod 700 copy/docs
    chmod 600 copy/vmlinuz copy/docs/a
    chmod 755 copy/initrd.img
    same copy
    cp --sparse=always -p copy/initrd.img copy/sparse
    mv copy/sparse copy/initrd.img
    same copy
}

@test "SOURCE_DATE_EPOCH: the inputs' times do not matter" {
    cp -r "$SHARE/in" copy
    export SOURCE_DATE_EPOCH=1700000000 EPOCH=1
    same copy
    touch -d 2030-01-01 copy/vmlinuz
    same copy
    [ "$(make_plan copy | jq .time)" = 1700000000 ]
}

# make_plan FOLDER [OPTION]...: the plan of an ISO as JSON
make_plan() {
    "$MKBOOTMEDIA" plan --json -k "$1/vmlinuz" -i "$1/initrd.img" -i "$1/second.img" \
        --add "$1/docs:/docs" "${@:2}" iso
}

@test "without SOURCE_DATE_EPOCH the newest input gives the time" {
    cp -rp "$SHARE/in" copy
    unset SOURCE_DATE_EPOCH
    [ "$(make_plan copy | jq .time)" = 1612325106 ]
    SOURCE_DATE_EPOCH='' make_plan copy | jq -e '.time == 1612325106'
    local time=1700000000 file
    for file in docs/a vmlinuz initrd.img second.img; do
        touch -d "@$time" "copy/$file"
        make_plan copy | jq -e ".time == $time"
        time=$((time + 1))
    done
    # the folder itself is not an input
    touch -d @1800000000 copy/docs
    make_plan copy | jq -e ".time == $((time - 1))"
    make_in copy iso image.iso
    mkdir tree
    bsdtar -xpf image.iso -C tree
    [ "$(stat -c %Y tree/docs/a)" = $((time - 1)) ]
}

# ids IMAGE: what tells one medium from another
ids() {
    sfdisk --json "$1" | jq -r '.partitiontable | .id, .partitions[].uuid'
    od -An -tx4 -j 440 -N 4 "$1"
    local start
    read -r start _ < <(partition "$1" "$ESP")
    blkid -p -O "$start" -s UUID -o value "$1"
    blkid -p -s UUID -o value "$1" || true
    mdir -b -i "$1@@$start" ::/.disk 2>/dev/null | grep mkbootmedia || true
}

# differs NAME [OPTION]...: media of copy/ have no id in common with each other nor with those before
differs() {
    local name=$1 command
    shift
    for command in usb iso; do
        make_in copy $command image "$@"
        ids image >"ids.$command.$name"
        [ "$(wc -l <"ids.$command.$name")" -ge 5 ]
    done
    same_ids=$(sort ids.* | uniq -d | grep -v "^$ISO_UUID" || true)
    [ -z "$same_ids" ] || { echo "$name: $same_ids"; return 1; }
}

@test "a different payload has different ids, each of them" {
    export SOURCE_DATE_EPOCH=1700000000
    ISO_UUID=2023-11-14- # an ISO's is its time stamp
    cp -r "$SHARE/in" copy
    differs first
    printf x | dd of=copy/second.img bs=1 seek=500 conv=notrunc status=none
    differs second-initrd
    printf x >>copy/vmlinuz
    differs kernel
    printf xxxx | dd of=copy/initrd.img bs=1 seek=2999000 conv=notrunc status=none
    differs tail-of-initrd
    echo x >>copy/docs/a
    differs added
    mv copy/docs/a copy/docs/d
    differs name
    differs title --title T
    differs label --label L
    differs timeout --timeout 6
    differs cmdline --cmdline quiet
    differs console --console ttyS1
    differs firmware --firmware uefi
    cp "$TOP/templates/theme.txt" copy/theme.txt
    echo '# mine' >>copy/theme.txt
    differs template --templates copy
    SOURCE_DATE_EPOCH=1700000001 differs time
}
