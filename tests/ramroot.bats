#!/usr/bin/env bats
# The RAM root without booting it: what is in the image that was made of a tree, as other programs
# read it; the same bytes always; every adjustment and what happens without it; trees that cannot be
# used and archives that mean harm, with nothing left behind.

bats_require_minimum_version 1.5.0
load lib
load ramroot

setup_file() {
    export LC_ALL=C.UTF-8 SHARE=$BATS_FILE_TMPDIR
    export SOURCE_DATE_EPOCH=1700000000
    small_tree "$SHARE/small"
    find "$SHARE/small" -exec touch -hd @1690000000 {} +
    tar --owner=0 --group=0 -b 1 -C "$SHARE/small" -cf "$SHARE/small.tar" .
    # Debian's odd files in the small tree, as only root can have them
    mkdir "$SHARE/odd"
    tar -xpf "$SHARE/small.tar" -C "$SHARE/odd"
    tar --xattrs --xattrs-include='*' --acls --numeric-owner -xpf "$("$TOP/tools/rootfs")" \
        -C "$SHARE/odd" ./srv/odd ./usr/bin/ping ./dev
    [ "$(id -u)" != 0 ] || setfattr -n security.selinux -v system_u:object_r:passwd_file_t:s0 \
        "$SHARE/odd/etc/passwd"
    tar --xattrs --xattrs-include='*' --acls --numeric-owner --format=pax --sparse --sort=name \
        -C "$SHARE/odd" -cf "$SHARE/odd.tar" .
    # for runs as another user
    cp "$MKBOOTMEDIA" "$SHARE/program"
    chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$SHARE/program"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    mkdir in out
    chmod a+rx . in
    SMALL=$SHARE/small.tar
    AS_IT_IS=(--fstab keep --getty keep --boot keep)
}

ramroot() { mkbootmedia ramroot -q "$@"; }

# refused STATUS REGEX ROOTFS [OPTION]...: with an older output in the way, in both modes, within a
# minute. A diagnostic is one line without control characters, whatever is in the archive.
refused() {
    local status=$1 regex=$2 rootfs=$3 mode
    shift 3
    echo 'an older output' >out/root.img
    for mode in tmpfs overlay; do
        fails "$status" "^mkbootmedia: $regex" timeout 60 "$MKBOOTMEDIA" ramroot "$rootfs" --mode $mode \
            "$@" -o out/root.img || return 1
        none grep -q $'[\e\r\b]' "$BATS_TEST_TMPDIR/.err" || return 1
        [ "$(ls -A out)" = root.img ] && [ "$(cat out/root.img)" = 'an older output' ] || return 1
    done
}

# made [OPTION]...: a RAM root of the small tree in out/root.img, with these options.
made() { ramroot "$SMALL" -o out/root.img "$@"; }

# with PATH TEXT: the small tree with this file, as a tar; PATH ends in '/' for a folder.
with() {
    tar -cf in/with.tar --owner=0 --group=0 -b 1 -C "$SHARE/small" --exclude="./$1" .
    mkdir -p "in/new/$(dirname "$1")"
    printf '%s' "$2" >"in/new/$1"
    tar -rf in/with.tar --owner=0 --group=0 -b 1 -C in/new "./$1"
    SMALL=in/with.tar
}

@test "the same bytes from one, two and four threads, from a file, from stdin, twice" {
    local mode format
    while read -r mode format; do
        ramroot "$SMALL" --boot keep --mode "$mode" --compress "$format" --threads 1 -o out/a
        ramroot - --boot keep --mode "$mode" --compress "$format" --threads 4 -o out/b <"$SMALL"
        cmp out/a out/b
        [ "$format" = zstd ] || continue
        ramroot <(cat "$SMALL") --boot keep --mode "$mode" --threads 2 -o out/b
        cmp out/a out/b
    done <<'END'
tmpfs zstd
tmpfs xz
tmpfs gzip
tmpfs none
overlay zstd
overlay gzip
END
    zstd -q "$SMALL" -o in/small.tar.zst
    ramroot - --mode tmpfs --compress zstd -o out/a < <(cat in/small.tar.zst)
    ramroot "$SMALL" --mode tmpfs --compress zstd -o out/b
    cmp out/a out/b
}

@test "the same bytes at another time, in another zone, with another umask, by another user" {
    ramroot "$SMALL" -o out/a
    chmod a+r "$SMALL"
    chmod 777 out
    (
        umask 077
        TZ=Asia/Kolkata LANG=C ramroot "$SMALL" -o out/b
    )
    cmp out/a out/b
    [ "$(id -u)" = 0 ] || return 0
    setpriv --reuid=65534 --regid=65534 --clear-groups "$SHARE/program" ramroot -q "$SMALL" -o out/c
    cmp out/a out/c
}

@test "a folder gives the same tree as its tar" {
    [ "$(id -u)" = 0 ]
    chown -R 0:0 "$SHARE/small"
    for mode in tmpfs overlay; do
        ramroot "$SMALL" --mode $mode -o out/a
        ramroot "$SHARE/small" --mode $mode -o out/b
        unpacked out/a in/a
        unpacked out/b in/b
        diff <(tree_digest in/a) <(tree_digest in/b)
    done
}

@test "tmpfs: names, owners, modes, devices, hard links, holes, attributes: as they were" {
    [ "$(id -u)" = 0 ]
    tree_digest "$SHARE/odd" >in/want
    for source in odd.tar odd; do
        ramroot "$SHARE/$source" --mode tmpfs "${AS_IT_IS[@]}" -o out/root.img
        unpacked out/root.img in/tree
        diff in/want <(tree_digest in/tree)
        loaded out/root.img in/tree
        diff in/want <(tree_digest in/tree)
        [ "$(du -k in/tree/srv/odd/sparse | cut -f 1)" -lt 1000 ] # the holes were kept as such
    done
}

@test "overlay: the same; ACLs are what a squashfs has no place for" {
    [ "$(id -u)" = 0 ]
    tree_digest "$SHARE/odd" srv/odd/acl srv/odd/acl.d >in/want
    for source in odd.tar odd; do
        ramroot "$SHARE/$source" --mode overlay "${AS_IT_IS[@]}" -o out/root.img
        unpacked out/root.img in/tree
        diff in/want <(tree_digest in/tree srv/odd/acl srv/odd/acl.d)
        # no more than the ACL says to others than the owner, until the first stage has set it
        [ "$(stat -c '%a %u:%g' in/tree/srv/odd/acl)" = '644 0:0' ]
    done
}

# acl_of FOLDER: the ACLs of srv/acl and srv/acl.d in a folder, as Linux has them.
acl_of() {
    getfattr -h -e hex -m '^system\.posix_acl' -d "$1/srv/acl" "$1/srv/acl.d" "$1/srv/link" 2>/dev/null |
        sed "s,$1,,"
}

# socket_at PATH
socket_at() { perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1) or die' "$1"; }

@test "sockets: owners, modes, attributes, ACLs" {
    [ "$(id -u)" = 0 ]
    cp -a "$SHARE/small" in/tree
    mkdir -p in/tree/srv
    socket_at in/tree/srv/socket
    chown 7:8 in/tree/srv/socket
    chmod 640 in/tree/srv/socket
    setfattr -h -n security.selinux -v system_u:object_r:var_run_t:s0 in/tree/srv/socket
    setfacl -m u:12345:rw in/tree/srv/socket
    for mode in tmpfs overlay; do
        ramroot in/tree --mode $mode "${AS_IT_IS[@]}" -o out/root.img
        if [ $mode = tmpfs ]; then loaded out/root.img in/got; else unpacked out/root.img in/got; fi
        with_extra out/root.img in/got
        diff <(tree_digest in/tree | grep srv/socket) <(tree_digest in/got | grep srv/socket)
        [ -S in/got/srv/socket ]
    done
}

@test "sockets that overlays replace, and that replace what was there" {
    cp -a "$SHARE/small" in/tree
    mkdir -p in/tree/srv in/over/srv
    socket_at in/tree/srv/replaced
    socket_at in/tree/srv/both
    echo file >in/tree/srv/file
    echo new >in/over/srv/replaced
    socket_at in/over/srv/both
    chmod 600 in/over/srv/both
    socket_at in/over/srv/file
    for mode in tmpfs overlay; do
        ramroot in/tree --mode $mode --overlay in/over "${AS_IT_IS[@]}" -o out/root.img
        if [ $mode = tmpfs ]; then loaded out/root.img in/got; else unpacked out/root.img in/got; fi
        with_extra out/root.img in/got
        [ "$(cat in/got/srv/replaced)" = new ]
        [ -S in/got/srv/both ] && [ "$(stat -c %a in/got/srv/both)" = 600 ]
        [ -S in/got/srv/file ]
        rm -rf in/got
    done
}

@test "what an archive has twice: links made before keep what they were links to" {
    [ "$(id -u)" = 0 ]
    mkdir -p in/one/boot in/one/opt in/two/opt
    echo old >in/one/boot/x
    ln in/one/boot/x in/one/opt/p
    ln in/one/boot/x in/one/opt/q
    echo new >in/two/opt/p
    tar -cf in/over.tar -C in/one boot/x opt/p
    tar -rf in/over.tar -C in/two opt/p
    member opt/q 1 boot/x >in/more.tar
    perl -e '
        local $/; open my $f, "<:raw", "in/over.tar"; my $t = <$f>;
        $t =~ s/\0{1024,}\z//; $t .= "\0" x (-length($t) % 512);
        open my $m, "<:raw", "in/more.tar"; print $t . <$m> . "\0" x 1024;
    ' >in/twice.tar
    for mode in tmpfs overlay; do
        made --mode $mode --overlay in/twice.tar
        [ "$(in_image out/root.img opt/p)" = new ]
        [ "$(in_image out/root.img opt/q)" = old ]
    done
}

@test "keyboards: modules that are hard links out of their folder stop nothing" {
    cp -a "$SHARE/small" in/tree
    modules_to "$PWD/in/tree" usbhid
    version=$(kernel_version)
    hid=lib/modules/$version/kernel/drivers/hid/hid.ko
    ramroot in/tree -o out/root.img
    stage_file out/root.img "$hid" | cmp - "in/tree/$hid"
    mkdir in/tree/objects
    mv "in/tree/$hid" in/tree/objects/a
    ln in/tree/objects/a "in/tree/$hid"
    tar -cf in/tree.tar -C in/tree objects bin boot dev etc lib mnt proc root run sbin sys tmp usr var
    ramroot in/tree.tar -o out/root.img
    none stage_file out/root.img "$hid"
    unpacked out/root.img in/got
    cmp "in/got/$hid" in/tree/objects/a
}

# ordered TAR OPTION...: in/tree as in/TAR, srv before etc: what names mean is not known yet.
ordered() {
    local tar=$1
    shift
    (cd in/tree && find srv . -path ./srv -prune -o -print | tar "$@" --no-recursion -T - -b 1 -cf "../$tar")
}

@test "ACLs: as attributes, as texts with numbers, as texts with names" {
    [ "$(id -u)" = 0 ]
    local form mode
    cp -a "$SHARE/small" in/tree
    mkdir -p in/tree/srv/acl.d
    echo acl >in/tree/srv/acl
    chmod 644 in/tree/srv/acl
    ln in/tree/srv/acl in/tree/srv/link
    # of this machine's numbers; the tree has others for the same names
    setfacl -m u:daemon:rwx,g:mail:r--,m::rw- in/tree/srv/acl
    setfacl -m d:u:daemon:rwx,d:g:mail:r-x in/tree/srv/acl.d
    acl_of in/tree >in/numbers
    cp -a in/tree in/other
    setfacl -b in/other/srv/acl
    setfacl -m u:12345:rwx,g:54321:r--,m::rw- in/other/srv/acl
    setfacl -b in/other/srv/acl.d
    setfacl -m d:u:12345:rwx,d:g:54321:r-x in/other/srv/acl.d
    acl_of in/other >in/names
    none diff -q in/numbers in/names
    # tar writes default ACLs with names in any case
    echo 'daemon:x:1:1::/:/bin/false' >>in/tree/etc/passwd
    echo 'mail:x:8:' >>in/tree/etc/group
    ordered attributes.tar --xattrs --xattrs-include='*' --numeric-owner
    ordered numbers.tar --acls --numeric-owner
    sed -i s/daemon:x:1:/daemon:x:12345:/ in/tree/etc/passwd
    sed -i s/mail:x:8:/mail:x:54321:/ in/tree/etc/group
    ordered names.tar --acls
    grep -a -q 'user:daemon:rwx' in/names.tar
    for form in attributes numbers names; do
        for mode in tmpfs overlay; do
            ramroot in/$form.tar --mode $mode -o out/root.img
            if [ $mode = tmpfs ]; then loaded out/root.img in/got; else unpacked out/root.img in/got; fi
            with_extra out/root.img in/got
            if [ $form = names ]; then diff in/names <(acl_of in/got); else diff in/numbers <(acl_of in/got); fi
        done
    done
    # of what is put aside first
    setfacl -m u:daemon:r "in/tree/lib/modules/$(kernel_version)/modules.order"
    ordered names.tar --acls
    for mode in tmpfs overlay; do
        ramroot in/names.tar --mode $mode -o out/root.img
        if [ $mode = tmpfs ]; then loaded out/root.img in/got; else unpacked out/root.img in/got; fi
        with_extra out/root.img in/got
        getfacl -n "in/got/lib/modules/$(kernel_version)/modules.order" 2>/dev/null | grep -q user:12345:r--
    done
    setfacl -b "in/tree/lib/modules/$(kernel_version)/modules.order"
    # nobody has that name
    sed -i /daemon/d in/tree/etc/passwd
    ordered names.tar --acls
    refused 1 'in/names.tar: .*srv/acl.*daemon' in/names.tar
    # what takes its place has no ACL
    mkdir -p in/over/srv
    echo over >in/over/srv/acl
    echo dir >in/over/file
    sed -i /mail/d in/tree/etc/group
    rm -r in/tree/srv/acl.d in/tree/srv/link
    ordered names.tar --acls
    refused 1 'in/names.tar: .*srv/acl' in/names.tar
    ramroot in/names.tar --overlay in/over -o out/root.img
}

@test "compressors: what the image says it is; none is none" {
    local format magic at
    while read -r format at magic; do
        made --mode tmpfs --compress "$format"
        [ "$(root_image out/root.img | tail -c "+$((at + 1))" | head -c $((${#magic} / 2)) | od -An -tx1 | tr -d ' ')" = "$magic" ]
        root_image out/root.img >in/image
        plain in/image | bsdtar -tf - >in/list
        grep -q bin/busybox in/list
        made --mode overlay --compress "$format"
        root_image out/root.img >in/image
        [ "$(unsquashfs -s in/image | sed -n 's/^Compression //p')" = "$format" ] || [ "$format" = none ]
        unsquashfs -lln in/image | grep -q bin/busybox
    done <<'END'
zstd 0 28b52ffd
xz 0 fd377a58
gzip 0 1f8b
none 257 7573746172
END
}

@test "the kernel: from /boot, from the modules' folder, from outside, the one that was asked for" {
    local version
    version=$(kernel_version)
    made --kernel-out out/vmlinuz
    cmp out/vmlinuz "$SHARE/small/boot/vmlinuz-$version"
    # as Fedora and Red Hat have it
    cp -r "$SHARE/small" in/el
    mv "in/el/boot/vmlinuz-$version" "in/el/lib/modules/$version/vmlinuz"
    rmdir in/el/boot
    ramroot in/el --kernel-out out/vmlinuz -o out/el
    cmp out/vmlinuz "$SHARE/small/boot/vmlinuz-$version"
    # a link to it
    cp -r "$SHARE/small" in/link
    ln -s "vmlinuz-$version" in/link/boot/vmlinuz
    ln -s "boot/vmlinuz-$version" in/link/vmlinuz
    ramroot in/link --kernel-out out/vmlinuz -o out/link
    cmp out/vmlinuz "$SHARE/small/boot/vmlinuz-$version"
    # from outside: the tree needs none
    cp -r "$SHARE/small" in/none
    rm -r in/none/boot
    fails 1 '^mkbootmedia: in/none: .*kernel' mkbootmedia ramroot in/none -o out/none
    ramroot in/none -k "$(kernel)" -o out/none
    # which of two
    cp -r "$SHARE/small" in/two
    cp -r "in/two/lib/modules/$version" in/two/lib/modules/9.9.9-lab
    cp "$(kernel)" in/two/boot/vmlinuz-9.9.9-lab
    ramroot in/two --kernel-version "$version" --kernel-out out/vmlinuz -o out/two
    fails 1 '^mkbootmedia: .*5\.5\.5' mkbootmedia ramroot in/two --kernel-version 5.5.5 -o out/five
    [ ! -e out/five ]
}

@test "hard links between what is put aside and what is not" {
    local version modules mode
    version=$(kernel_version) modules=lib/modules/$(kernel_version)
    cp -r "$SHARE/small" in/tree
    rm "in/tree/boot/vmlinuz-$version"
    cp "$SHARE/small/boot/vmlinuz-$version" "in/tree/$modules/vmlinuz"
    mkdir -p in/tree/usr/lib/ostree-boot in/tree/aaa in/tree/lib/modules/5.0 in/tree/boot/more
    # before, behind, and of another kernel
    echo before >in/tree/aaa/file
    ln in/tree/aaa/file in/tree/boot/more/file
    ln in/tree/aaa/file "in/tree/$modules/file"
    ln "in/tree/$modules/vmlinuz" "in/tree/boot/vmlinuz-$version"
    ln "in/tree/$modules/vmlinuz" in/tree/usr/lib/ostree-boot/vmlinuz
    echo old >in/tree/lib/modules/5.0/shared
    ln in/tree/lib/modules/5.0/shared "in/tree/$modules/shared"
    ln in/tree/lib/modules/5.0/shared "in/tree/$modules/shared2"
    setfattr -n user.lab -v value in/tree/lib/modules/5.0/shared
    tar --xattrs --xattrs-include='user.*' --sort=name --owner=0 --group=0 -b 1 -C in/tree -cf in/tree.tar .
    bsdtar -tvf in/tree.tar | grep -q 'boot/vmlinuz.*link to\|vmlinuz link to'
    # an overlay that takes the place of one name; a link from outside through what is aside
    mkdir -p "in/over/$modules"
    echo new >"in/over/$modules/shared"
    with_members in/tree.tar in/through.tar eval "member ./boot/through 1 ./aaa/file
        member ./usr/through 1 ./boot/through; member ./usr/vmlinuz 1 ./$modules/vmlinuz"
    for mode in tmpfs overlay; do
        ramroot in/through.tar --mode $mode --overlay in/over -o out/root.img
        if [ $mode = tmpfs ]; then loaded out/root.img in/got; else unpacked out/root.img in/got; fi
        [ "$(cat "in/got/$modules/shared" "in/got/$modules/shared2")" = $'new\nold' ]
        [ "$(cat in/got/usr/through)" = before ]
        [ in/got/usr/through -ef in/got/aaa/file ]
        [ in/got/usr/vmlinuz -ef in/got/usr/lib/ostree-boot/vmlinuz ]
    done
    # a link before what it is a link to, by name, and a link to that link
    with_members in/tree.tar in/more.tar eval "member ./$modules/z 0 '' z
        member ./$modules/y 1 ./$modules/z; member ./$modules/x 1 ./$modules/y"
    for mode in tmpfs overlay; do
        ramroot in/more.tar --mode $mode -o out/root.img
        if [ $mode = tmpfs ]; then loaded out/root.img in/got; else unpacked out/root.img in/got; fi
        [ "$(cat "in/got/$modules"/[xyz])" = zzz ]
        [ "$(stat -c %h "in/got/$modules/x")" = 3 ]
    done
    for mode in tmpfs overlay; do
        for source in tree tree.tar; do
            ramroot "in/$source" --mode $mode --kernel-out out/vmlinuz -o out/root.img
            cmp out/vmlinuz "$SHARE/small/boot/vmlinuz-$version"
            if [ $mode = tmpfs ]; then loaded out/root.img in/got; else unpacked out/root.img in/got; fi
            [ "$(cat in/got/aaa/file "in/got/$modules/file")" = $'before\nbefore' ]
            cmp in/got/usr/lib/ostree-boot/vmlinuz out/vmlinuz
            [ "$(cat "in/got/$modules/shared" "in/got/$modules/shared2")" = $'old\nold' ]
            [ ! -e in/got/lib/modules/5.0 ] && [ ! -e in/got/boot/more ]
            [ "$mode" = tmpfs ] || getfattr -n user.lab "in/got/$modules/shared2" >in/value
        done
    done
}

@test "a merged tree: lib is a link to usr/lib" {
    cp -r "$SHARE/small" in/merged
    mv in/merged/lib/modules in/merged/usr/lib/
    mv in/merged/bin/* in/merged/usr/bin/
    mkdir in/merged/usr/sbin
    rm -r in/merged/{lib,bin,sbin}
    for name in lib bin sbin; do ln -s "usr/$name" "in/merged/$name"; done
    ln -s ../bin/busybox in/merged/usr/sbin/init
    for mode in tmpfs overlay; do
        ramroot in/merged --mode $mode -o out/root.img
        unpacked out/root.img in/tree
        [ "$(readlink in/tree/lib)" = usr/lib ]
        [ -e "in/tree/usr/lib/modules/$(kernel_version)/kernel/fs/squashfs/squashfs.ko" ]
    done
}

@test "modules that are compressed, as distributions have them" {
    for compress in 'xz -q --check=crc32' 'zstd -q --rm' 'gzip'; do
        rm -rf in/tree
        cp -r "$SHARE/small" in/tree
        # shellcheck disable=SC2086 # words
        find in/tree/lib/modules -name '*.ko' -print0 | xargs -0 $compress
        ramroot in/tree --mode overlay -o out/root.img
    done
}

# configured LINE...: the small tree and a configuration of its kernel, as in/tree.
configured() {
    rm -rf in/tree
    cp -r "$SHARE/small" in/tree
    printf 'CONFIG_%s\n' "$@" >"in/tree/boot/config-$(kernel_version)"
}

@test "the default of mode overlay: the best that the kernel reads, as its configuration says" {
    local format
    while read -r format options; do
        # shellcheck disable=SC2086 # words
        configured $options
        ramroot in/tree --mode overlay -o out/root.img
        root_image out/root.img >in/image
        [ "$(unsquashfs -s in/image | sed -n 's/^Compression //p')" = "$format" ]
    done <<'END'
zstd RD_ZSTD=y SQUASHFS_ZLIB=y SQUASHFS_XZ=y SQUASHFS_ZSTD=y
gzip RD_GZIP=y SQUASHFS_ZLIB=y SQUASHFS_XZ=y
xz RD_GZIP=y SQUASHFS_XZ=y
END
    fails 1 '^mkbootmedia: in/tree: packing: .*CONFIG_SQUASHFS_ZSTD.*--compress' \
        mkbootmedia ramroot in/tree --mode overlay --compress zstd -o out/new
    tar -cf in/tree.tar -C in/tree .
    fails 1 '^mkbootmedia: standard input: packing: .*--compress' \
        bash -c '"$1" ramroot - --mode overlay -o out/new <in/tree.tar' - "$MKBOOTMEDIA"
    ramroot - --mode overlay --compress xz -o out/new <in/tree.tar
    # only what can be read twice is: the second pass would find pipes empty
    mkdir in/over
    fails 1 '^mkbootmedia: in/tree: packing: .*--compress' \
        bash -c '"$1" ramroot in/tree --mode overlay --overlay <(tar -c -C in/over .) -o out/pipe' - "$MKBOOTMEDIA"
    mkbootmedia ramroot -q in/tree --mode overlay --overlay in/over -o out/new
    configured RD_GZIP=y SQUASHFS_LZ4=y
    fails 1 '^mkbootmedia: in/tree: packing: .*squashfs.*--mode tmpfs' \
        mkbootmedia ramroot in/tree --mode overlay -o out/none
    [ ! -e out/none ]
}

@test "what mode overlay cannot do without: a tree without the module is refused" {
    for name in loop squashfs overlay; do
        rm -rf in/tree
        cp -r "$SHARE/small" in/tree
        find in/tree -name "$name.ko" -delete
        fails 1 "^mkbootmedia: in/tree: .*$name" mkbootmedia ramroot in/tree --mode overlay -o out/root.img
        [ -z "$(ls -A out)" ]
        ramroot in/tree --mode tmpfs -o out/root.img
        rm out/root.img
    done
}

@test "host name: kept without the option, else in hostname and hosts" {
    made
    [ "$(in_image out/root.img etc/hostname)" = template ]
    made --hostname node7.lab.example
    [ "$(in_image out/root.img etc/hostname)" = node7.lab.example ]
    in_image out/root.img etc/hosts >in/hosts
    grep -q '^127\.0\.0\.1 localhost' in/hosts
    grep -qx $'127.0.1.1\tnode7.lab.example node7' in/hosts
    none grep -q template in/hosts
    # a link stays what it is
    cp -r "$SHARE/small" in/link
    ln -sf /run/hosts in/link/etc/hosts
    ramroot in/link --hostname node8 -o out/root.img
    [ "$(in_image out/root.img etc/hostname)" = node8 ]
    fails 2 'hostname' mkbootmedia ramroot "$SMALL" --hostname 'a b' -o out/new
    fails 2 'hostname' mkbootmedia ramroot "$SMALL" --hostname $'a\nb' -o out/new
    fails 2 'hostname' mkbootmedia ramroot "$SMALL" --hostname '' -o out/new
    [ ! -e out/new ]
}

# root_hash: root's password in what was made.
root_hash() { in_image out/root.img etc/shadow | sed -n 's/^root:\([^:]*\):.*/\1/p'; }

# shellcheck disable=SC2016 # dollar signs, not variables
@test "root's password: kept, a text, from a file, a hash, locked" {
    local hash
    made
    [ "$(root_hash)" = '*' ]
    made --root-password 'password:se cret:x'
    hash=$(root_hash)
    [ "${#hash}" -gt 20 ]
    # crypt(3), asked by somebody else
    [ "$(perl -e 'print crypt $ARGV[0], $ARGV[1]' 'se cret:x' "$hash")" = "$hash" ]
    printf 'from a file\n' >in/password
    made --root-password file:in/password
    hash=$(root_hash)
    [ "$(perl -e 'print crypt $ARGV[0], $ARGV[1]' 'from a file' "$hash")" = "$hash" ]
    hash=$(openssl passwd -6 -salt abcdefgh lab)
    made --root-password "hash:$hash"
    [ "$(root_hash)" = "$hash" ]
    made --root-password locked
    [[ $(root_hash) = [!*]* ]] || [ "$(root_hash)" = '*' ]
    # nobody else's is touched, nor who may read it
    [ "$(in_image out/root.img etc/shadow | tail -n 1)" = 'nobody:*:19000::::::' ]
    listed out/root.img etc/shadow | grep -q '^-rw-r----- 0/0'
    for bad in 'word' 'password:' 'file:in/none' 'hash:a:b' $'hash:a\nroot2::0:' $'password:a\nb' ''; do
        echo "$bad"
        none mkbootmedia ramroot "$SMALL" --root-password "$bad" -o out/new
        [ ! -e out/new ]
    done
}

@test "the same password gives the same bytes" {
    made --root-password password:lab
    mv out/root.img in/first
    made --root-password password:lab
    cmp out/root.img in/first
}

@test "an SSH key: added to those that are there, private to root" {
    echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxhYgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA lab' >in/one.pub
    echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxhYwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA two' >in/two.pub
    made
    none in_image out/root.img root/.ssh/authorized_keys
    for mode in tmpfs overlay; do
        made --mode $mode --ssh-key in/one.pub
        in_image out/root.img root/.ssh/authorized_keys | cmp - in/one.pub
        listed out/root.img root/.ssh/authorized_keys | grep -q '^-rw------- 0/0'
        listed out/root.img root/.ssh | grep -q '^drwx------ 0/0'
    done
    made --ssh-key in/one.pub --ssh-key in/two.pub
    in_image out/root.img root/.ssh/authorized_keys | cmp - <(cat in/one.pub in/two.pub)
    fails 1 '^mkbootmedia: in/none' mkbootmedia ramroot "$SMALL" --ssh-key in/none -o out/new
    # where root is a link: keys that are there are not lost
    cp -r "$SHARE/small" in/moved
    rmdir in/moved/root
    mkdir -p in/moved/home/root
    ln -s home/root in/moved/root
    ramroot in/moved --ssh-key in/one.pub -o out/root.img
    in_image out/root.img home/root/.ssh/authorized_keys | cmp - in/one.pub
    mkdir -m 711 in/moved/home/root/.ssh
    ramroot in/moved --ssh-key in/one.pub -o out/root.img
    listed out/root.img home/root/.ssh | grep -q '^drwx--x--x '
    cp in/two.pub in/moved/home/root/.ssh/authorized_keys
    fails 1 '^mkbootmedia: in/moved: .*home/root/.ssh/authorized_keys' \
        mkbootmedia ramroot in/moved --ssh-key in/one.pub -o out/new
    printf -- '-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n' >in/private
    fails 1 '^mkbootmedia: in/private' mkbootmedia ramroot "$SMALL" --ssh-key in/private -o out/new
    [ ! -e out/new ]
}

@test "fstab: what names disks goes, unless it is to be kept" {
    made --fstab keep
    in_image out/root.img etc/fstab | cmp - "$SHARE/small/etc/fstab"
    made --fstab clear
    none grep -q '^/dev/sda1' <(in_image out/root.img etc/fstab)
    made
    none grep -q '^/dev/sda1' <(in_image out/root.img etc/fstab)
    fails 2 'fstab' mkbootmedia ramroot "$SMALL" --fstab maybe -o out/new
}

@test "SELinux: off by default, since labels of a tar are rarely right; as asked" {
    local text=$'# a comment\nSELINUX=enforcing\nSELINUXTYPE=targeted\n'
    with etc/selinux/config "$text"
    made --selinux keep
    [ "$(in_image out/root.img etc/selinux/config)" = "${text%$'\n'}" ]
    for word in permissive disabled; do
        made --selinux $word
        diff <(in_image out/root.img etc/selinux/config) <(sed "s/enforcing/$word/" <<<"${text%$'\n'}")
    done
    SMALL=$SHARE/small.tar
    made --selinux permissive
    none grep -q etc/selinux/config <(listed out/root.img)
    fails 2 'selinux' mkbootmedia ramroot "$SMALL" --selinux maybe -o out/new
}

@test "getty: what is on the screen stays there, unless it is to be kept as it is" {
    local dropin=etc/systemd/system/getty@.service.d/noclear.conf
    made
    none grep -q noclear <(listed out/root.img) # there is no systemd
    with usr/lib/systemd/system/getty@.service $'[Service]\nTTYVTDisallocate=yes\n'
    for options in '' '--getty noclear'; do
        # shellcheck disable=SC2086 # words
        made $options
        in_image out/root.img $dropin | grep -qx 'TTYVTDisallocate=no'
        listed out/root.img $dropin | grep -q '^-rw-r--r-- 0/0'
    done
    made --getty keep
    none grep -q noclear <(listed out/root.img)
    fails 2 'getty' mkbootmedia ramroot "$SMALL" --getty maybe -o out/new
}

@test "/boot: its kernels are not needed in RAM; they stay when asked" {
    local kernel
    kernel=boot/vmlinuz-$(kernel_version)
    for mode in tmpfs overlay; do
        made --mode $mode
        none grep -q boot/vmlinuz <(listed out/root.img)
        listed out/root.img boot | grep -q '^drwxr-xr-x 0/0'
        made --mode $mode --boot keep
        in_image out/root.img "$kernel" | cmp - "$SHARE/small/$kernel"
    done
}

@test "overlays: laid over one after the other, owned by root, through the tree's links" {
    mkdir -p in/one/etc in/one/opt/new in/two/etc
    echo one >in/one/etc/motd
    echo one >in/one/etc/hostname
    echo tool >in/one/opt/new/tool
    chmod 755 in/one/opt/new/tool
    ln -s tool in/one/opt/new/link
    echo two >in/two/etc/motd
    [ "$(id -u)" != 0 ] || chown -R 1000:1000 in/one in/two
    for mode in tmpfs overlay; do
        made --mode $mode --overlay in/one --overlay in/two
        [ "$(in_image out/root.img etc/motd)" = two ]
        [ "$(in_image out/root.img etc/hostname)" = one ]
        listed out/root.img opt/new/tool | grep -q '^-rwxr-xr-x 0/0'
        listed out/root.img opt/new | grep -q '^drwxr-xr-x 0/0'
    done
    # a folder behind what is in it, with a mode of its own
    mkdir -p in/deep/srv/secret
    echo key >in/deep/srv/secret/key
    chmod 700 in/deep/srv/secret
    tar -cf in/deep.tar --owner=7 --group=8 --no-recursion -C in/deep srv/secret/key srv/secret
    for mode in tmpfs overlay; do
        made --mode $mode --overlay in/deep.tar
        listed out/root.img srv/secret | grep -q '^drwx------ 7/8'
    done
    # what is laid over one name of a file leaves its other names alone
    cp -r "$SHARE/small" in/links
    echo both >in/links/etc/motd
    ln in/links/etc/motd in/links/etc/other
    for mode in tmpfs overlay; do
        ramroot in/links --mode $mode --overlay in/one -o out/root.img
        unpacked out/root.img in/tree
        [ "$(cat in/tree/etc/motd in/tree/etc/other | tr '\n' ' ')" = 'one both ' ]
        [ $mode = overlay ] || loaded out/root.img in/tree
        [ "$(cat in/tree/etc/motd in/tree/etc/other | tr '\n' ' ')" = 'one both ' ]
    done
    # lib is a link in a merged tree
    cp -r "$SHARE/small" in/merged
    mv in/merged/lib/modules in/merged/usr/lib/
    rmdir in/merged/lib
    ln -s usr/lib in/merged/lib
    mkdir -p in/lib/lib/firmware
    echo firmware >in/lib/lib/firmware/file
    ramroot in/merged --overlay in/lib -o out/root.img
    unpacked out/root.img in/tree
    [ -L in/tree/lib ] && [ -e in/tree/usr/lib/firmware/file ]
    # an adjustment wins over it
    made --overlay in/one --hostname third
    [ "$(in_image out/root.img etc/hostname)" = third ]
    fails 1 '^mkbootmedia: in/none' mkbootmedia ramroot "$SMALL" --overlay in/none -o out/new
    mkdir -p in/bad/etc/hostname
    fails 1 '^mkbootmedia: in/bad: .*etc/hostname' mkbootmedia ramroot "$SMALL" --overlay in/bad -o out/new
    [ ! -e out/new ]
}

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

@test "media: -r makes what ramroot makes, and takes the tree's kernel" {
    ramroot "$SMALL" -o out/root.img --kernel-out out/vmlinuz
    mkbootmedia usb -q -r "$SMALL" -o out/usb.img
    mkbootmedia iso -q -r "$SMALL" -o out/lab.iso
    mkbootmedia net -q -r "$SMALL" --url http://10.0.0.1/boot -o out/net
    bsdtar -tf out/lab.iso >in/list
    initrd=$(grep -E 'boot/.*(initrd|root).*img$' in/list | head -n 1)
    bsdtar -xOf out/lab.iso "$initrd" | cmp - out/root.img
    bsdtar -xOf out/lab.iso "$(grep -E 'boot/.*vmlinuz$' in/list | head -n 1)" | cmp - out/vmlinuz
    find out/net/payload -type f -exec sha256sum {} + | cut -d ' ' -f 1 >in/sums
    cp out/root.img in/padded # iPXE wants multiples of 4
    truncate -s %4 in/padded
    grep -qx "$(sha256sum <in/padded | cut -d ' ' -f 1)" in/sums
    grep -qx "$(sha256sum <out/vmlinuz | cut -d ' ' -f 1)" in/sums
    mkbootmedia plan -r "$SMALL" usb >in/plan
    grep -q vmlinuz in/plan
}

@test "inspect says of a medium what plan said before: the root, and the memory that it takes" {
    local kind options
    while read -r kind options; do
        # shellcheck disable=SC2086 # words
        mkbootmedia plan -r "$SMALL" $options --json "$kind" >in/plan
        # shellcheck disable=SC2086
        mkbootmedia "$kind" -q -r "$SMALL" $options -o "out/lab.$kind"
        mkbootmedia inspect --json "out/lab.$kind" >in/inspect
        filter='{mode, image, unpacked, peak, ram}'
        jq -e ".entries[0].root | $filter" in/plan >in/want
        jq -e ".entries[0].root | $filter" in/inspect | diff in/want -
        grep -q ' 0$' in/want && return 1
        mkbootmedia inspect "out/lab.$kind" | grep -A1 '^ *root .*unpacked$' | grep -q '^ *memory .*least'
    done <<END
usb --mode tmpfs
iso --mode overlay --compress gzip
iso --mode tmpfs --fetch
usb --mode overlay --fetch
END
    jq -e '.entries[0].root | .source == "medium" and .compress == "zstd"' in/inspect
    # an initramfs of somebody else's
    bsdtar --format newc -cf in/initrd -C "$SHARE/small" etc
    mkbootmedia iso -q -k "$(kernel)" -i in/initrd -o out/other.iso
    mkbootmedia inspect --json out/other.iso | jq -e '.entries[0].root == null'
}

@test "--fetch: the root image is a file of its own, the first stage is small" {
    mkbootmedia net -q -r "$SMALL" --fetch --url http://10.0.0.1/boot -o out/net
    root=$(find out/net/payload -type f -name '*root*' | head -n 1)
    [ -n "$root" ]
    mkbootmedia iso -q -r "$SMALL" --fetch -o out/lab.iso
    bsdtar -tvf out/lab.iso | awk '/initrd/ { if ($5 > 8388608) exit 1 }'
    fails 2 '^mkbootmedia: ' mkbootmedia iso -k "$(kernel)" --fetch -o out/new
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
