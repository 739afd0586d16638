#!/usr/bin/env bats
# Same spec, same inputs: the same tree, byte for byte and mode for mode, whoever makes it, where and
# when. Where the tree will be is part of it, so --server-path (here: in the spec) says that.

bats_require_minimum_version 1.5.0
load lib
load tree

setup_file() {
    export SHARE=$BATS_FILE_TMPDIR
    lab "$SHARE/lab"
    kernel=$(kernel)
    cp "$kernel" "$SHARE/lab/vmlinuz"
    cp "$kernel" "$SHARE/lab/vmlinuz-old"
    sed -i '/^firmware/d' "$SHARE/lab/lab.conf"
    mkdir "$SHARE/lab/docs"
    for name in b a C ä 'long name with blanks'; do echo "$name" >"$SHARE/lab/docs/$name"; done
    sed -i 's|^add.*|add = "docs"|' "$SHARE/lab/lab.conf"
    touch -d '2021-02-03 04:05:06.7Z' "$SHARE"/lab/* "$SHARE"/lab/docs/*
    cp "$MKBOOTMEDIA" "$SHARE/program"
    chmod -R a+rX "$BATS_RUN_TMPDIR"
    "$MKBOOTMEDIA" net -q -f "$SHARE/lab/lab.conf" -o "$SHARE/net"
}

setup() {
    chmod a+rwx "$BATS_TEST_TMPDIR"
    cd "$BATS_TEST_TMPDIR"
    SPEC=$SHARE/lab/lab.conf
    served "$SHARE/net" >wanted
}

# same OPTION...: with $RUN before the program, a new tree and one into an empty folder are the same
same() {
    rm -rf new empty
    "${RUN[@]}" "$SHARE/program" net -q -f "$SPEC" -o new "$@"
    diff wanted <(served new)
    "${RUN[@]}" mkdir -m 755 empty
    "${RUN[@]}" "$SHARE/program" net -q -f "$SPEC" -o empty "$@"
    diff wanted <(served empty)
    [ "$(stat -c %a new)" = 755 ]
}

@test "once more, a second later, in other folders, under other names" {
    sleep 1.1
    same
    mkdir -p 'a b/c'
    cp -rp "$SHARE/lab" 'a b/c/d'
    SPEC='a b/c/d/lab.conf'
    same
    ln -s 'a b/c/d' link
    SPEC=./link/./lab.conf
    same
    mv 'a b/c/d/lab.conf' 'a b/c/d/other name.txt'
    SPEC='a b/c/d/other name.txt'
    same
    net -f "$SPEC" -o "$(printf 'x%.0s' {1..200})"
    diff wanted <(served xxx*)
}

@test "umask, time zone, locale, environment" {
    for mask in 000 077 027; do
        # shellcheck disable=SC2016
        RUN=(bash -c 'umask $0 && exec "$@"' "$mask")
        same
        whole new
    done
    for zone in Asia/Kathmandu XYZ-13:45; do
        RUN=(env "TZ=$zone")
        same
    done
    for locale in C tr_TR.UTF-8 nonsense; do
        RUN=(env "LC_ALL=$locale" "LANG=$locale" "LANGUAGE=de:tr")
        same
    done
    RUN=(env -i PATH=/usr/bin:/bin)
    same
    RUN=(env TMPDIR=/nonexistent HOME=/nonexistent LABEL=x label=x POSIXLY_CORRECT=1)
    same
}

@test "as nobody, on one processor, on another host" {
    [ "$(id -u)" != 0 ] || RUN=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    same
    RUN=(taskset -c 0)
    same
    # shellcheck disable=SC2016
    RUN=(unshare --uts --map-root-user sh -c 'hostname elsewhere; exec "$@"' sh)
    same
    RUN=()
    same --no-sync
}

@test "the inputs with other permissions and owners, in another order; hosts in another order" {
    mkdir -p copy/docs
    for name in 'long name with blanks' ä C a b; do cp -p "$SHARE/lab/docs/$name" copy/docs; done
    for name in notes.txt node2.key node1.key lab.conf inventory.csv initrd.img microcode.img vmlinuz-old vmlinuz; do
        cp -p "$SHARE/lab/$name" copy
    done
    chmod 700 copy copy/docs
    chmod 600 copy/vmlinuz copy/docs/a copy/node1.key
    chmod 755 copy/initrd.img copy/lab.conf
    SPEC=copy/lab.conf
    same
    # sections of hosts the other way round, and all of them from an inventory: nothing that is served
    # knows
    awk '/^host "02:00:00:00:00:01/ { first = 1 } /^host "02:00:00:00:00:02/ { first = 0; second = 1 }
        first { one = one $0 "\n"; next } second { two = two $0 "\n"; next } { print }
        END { printf "%s%s", two, one }' "$SHARE/lab/lab.conf" >copy/lab.conf
    touch -r "$SHARE/lab/lab.conf" copy/lab.conf
    none cmp -s copy/lab.conf "$SHARE/lab/lab.conf"
    same
}

@test "SOURCE_DATE_EPOCH: the inputs' times do not matter" {
    export SOURCE_DATE_EPOCH=1700000000
    mkbootmedia net -q -f "$SPEC" -o epoch
    served epoch >wanted
    cp -r "$SHARE/lab" copy # now
    SPEC=copy/lab.conf
    same
    touch -d 2030-01-01 copy/vmlinuz copy/node1.key copy/lab.conf
    same
}

@test "a tree that has a history is no other one" {
    net -f "$SPEC" -o net --timeout 1 --console ttyS3 --keep 1
    net -f "$SPEC" -o net -k "$SHARE/lab/initrd.img" --keep 1 2>/dev/null || true
    net -f "$SPEC" -o net --firmware bios --keep 1 -i "$SHARE/lab/vmlinuz"
    net -f "$SPEC" -o net --keep 1
    diff wanted <(served net)
    # and after the way there and back
    net -f "$SPEC" -o net --timeout 1 --keep 2
    net -o net --rollback
    diff wanted <(served net)
}

@test "the stick and the ISO of a spec: the same from another folder, with another umask" {
    mkdir -p elsewhere/deep
    cp -rp "$SHARE/lab" elsewhere/deep
    for command in usb iso; do
        mkbootmedia $command -q -f "$SPEC" -o one
        (umask 077 && cd elsewhere && "$MKBOOTMEDIA" $command -q -f deep/lab/lab.conf -o ../two)
        cmp one two
    done
    # other texts are other bytes
    sed -i 's/The old one/The new one/' elsewhere/deep/lab/lab.conf
    touch -r "$SPEC" elsewhere/deep/lab/lab.conf
    mkbootmedia iso -q -f elsewhere/deep/lab/lab.conf -o two
    none cmp -s one two
}
