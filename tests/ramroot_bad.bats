#!/usr/bin/env bats
# The RAM root: trees that cannot be used, archives that mean harm, runs that are cut short, with nothing
# left behind.

bats_require_minimum_version 1.5.0
load lib
load ramroot
load ramroot_run

setup_file() { small_source; }
setup() { room; }

@test "as a user: files that may not be read are an error, not left out" {
    cp -r "$SHARE/small" in/tree
    chmod -R a+rX in/tree
    echo secret >in/tree/etc/secret
    chmod 000 in/tree/etc/secret
    chmod 777 out
    nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$SHARE/program" "$@"; }
    [ "$(id -u)" = 0 ] || nobody() { "$SHARE/program" "$@"; }
    fails 1 '^mkbootmedia: in/tree.*etc/secret.*Permission denied' nobody ramroot in/tree -o out/root.img
    rm -f in/tree/etc/secret
    mkdir -m 000 in/tree/var/locked
    fails 1 '^mkbootmedia: in/tree.*var/locked.*Permission denied' nobody ramroot in/tree -o out/root.img
    [ -z "$(ls -A out)" ]
}

@test "wrong usage: status 2, one line, nothing made" {
    local options
    while IFS= read -r options; do
        echo "$options"
        # shellcheck disable=SC2086 # words
        fails 2 '^mkbootmedia: ' mkbootmedia ramroot $options
        [ -z "$(ls -A out)" ]
    done <<END

$SMALL
-o out/root.img
$SMALL $SMALL -o out/root.img
$SMALL -o out/root.img --mode ram
$SMALL -o out/root.img --compress lzip
$SMALL -o out/root.img --threads 0
$SMALL -o out/root.img --threads -1
$SMALL -o out/root.img --threads x
$SMALL -o out/root.img --ram-limit lots
$SMALL -o out/root.img --ram-limit -5
$SMALL -o out/root.img --ram-limit 0
$SMALL -o out/root.img --nonsense
END
    fails 2 '^mkbootmedia: ' mkbootmedia usb -r "$SMALL" -i "$SMALL" -o out/usb.img
    fails 2 '^mkbootmedia: ' mkbootmedia usb -k "$(kernel)" --mode tmpfs -o out/usb.img
    [ -z "$(ls -A out)" ]
}

@test "a tree that is none: missing, empty, text, noise, a device, a FIFO, an archive of something else" {
    refused 1 'in/none: .*No such file' in/none
    mkdir in/empty.d
    refused 1 'in/empty.d: ' in/empty.d
    : >in/empty
    refused 1 'in/empty: ' in/empty
    seq 1000 >in/text
    refused 1 'in/text: ' in/text
    noise 20000 >in/noise
    refused 1 'in/noise: ' in/noise
    fails 1 '^mkbootmedia: /dev/fd/' bash -c '"$1" ramroot <(seq 9) -o out/new' - "$MKBOOTMEDIA"
    refused 1 '/dev/null: ' /dev/null
    tar -cf in/other.tar -C /etc passwd
    refused 1 'in/other.tar: ' in/other.tar
    zip -q in/some.zip in/text 2>/dev/null || bsdtar --format zip -cf in/some.zip in/text
    refused 1 'in/some.zip: ' in/some.zip
    head -c 1024 /dev/zero >in/zero.tar
    refused 1 'in/zero.tar: ' in/zero.tar
}

@test "no kernel, no modules for it, no init, an init of another machine" {
    local version
    version=$(kernel_version)
    cp -r "$SHARE/small" in/tree
    rm in/tree/boot/*
    refused 1 'in/tree: .*kernel' in/tree
    echo text >"in/tree/boot/vmlinuz-$version"
    refused 1 'in/tree: .*kernel' in/tree
    cp "$(kernel)" "in/tree/boot/vmlinuz-$version"
    rm in/tree/sbin/init
    refused 1 'in/tree: .*init' in/tree
    ln -s /nowhere in/tree/sbin/init
    refused 1 'in/tree: .*init' in/tree
    rm in/tree/sbin/init
    mkdir in/tree/sbin/init
    refused 1 'in/tree: .*init' in/tree
    rmdir in/tree/sbin/init
    # the ELF header of an arm64 program: e_machine is at 18
    ln -s ../bin/busybox in/tree/sbin/init
    printf '\xb7\0' | dd of=in/tree/bin/busybox bs=1 seek=18 conv=notrunc status=none
    refused 1 'in/tree: .*(arm64|aarch64|another|machine|architecture)' in/tree
}

@test "hostile paths: absolute, upwards, through a link, through a file" {
    with_members "$SMALL" in/a.tar member /etc/evil 0 '' x
    refused 1 'in/a.tar: .*/etc/evil' in/a.tar
    with_members "$SMALL" in/b.tar member ../evil 0 '' x
    refused 1 'in/b.tar: .*\.\./evil' in/b.tar
    with_members "$SMALL" in/c.tar member etc/../../evil 0 '' x
    refused 1 'in/c.tar: .*evil' in/c.tar
    with_members "$SMALL" in/d.tar member etc/.. 5
    refused 1 'in/d.tar: .*\.\.' in/d.tar
    with_members "$SMALL" in/e.tar eval 'member ./srv 2 /tmp; member ./srv/evil 0 "" x'
    refused 1 'in/e.tar: .*srv/evil' in/e.tar
    with_members "$SMALL" in/f.tar eval 'member ./srv 2 ../..; member ./srv/evil/deep 0 "" x'
    refused 1 'in/f.tar: .*srv/evil' in/f.tar
    with_members "$SMALL" in/g.tar member ./etc/passwd/evil 0 '' x
    refused 1 'in/g.tar: .*etc/passwd/evil' in/g.tar
    # a folder that no member names, whose name a link takes afterwards
    with_members "$SMALL" in/h.tar eval 'member ./srv/evil 0 "" x; member ./srv 2 /tmp'
    refused 1 'in/h.tar: .*srv' in/h.tar
    # what terminals would take as theirs, and the end of a line
    with_members "$SMALL" in/i.tar member $'../\e[31mred\nmkbootmedia: done\r' 0 '' x
    refused 1 'in/i.tar: ' in/i.tar
}

@test "hostile links: to what is outside, to what is not there, to themselves, to a folder" {
    with_members "$SMALL" in/a.tar member ./srv 1 /etc/passwd
    refused 1 'in/a.tar: .*srv' in/a.tar
    with_members "$SMALL" in/b.tar member ./srv 1 ../../etc/passwd
    refused 1 'in/b.tar: .*srv' in/b.tar
    with_members "$SMALL" in/c.tar member ./srv 1 ./later
    refused 1 'in/c.tar: .*srv' in/c.tar
    with_members "$SMALL" in/d.tar member ./srv 1 ./srv
    refused 1 'in/d.tar: .*srv' in/d.tar
    with_members "$SMALL" in/e.tar member ./srv 1 ./etc
    refused 1 'in/e.tar: .*srv' in/e.tar
    with_members "$SMALL" in/f.tar eval 'member ./lnk 2 /etc; member ./srv 1 ./lnk/passwd'
    refused 1 'in/f.tar: .*srv' in/f.tar
    # a symbolic link may point anywhere: it is the guest's
    with_members "$SMALL" in/g.tar eval 'member ./srv 2 ../../../etc; member ./x 2 /proc/self/root'
    ramroot in/g.tar -o out/root.img
}

@test "members twice" {
    with_members "$SMALL" in/a.tar eval 'member ./srv 0 "" one; member ./srv 0 "" two'
    refused 1 'in/a.tar: .*srv' in/a.tar
    with_members "$SMALL" in/b.tar eval 'member ./srv 0 "" one; member srv 2 two'
    refused 1 'in/b.tar: .*srv' in/b.tar
    with_members "$SMALL" in/c.tar eval 'member ./srv 5; member ./srv 0 "" two'
    refused 1 'in/c.tar: .*srv' in/c.tar
    with_members "$SMALL" in/d.tar member ./etc 0 '' 'no folder any more'
    refused 1 'in/d.tar: .*etc' in/d.tar
    # folders often are
    with_members "$SMALL" in/e.tar eval 'member ./etc/ 5; member etc 5'
    ramroot in/e.tar -o out/root.img
}

@test "archives that end too early, or are damaged" {
    local size at
    size=$(stat -c %s "$SMALL")
    for at in 100 512 700 5000 $((size / 2)) $((size - 3000)); do
        head -c "$at" "$SMALL" >in/cut.tar
        refused 1 'in/cut.tar: ' in/cut.tar
    done
    zstd -q "$SMALL" -o in/whole.zst
    gzip -c "$SMALL" >in/whole.gz
    xz -1 -c "$SMALL" >in/whole.xz
    for format in zst gz xz; do
        size=$(stat -c %s "in/whole.$format")
        for at in 10 $((size / 2)) $((size - 20)); do
            head -c "$at" "in/whole.$format" >in/cut
            refused 1 'in/cut: ' in/cut
        done
        cp "in/whole.$format" in/flip
        printf '\xff\xff\xff\xff' | dd of=in/flip bs=1 seek=$((size / 2)) conv=notrunc status=none
        refused 1 'in/flip: ' in/flip
    done
    # a header whose sum is wrong
    cp "$SMALL" in/sum.tar
    printf x | dd of=in/sum.tar bs=1 seek=$((512 + 3)) conv=notrunc status=none
    refused 1 'in/sum.tar: ' in/sum.tar
    # cut off in a pipe
    fails 1 '^mkbootmedia: standard input: ' \
        bash -c 'head -c 3000000 "$1" | "$2" ramroot - -o out/new' - "$SMALL" "$MKBOOTMEDIA"
    [ "$(ls -A out)" = root.img ]
}

# holes SIZE: the small tree and a file of that size without a byte of data, in/sparse.tar.
holes() {
    truncate -s "$1" in/holes
    tar -cSf in/holes.tar --owner=0 --group=0 in/holes
    rm in/holes
    { head -c -1024 "$SMALL" && cat in/holes.tar; } >in/sparse.tar
}

@test "sizes: lies, terabytes of holes, terabytes of zeros" {
    local size
    for size in 200000 9000000000 90000000000 9000000000000 90000000000000; do
        with_members "$SMALL" in/lie.tar env SIZE=$size bash -c "$(declare -f member); member ./srv 0 '' x"
        refused 1 'in/lie.tar: ' in/lie.tar
    done
    # Holes are no memory: /var/log/lastlog may have a terabyte of them.
    holes 1300G
    for mode in tmpfs overlay; do
        timeout 60 "$MKBOOTMEDIA" ramroot -q in/sparse.tar --mode $mode -o out/$mode.img
        [ "$(stat -c %s out/$mode.img)" -lt 20000000 ]
        listed out/$mode.img in/holes >in/list
        rm out/$mode.img
    done
    {
        { head -c -1024 "$SMALL" && SIZE=$((2000 << 30)) member ./srv 0; } | zstd -q -1
        zeros 100
    } >in/zeros.tar.zst
    refused 1 'in/zeros.tar.zst: .*2048 MiB' in/zeros.tar.zst --ram-limit 2G
    refused 1 'in/zeros.tar.zst: .*65536 MiB' in/zeros.tar.zst
    # so many that each alone would do
    {
        { head -c -1024 "$SMALL" && SIZE=$((1 << 30)) member ./srv 0; } | zstd -q -1
        zeros 1
        SIZE=$((1 << 30)) member ./more 0 | zstd -q -1
        zeros 1
    } >in/two.tar.zst
    refused 1 'in/two.tar.zst: .*1500 MiB' in/two.tar.zst --ram-limit 1500M
    # behind the end of the archive: nobody needs to read all that
    { zstd -q -1 -c "$SMALL" && zeros 500; } >in/behind.tar.zst
    timeout 60 "$MKBOOTMEDIA" ramroot -q in/behind.tar.zst -o out/root.img
    # nothing but zeros
    zeros 500 >in/only.tar.zst
    refused 1 'in/only.tar.zst: ' in/only.tar.zst
}

@test "--ram-limit: a tree that is larger is refused with both numbers" {
    fails 1 '^mkbootmedia: .*small.tar: .*MiB' mkbootmedia ramroot "$SMALL" --ram-limit 4M -o out/new
    [ ! -e out/new ]
    made --ram-limit 200M
}

@test "an output that cannot be written; an older one that is larger; a dry run" {
    fails 1 '^mkbootmedia: out/none/root.img: ' mkbootmedia ramroot "$SMALL" -o out/none/root.img
    mkdir out/folder
    fails 1 '^mkbootmedia: out/folder: ' mkbootmedia ramroot "$SMALL" -o out/folder
    fails 1 '^mkbootmedia: /dev/full: ' mkbootmedia ramroot "$SMALL" -o /dev/full
    head -c 60M /dev/zero >out/root.img
    made
    ramroot "$SMALL" -o out/again
    cmp out/root.img out/again
    [ "$(stat -c %a out/again)" = "$(printf %o $((0666 & ~$(umask))))" ]
    mkbootmedia ramroot "$SMALL" --dry-run -o out/dry >in/text
    [ ! -e out/dry ]
    [ "$(find out -name '.*' -type f)" = '' ]
}

# runs in a mount namespace
full='
program=$1 small=$2
mkdir in/full
mount -t tmpfs -o size=2m none in/full
for mode in tmpfs overlay; do
    for place in "/var/tmp in/full/root.img" "in/full out/root.img"; do
        echo older >in/full/root.img
        status=0
        TMPDIR=${place% *} "$program" ramroot "$small" --mode $mode -o "${place#* }" 2>in/err || status=$?
        cat in/err
        [ $status = 1 ] && [ "$(wc -l <in/err)" = 1 ]
        grep -q "^mkbootmedia: .*: No space left on device$" in/err
        [ "$(ls -A in/full)" = root.img ] && [ "$(cat in/full/root.img)" = older ]
        [ -z "$(ls -A out)" ]
    done
done
'

@test "no space: for the output, for what is temporary" {
    local user=()
    [ "$(id -u)" = 0 ] || user=(-r)
    cp "$SMALL" in/small.tar
    noise 8000000 >in/noise
    tar -rf in/small.tar --owner=0 --group=0 in/noise
    unshare -m "${user[@]}" bash -euc "$full" sh "$MKBOOTMEDIA" in/small.tar
}

@test "killed at any time: the older output or the new one, and the next run cleans up" {
    made
    mv out/root.img in/want
    for i in 1 2 3 4 5 6 7 8 9; do
        echo older >out/root.img
        "$MKBOOTMEDIA" ramroot -q "$SMALL" -o out/root.img &
        sleep "0.$i"
        kill -KILL $! 2>/dev/null || true
        wait $! || true
        [ "$(cat out/root.img | head -c 5)" = older ] || cmp out/root.img in/want
    done
    made
    [ "$(ls -A out)" = root.img ]
}
