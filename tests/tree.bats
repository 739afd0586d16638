#!/usr/bin/env bats
# A boot root as a tree of files: what is in it, what a run changes and what it leaves alone,
# generations and the way back.

bats_require_minimum_version 1.5.0
load lib
load tree
load menus

setup_file() {
    export SHARE=$BATS_FILE_TMPDIR
    lab "$SHARE/lab"
    kernel=$(kernel)
    cp "$kernel" "$SHARE/vmlinuz"
    settled "$SHARE"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    mkdir lab
    # hard links are as old as the files; what a test changes it replaces
    cp -rl "$SHARE/lab/." lab
    cp --remove-destination "$SHARE/lab/lab.conf" lab/lab.conf
}

# lab_net [OPTION]...: makes or updates net/ from lab/lab.conf
lab_net() { net -f lab/lab.conf -o net "$@"; }

# generation TREE: the number of the current one
generation() { find "$1/.mkbootmedia/generations" -mindepth 1 -name '0*[0-9]' -printf '%f\n' | sort | tail -n 1 | sed 's/^0*//'; }

@test "what is in a tree: files that scripts may rely on, lists, payload under its digest" {
    change lab/lab.conf "s,\"vmlinuz-old\",\"$SHARE/vmlinuz\","
    lab_net -k "$SHARE/vmlinuz" --firmware bios,uefi,secureboot,ia32
    whole net
    for path in boot.ipxe grub/grub.cfg SHA256SUMS manifest.json dhcp/dnsmasq.conf \
        dhcp/dnsmasq-proxy.conf dhcp/kea-dhcp4.json dhcp/dhcpd.conf http/nginx.conf docs/notes.txt \
        hosts/02-00-00-00-00-01.ipxe hosts/02-00-00-00-00-01.cfg undionly.kpxe snponly.efi ipxe.efi \
        shimx64.efi grubx64.efi mmx64.efi grub/i386-pc/core.0 grub/x86_64-efi/core.efi \
        grub/i386-efi/core.efi; do
        [ -s "net/$path" ] || { echo "$path" && return 1; }
    done
    [ "$(find net/hosts -type f | wc -l)" = 6 ]
    # one kernel for both entries, both initramfs files; node3 has no files of its own
    [ "$(find net/payload -name vmlinuz | wc -l)" = 1 ]
    [ "$(find net/payload -name initrd.img | wc -l)" = 2 ]
    [ "$(find net/payload -name host.img | wc -l)" = 2 ]
    cmp "$SHARE/vmlinuz" "net/$(jq -r '.entries[0].kernel' net/manifest.json)"
    cmp /usr/lib/shim/shimx64.efi.signed net/shimx64.efi
    cmp /usr/lib/ipxe/undionly.kpxe net/undionly.kpxe
    jq -e '.generator == "mkbootmedia" and .format == 1 and .medium == "net" and .label == "LAB" and
        .url == "http://10.0.0.1/boot" and ([.loaders[].path] | index("shimx64.efi")) and
        (.loaders[] | select(.loader == "shim") | .sbat | any(startswith("shim,")))' net/manifest.json
    # nothing but the tree
    [ "$(find . -mindepth 1 -maxdepth 1 ! -name .changed -printf '%f\n' | sort)" = "lab
net" ]
}

@test "an initramfs file ends at a multiple of 4 bytes, and its digest is of that" {
    lab_net
    for path in $(jq -r '.entries[0].initrds[]' net/manifest.json); do
        [ $(($(stat -c %s "net/$path") % 4)) = 0 ]
    done
    path=$(jq -r '.entries[0].initrds[0]' net/manifest.json)
    cmp <(cat lab/microcode.img && head -c 3 /dev/zero) "net/$path"
    # also one that ends in a hole
    truncate -s 1000000 lab/microcode.img
    lab_net
    path=$(jq -r '.entries[0].initrds[0]' net/manifest.json)
    cmp lab/microcode.img "net/$path"
}

@test "files that are the same are there once: entries' and hosts'" {
    change lab/lab.conf 's/"node2.key:/"node1.key:/; s/, "notes.txt:[^"]*" }/ }/; s/vmlinuz-old/vmlinuz/'
    lab_net
    whole net
    [ "$(find net/payload -name host.img | wc -l)" = 1 ]
    [ "$(find net/payload -name vmlinuz | wc -l)" = 1 ]
    [ "$(find net/payload -name initrd.img | wc -l)" = 2 ]
    path=$(cd net && echo payload/*/host.img)
    [ "$(grep -l "$path" net/hosts/* | wc -l)" = 4 ]
    # into a tree that is there, and into an empty folder
    rm -rf net
    mkdir net
    lab_net
    whole net
    cp --remove-destination "$SHARE/lab/lab.conf" lab/lab.conf
    lab_net
    change lab/lab.conf 's/"node2.key:/"node1.key:/; s/, "notes.txt:[^"]*" }/ }/'
    lab_net
    whole net
}

@test "what a host gets: an archive that other tools read" {
    touch -d @1700000000 lab/* "$SHARE"/lab/*
    SOURCE_DATE_EPOCH=1600000000 lab_net
    archive=net/$(jq -r '.hosts[] | select(.hostname == "node2") | .files' net/manifest.json)
    [ $(($(stat -c %s "$archive") % 512)) = 0 ]
    [ "$(bsdtar -tf "$archive")" = "etc
etc/key
etc/notes" ]
    [ "$(TZ=UTC bsdtar -tvf "$archive" | awk '{ print $1, $3, $4, $5, $NF }')" = \
        "drwxr-xr-x 0 0 0 etc
-rw------- 0 0 13 etc/key
-rw-r--r-- 0 0 6 etc/notes" ]
    [ "$(bsdtar -xOf "$archive" etc/key)" = 'key of node2' ]
    mkdir out
    (cd out && busybox cpio -idm <"../$archive")
    cmp lab/notes.txt out/etc/notes
    [ "$(stat -c '%a %Y' out/etc/key)" = '600 1600000000' ]
    # behind another archive, as GRUB and iPXE load them: both are read
    (echo a >a && echo ./a | bsdtar -cf first.cpio --format newc -T - 2>/dev/null)
    cat first.cpio "$archive" >both
    mkdir both.d
    (cd both.d && busybox cpio -idm <../both && head -c "$(stat -c %s ../first.cpio)" ../both >/dev/null)
    [ -e both.d/a ]
}

# writes: the system calls of one more run that changed something below the current folder
writes() {
    # LeakSanitizer cannot work under ptrace
    ASAN_OPTIONS=detect_leaks=0 strace -f -y -o trace -e trace=%file,%desc,fsync,fdatasync,sync,syncfs,sync_file_range \
        "$MKBOOTMEDIA" net -q -f lab/lab.conf -o net
    grep -E '(open[a-z0-9]*\(.*O_(WRONLY|RDWR|CREAT|TRUNC)|creat\(|rename|link|unlink|mkdir|rmdir|mknod|chmod|chown|utime|truncate|sync)' trace |
        grep -vE ' = -1 |/dev/|/proc/|/memfd:|pipe:|readlink|/tmp/grub|O_TMPFILE|unfinished|resumed' |
        grep -F "$PWD" || true
}

@test "a run that changes nothing writes nothing" {
    lab_net
    lab_net # keeps the digests that the first could not
    before=$(state net)
    lab_net
    [ "$before" = "$(state net)" ]
    none grep . <(writes)
    [ "$before" = "$(state net)" ]
    mkbootmedia net -f lab/lab.conf -o net 2>err
    [ "$(cat err)" = "mkbootmedia: note: net: unchanged: generation 1, $(($(wc -l <net/SHA256SUMS))) files" ]
    # a run that changes something is seen
    change lab/lab.conf 's/timeout *= 7/timeout = 8/'
    writes | grep -q rename
}

@test "the inputs' times alone change nothing that clients see, and are read again" {
    lab_net
    cp --remove-destination --preserve=mode "$SHARE"/lab/{vmlinuz,initrd.img,node1.key} lab
    touch -d '2020-02-02' lab/vmlinuz
    export SOURCE_DATE_EPOCH=1
    rm -rf net
    lab_net
    before=$(served net)
    touch -d '2021-02-02' lab/vmlinuz lab/initrd.img lab/node1.key
    lab_net
    [ "$before" = "$(served net)" ]
    [ "$(generation net)" = 1 ]
}

@test "a file that was changed keeping size and time is seen" {
    cp --remove-destination -p "$SHARE/lab/initrd.img" lab/initrd.img
    lab_net
    sleep 2.5
    lab_net
    path=$(jq -r '.entries[0].initrds[1]' net/manifest.json)
    touch -r lab/initrd.img time
    printf XX | dd of=lab/initrd.img bs=1 seek=3000 conv=notrunc status=none
    touch -r time lab/initrd.img
    lab_net
    whole net
    [ "$path" != "$(jq -r '.entries[0].initrds[1]' net/manifest.json)" ]
    cmp lab/initrd.img "net/$(jq -r '.entries[0].initrds[1]' net/manifest.json)"
}

# changed BEFORE: files of net/ that clients see and that are not what they were; and new and gone ones
changed() {
    diff <(echo "$1") <(served net) |
        sed -nE 's,^[<>] [0-9a-f]{64}  \./,,p; s,^[<>] ([^ ]*) [fd] [0-7]*$,\1,p' | sort -u
}

@test "one changed host: its two files, its archive and the two lists" {
    lab_net
    before=$(served net)
    inodes=$(find net -name .mkbootmedia -prune -o -type f -printf '%P %i %C@\n' | sort)
    rm lab/node1.key
    echo 'another key' >lab/node1.key
    archive=$(jq -r '.hosts[0].files' net/manifest.json)
    SOURCE_DATE_EPOCH=$(stat -c %Y lab/vmlinuz) lab_net
    whole net
    now=$(jq -r '.hosts[0].files' net/manifest.json)
    [ "$archive" != "$now" ]
    [ "$(changed "$before" | grep -v "^${now%/*}$")" = "$(printf '%s\n' SHA256SUMS \
        hosts/02-00-00-00-00-01.cfg hosts/02-00-00-00-00-01.ipxe manifest.json "$now" | sort)" ]
    [ -e "net/$archive" ] # for generation 1
    # what is the same was not even replaced by the same
    [ "$(diff <(echo "$inodes") <(find net -name .mkbootmedia -prune -o -type f -printf '%P %i %C@\n' | sort) |
        sed -n 's/^> \([^ ]*\) .*/\1/p')" = "$(printf '%s\n' SHA256SUMS hosts/02-00-00-00-00-01.cfg \
        hosts/02-00-00-00-00-01.ipxe manifest.json "$now" | sort)" ]

    before=$(served net)
    change lab/lab.conf 's/"single"/"double"/'
    lab_net
    [ "$(changed "$before")" = "SHA256SUMS
hosts/02-00-00-00-00-02.cfg
hosts/02-00-00-00-00-02.ipxe
manifest.json" ]
}

@test "a host more, a host less" {
    lab_net
    before=$(served net)
    change lab/inventory.csv '$a02:00:00:00:00:04,,,'
    lab_net
    whole net
    [ "$(changed "$before")" = "SHA256SUMS
hosts/02-00-00-00-00-04.cfg
hosts/02-00-00-00-00-04.ipxe
manifest.json" ]
    change lab/lab.conf '/^hosts/d'
    mkbootmedia net -f lab/lab.conf -o net 2>err
    grep -q 'generation 3: .* 4 dropped$' err
    whole net
    [ "$(ls net/hosts | wc -l)" = 4 ]
}

@test "what the menu says changes only the menus, the snippets what they say" {
    lab_net
    before=$(served net)
    lab_net --timeout 9
    [ "$(changed "$before")" = "SHA256SUMS
boot.ipxe
grub/grub.cfg
manifest.json" ]
    before=$(served net)
    lab_net --timeout 9 --interface lan3
    [ "$(changed "$before" | grep -v '^dhcp/')" = "SHA256SUMS
manifest.json" ]
}

@test "--keep N: so many generations, payload that none of them names goes" {
    for i in 1 2 3 4 5; do
        tiny_kernel kernel.$i $i$i
        net -k kernel.$i --url $URL --firmware bios --keep 3 --server-path /srv/boot -o net
        whole net
    done
    [ "$(ls net/.mkbootmedia/generations)" = "000003
000004
000005" ]
    # the kernels of 1 and 2 are gone, with their folders; those of 3 and 4 are whole
    [ "$(cd net && find payload -type f | wc -l)" = 3 ]
    [ -z "$(find net -type d -empty)" ]
    for i in 3 4 5; do
        path=payload/$(sha256sum <kernel.$i | cut -c -16)/vmlinuz
        cmp kernel.$i "net/$path"
        grep -q "  $path$" net/.mkbootmedia/generations/00000$i/SHA256SUMS
    done
    # what older generations say of files is kept, no more
    wanted=$(cat net/.mkbootmedia/generations/*/SHA256SUMS | cut -c -64 | sort -u)
    for file in net/.mkbootmedia/files/*; do
        grep -qx "${file##*/}" <<<"$wanted"
        [ "$(sha256sum <"$file" | cut -c -64)" = "${file##*/}" ]
    done
    # a kernel of before that comes back is what it was
    net -k kernel.1 --url $URL --firmware bios --keep 1 --server-path /srv/boot -o net
    whole net
    [ "$(ls net/.mkbootmedia/generations)" = 000006 ]
    [ "$(cd net && find payload -type f | wc -l)" = 1 ]
    [ -z "$(ls net/.mkbootmedia/files)" ]
    fails 1 '^mkbootmedia: net: going back: there is no generation before this one$' \
        mkbootmedia net --rollback -o net
}

@test "payload that two generations share stays for both" {
    change lab/lab.conf '/^hosts/d'
    lab_net --keep 2
    for timeout in 1 2 3 4; do
        lab_net --keep 2 --timeout $timeout
        whole net
        diff <(named net) <(cd net && find payload -type f | sort)
    done
    net -f lab/lab.conf -o net --keep 2 --rollback
    whole net
}

@test "--rollback: back, back again, then refused; a new run goes on from there" {
    one() { lab_net --timeout 1 --console tty1; }
    two() { lab_net --timeout 2; }
    three() { lab_net --timeout 3 -k lab/vmlinuz-old; }
    one
    first=$(served net)
    two
    second=$(served net)
    change lab/lab.conf '/^hosts/d; s/^add.*/add = { "node1.key:\/more\/key" }/'
    three
    third=$(served net)
    [ "$(generation net)" = 3 ]
    mkbootmedia net --rollback -o net 2>err
    [ "$(cat err)" = 'mkbootmedia: note: net: back at generation 2' ]
    whole net
    diff <(echo "$second" | grep -v payload/) <(served net | grep -v payload/)
    mkbootmedia net --rollback -o net 2>err
    [ "$(cat err)" = 'mkbootmedia: note: net: back at generation 1' ]
    whole net
    diff <(echo "$first" | grep -v payload/) <(served net | grep -v payload/)
    before=$(state net)
    fails 1 '^mkbootmedia: net: going back: there is no generation before this one$' \
        mkbootmedia net --rollback -o net
    [ "$before" = "$(state net)" ]
    # new runs: generation 2 and 3 were left and are not come back to
    three
    whole net
    diff <(echo "$third" | grep -v payload/) <(served net | grep -v payload/)
    [ "$(ls net/.mkbootmedia/generations)" = "000001
000004" ]
    mkbootmedia net --rollback -q -o net
    whole net
    diff <(echo "$first" | grep -v payload/) <(served net | grep -v payload/)
}

@test "--rollback in a folder that is no tree changes nothing" {
    mkdir empty foreign
    echo mine >foreign/mine
    for folder in none empty foreign; do
        fails 1 "^mkbootmedia: $folder: " mkbootmedia net --rollback -o $folder
    done
    [ "$(find . -mindepth 1 -maxdepth 1 ! -name .out ! -name .err -printf '%f\n' | sort)" = "empty
foreign
lab" ]
    [ -z "$(ls -A empty)" ]
    [ "$(ls -A foreign)" = mine ]
    fails 2 '^mkbootmedia: net: --output: is missing' mkbootmedia net --rollback
    fails 2 '^mkbootmedia: usb: --rollback: no such option' mkbootmedia usb --rollback -o x
}

@test "--dry-run: nothing is written, also of a tree that is there" {
    mkbootmedia net --dry-run -q -f lab/lab.conf -o net
    [ ! -e net ]
    lab_net
    lab_net --timeout 1
    before=$(state net)
    mkbootmedia net --dry-run -q -f lab/lab.conf -o net --timeout 2
    mkbootmedia net --dry-run --rollback -q -o net
    [ "$before" = "$(state net)" ]
}

@test "a file of the tree that was removed, shortened or changed is put right" {
    lab_net
    before=$(served net)
    rm net/boot.ipxe net/hosts/02-00-00-00-00-01.cfg
    echo 'by hand' >net/grub/grub.cfg
    : >net/dhcp/dnsmasq.conf
    kernel=net/$(jq -r '.entries[0].kernel' net/manifest.json)
    truncate -s 100 "$kernel"
    rm "net/$(jq -r '.entries[0].initrds[0]' net/manifest.json)"
    lab_net
    whole net
    [ "$before" = "$(served net)" ]
    rm -r net/payload net/hosts
    lab_net
    [ "$before" = "$(served net)" ]
    whole net
    # the way back does not bring back what somebody did by hand
    lab_net --timeout 9
    mkbootmedia net --rollback -q -o net
    whole net
    [ "$before" = "$(served net)" ]
}

@test "a list that was removed or damaged is put right or refused, never a wrong one" {
    lab_net
    before=$(served net)
    rm net/manifest.json
    lab_net
    whole net
    [ "$before" = "$(served net)" ]
    rm net/SHA256SUMS
    lab_net
    whole net
    [ "$before" = "$(served net)" ]
    for list in SHA256SUMS manifest.json; do
        echo garbage >>net/$list # in place
        lab_net
        whole net
        [ "$before" = "$(served net)" ]
        : >net/$list
        lab_net --timeout 7
        mkbootmedia net --rollback -q -o net
        whole net
        [ "$before" = "$(served net)" ]
    done
}

@test "no way back to a generation of which the payload is gone, or that is being removed" {
    lab_net
    initrd lab/initrd.img 7000 2
    lab_net
    rm "net/$(grep -o 'payload/[0-9a-f]*/initrd.img' net/.mkbootmedia/generations/000001/SHA256SUMS | sort |
        comm -23 - <(grep -o 'payload/[0-9a-f]*/initrd.img' net/SHA256SUMS | sort) | head -n 1)"
    before=$(served net)
    fails 1 '^mkbootmedia: net: going back: payload/.* of that generation is no longer there$' \
        mkbootmedia net --rollback -o net
    [ "$before" = "$(served net)" ]
    # killed at each removal of what old generations leave: what is left to go back to is whole
    for n in 3 5 7 8 9 10 11 12; do
        rm -rf net
        for i in 1 2 3; do
            initrd lab/initrd.img $((5000 + i)) $i
            lab_net --keep 9
        done
        strace -f -qq -o strace.out -e trace=unlinkat -e "inject=unlinkat:signal=KILL:when=$n" \
            "$MKBOOTMEDIA" net -q -f lab/lab.conf -o net --keep 1 || true
        while mkbootmedia net --rollback -q -o net 2>/dev/null; do
            (cd net && sha256sum -c --quiet SHA256SUMS)
        done
    done
}

@test "a draft that somebody else has made is not taken, nor a folder on another file system" {
    mkdir .net.mkbootmedia
    chmod 777 .net.mkbootmedia
    fails 1 '^mkbootmedia: net: writing: .*\.net\.mkbootmedia is there, and is not what' \
        mkbootmedia net -q -f lab/lab.conf -o net
    rmdir .net.mkbootmedia
    lab_net
    before=$(served net)
    mkdir disk
    mount -t tmpfs tmpfs disk
    cp -r net/payload/. disk/
    mount --bind disk net/payload
    initrd lab/initrd.img 9000 5
    fails 1 '^mkbootmedia: net/payload/.*: writing: its folder is on another file system than the tree$' \
        mkbootmedia net -q -f lab/lab.conf -o net || bad=1
    umount net/payload
    umount disk
    [ -z "${bad-}" ]
    [ "$before" = "$(served net)" ]
    lab_net # nothing is stuck
    whole net
}

@test "a list with a path outside of the tree removes nothing there" {
    lab_net
    echo precious >precious
    echo "$(sha256sum <precious | cut -c -64)  ../precious" >>net/SHA256SUMS
    mkbootmedia net -q -f lab/lab.conf -o net || true
    [ "$(cat precious)" = precious ]
}

@test "an added file becomes a folder in two steps; empty folders go" {
    change lab/lab.conf 's/^add.*/add = { "notes.txt:\/x" }/'
    lab_net
    before=$(served net)
    change lab/lab.conf 's/^add.*/add = { "notes.txt:\/x\/y\/z" }/'
    fails 1 '^mkbootmedia: net/x/y/z: .*: a symbolic link or a file is in the way$' \
        mkbootmedia net -q -f lab/lab.conf -o net
    [ "$before" = "$(served net)" ]
    change lab/lab.conf 's/^add.*/add = { "notes.txt:\/other" }/'
    lab_net
    change lab/lab.conf 's/^add.*/add = { "notes.txt:\/x\/y\/z" }/'
    lab_net
    whole net
    change lab/lab.conf 's/^add.*/add = { "notes.txt:\/other" }/'
    lab_net
    change lab/lab.conf 's/^add.*/add = { "notes.txt:\/x" }/'
    lab_net
    whole net
    change lab/lab.conf '/^add/d'
    lab_net
    whole net
    [ ! -e net/x ]
    [ -z "$(find net -type d -empty ! -path '*/.mkbootmedia/*')" ]
}

@test "the output's name: with a slash, as a symbolic link, the current folder, with odd characters" {
    net -f lab/lab.conf -o new/
    whole new
    mkdir real empty
    ln -s real link
    net -f lab/lab.conf -o link
    [ -L link ]
    whole real
    net -f lab/lab.conf -o link/
    (cd empty && "$MKBOOTMEDIA" net -q -f ../lab/lab.conf -o .)
    whole empty
    mkdir lost
    mkdir lost/lost+found # of a new file system
    net -f lab/lab.conf -o lost
    for name in "a 'b" 'ä-;' '-x' '${a}{{x}}%s' "$(printf 'x%.0s' {1..255})"; do
        net -f lab/lab.conf -o "./$name"
        net -f lab/lab.conf -o "./$name" --timeout 1
        diff <(served new | grep -vE 'boot.ipxe|grub.cfg|SUMS|manifest') \
            <(served "./$name" | grep -vE 'boot.ipxe|grub.cfg|SUMS|manifest')
        rm -r -- "./$name"
    done
    [ "$(ls -A)" = "empty
lab
link
lost
new
real" ]
}

@test "what the tree is called in the snippets: --server-path, or the folder itself" {
    change lab/lab.conf '/^server_path/d'
    lab_net
    grep -qx "tftp-root=$PWD/net" net/dhcp/dnsmasq.conf
    lab_net --server-path /srv/elsewhere/
    grep -qx 'tftp-root=/srv/elsewhere' net/dhcp/dnsmasq.conf
    grep -qF 'alias "/srv/elsewhere/";' net/http/nginx.conf
    fails 2 '^mkbootmedia: net: --server-path: ' mkbootmedia net -q -f lab/lab.conf -o net --server-path x
    # what not every configuration can say
    for path in '/a"b' '/a\b' '/a$b' '/a#b' '/a;b' '/a{b' '/a}b' "/a'b" $'/a\nb' $'/a\tb' '/a,b' '/a  b' \
        '/a ' $'/\xff'; do
        before=$(state net)
        fails 1 '^mkbootmedia: .*--server-path' \
            mkbootmedia net -q -f lab/lab.conf -o net --server-path "$path"
        [ "$before" = "$(state net)" ]
    done
    mkdir "it's"
    fails 1 '^mkbootmedia: .*--server-path' mkbootmedia net -q -f lab/lab.conf -o "it's/net"
    net -f lab/lab.conf --server-path /srv/boot -o "it's/net"
}
