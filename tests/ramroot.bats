#!/usr/bin/env bats
# The RAM root without booting it: what is in the image that was made of a tree, as other programs
# read it; the same bytes always; the kernel and the modules that it takes.

bats_require_minimum_version 1.5.0
load lib
load ramroot
load ramroot_run

setup_file() {
    small_source
    # Debian's odd files in the small tree, as only root can have them
    mkdir "$SHARE/odd"
    tar -xpf "$SHARE/small.tar" -C "$SHARE/odd"
    tar --xattrs --xattrs-include='*' --acls --numeric-owner -xpf "$("$TOP/tools/rootfs")" \
        -C "$SHARE/odd" ./srv/odd ./usr/bin/ping ./dev
    [ "$(id -u)" != 0 ] || setfattr -n security.selinux -v system_u:object_r:passwd_file_t:s0 \
        "$SHARE/odd/etc/passwd"
    tar --xattrs --xattrs-include='*' --acls --numeric-owner --format=pax --sparse --sort=name \
        -C "$SHARE/odd" -cf "$SHARE/odd.tar" .
}

setup() {
    room
    AS_IT_IS=(--fstab keep --getty keep --boot keep)
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
    mv "in/el/boot/config-$version" "in/el/lib/modules/$version/config"
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
    # nor is there one in the kernel itself: what its version can read
    rm "in/tree/boot/config-$(kernel_version)"
    ramroot in/tree --mode overlay -o out/root.img
    root_image out/root.img >in/image
    [ "$(unsquashfs -s in/image | sed -n 's/^Compression //p')" = zstd ]
    configured RD_GZIP=y SQUASHFS_XZ=y
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
