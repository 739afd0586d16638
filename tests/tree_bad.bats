#!/usr/bin/env bats
# What bad input and bad places get from net: the exit status (1, or 2 for wrong usage), one line on
# stderr, and the older generation as it was, byte for byte.

bats_require_minimum_version 1.5.0
load lib
load tree

setup_file() {
    export SHARE=$BATS_FILE_TMPDIR
    lab "$SHARE/lab"
    "$MKBOOTMEDIA" net -q -f "$SHARE/lab/lab.conf" -o "$SHARE/net"
    # for runs as another user
    cp "$MKBOOTMEDIA" "$SHARE/program"
    chmod -R a+rX "$BATS_RUN_TMPDIR"
    settled "$SHARE"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    chmod a+rx .
    mkdir lab
    cp -r "$SHARE/lab/." lab
}

teardown() {
    for place in "${MOUNTS[@]}"; do umount "$place"; done
}

lab_net() { net -f lab/lab.conf -o net "$@"; }

# refused REGEX OPTION...: exit 1, and what was in net/ is as it was; the program's own folder counts
# as far as it is there
refused() {
    local before
    before=$(everything net)
    fails 1 "^mkbootmedia: $1" "${RUN[@]}" "${PROGRAM:-$MKBOOTMEDIA}" net -q -f lab/lab.conf -o net "${@:2}" || return 1
    diff <(echo "$before") <(everything net)
}

# everything FOLDER: names, kinds, modes, contents, links
everything() { "$TOP/tests/tree.pl" everything "$1"; }

@test "a folder with foreign files: refused, hidden ones too; lost+found is none" {
    local file
    for file in index.html .hidden boot.ipxe SHA256SUMS manifest.json .mkbootmedia; do
        rm -rf net
        mkdir net
        echo mine >"net/$file"
        refused 'net(: writing: the folder holds files that mkbootmedia net did not make|/.mkbootmedia: .*)$'
    done
    rm -rf net
    mkdir -p net/folder
    refused 'net: writing: the folder holds files that mkbootmedia net did not make$'
    # not even the files that it would put there itself
    rm -rf net
    cp -r "$SHARE/net" net
    rm -r net/.mkbootmedia
    refused 'net: writing: the folder holds files that mkbootmedia net did not make$'
    rm -rf net
    mkdir -p net/lost+found
    lab_net
    [ -d net/lost+found ]
}

@test "foreign files beside ours stay, wherever they are" {
    lab_net
    mkdir net/mine
    echo mine | tee net/index.html net/hosts/readme net/payload/readme net/dhcp/own.conf net/mine/x >/dev/null
    lab_net --timeout 1 --keep 1
    change lab/lab.conf '/^add/d; /^hosts/d'
    lab_net --timeout 2 --keep 1
    for file in net/index.html net/hosts/readme net/payload/readme net/dhcp/own.conf net/mine/x; do
        [ "$(cat $file)" = mine ]
    done
    (cd net && sha256sum --quiet -c SHA256SUMS)
}

@test "a foreign file in the way of one of ours: refused, whatever it is" {
    lab_net
    local path
    for path in hosts/02-00-00-00-00-09.ipxe hosts/02-00-00-00-00-09.cfg new/file; do
        change lab/lab.conf '$ahost "02:00:00:00:00:09" { }'
        change lab/lab.conf 's/^add.*/add = { "notes.txt:\/new\/file", "notes.txt:\/docs\/notes.txt" }/'
        mkdir -p net/new
        echo mine >"net/$path"
        refused "net/$path: writing: a file that mkbootmedia did not make is in the way$"
        rm "net/$path"
        mkdir "net/$path"
        refused "net/$path: writing: "
        rmdir "net/$path"
        mkfifo "net/$path"
        refused "net/$path: writing: "
        rm "net/$path"
        ln -s /nonexistent "net/$path"
        refused "net/$path: writing: "
        rm "net/$path"
        cp "$SHARE/lab/lab.conf" lab/lab.conf
    done
    rmdir net/new
    lab_net
    whole net
}

@test "folders of the tree that are symbolic links to elsewhere: refused, nothing is written there" {
    local folder
    for folder in hosts grub payload dhcp http docs grub/i386-pc; do
        rm -rf net elsewhere
        cp -r "$SHARE/net" net
        mv "net/$folder" elsewhere
        ln -s "$PWD/elsewhere" "net/$folder"
        before=$(everything elsewhere)
        echo x >>lab/node1.key
        noise 3000 "$RANDOM$RANDOM" >>lab/vmlinuz
        refused "net/[^:]*: .*a symbolic link or a file is in the way$" --timeout 1 --interface lan5
        diff <(echo "$before") <(everything elsewhere)
    done
}

@test "what is to be dropped, but somebody has put something else in its place" {
    cp -r "$SHARE/net" net
    mv net/hosts elsewhere
    ln -s "$PWD/elsewhere" net/hosts
    change lab/lab.conf '/^hosts/d; /^host "/,/^}/d; /^add/d'
    before=$(everything elsewhere)
    served=$(served net)
    status=0
    mkbootmedia net -q -f lab/lab.conf -o net 2>err || status=$?
    diff <(echo "$before") <(everything elsewhere)
    # refused, or the link is left alone
    if [ $status = 1 ]; then
        [ "$(wc -l <err)" = 1 ]
        diff <(echo "$served") <(served net)
    else
        [ $status = 0 ]
        (cd net && sha256sum --quiet -c SHA256SUMS)
    fi
    rm -f net/hosts
    mv elsewhere net/hosts
    # a folder where a file was
    rm net/docs/notes.txt
    mkdir net/docs/notes.txt
    mkbootmedia net -q -f lab/lab.conf -o net 2>err || [ "$(wc -l <err)" = 1 ]
    [ -d net/docs/notes.txt ]
    rmdir net/docs/notes.txt
    # and there is a way out
    lab_net --timeout 3
    (cd net && sha256sum --quiet -c SHA256SUMS)
}

@test "folders of the program's own that are symbolic links: nothing is written there" {
    local folder
    for folder in .mkbootmedia .mkbootmedia/files .mkbootmedia/generations .mkbootmedia/new; do
        rm -rf net elsewhere
        cp -r "$SHARE/net" net
        mkdir -p "net/$folder"
        mv "net/$folder" elsewhere
        ln -s "$PWD/elsewhere" "net/$folder"
        before=$(everything elsewhere)
        served=$(served net)
        status=0
        mkbootmedia net -q -f lab/lab.conf -o net --timeout 1 2>err || status=$?
        diff <(echo "$before") <(everything elsewhere)
        [ $status = 0 ] || diff <(echo "$served") <(served net)
    done
}

@test "files of the tree that were replaced by links: nothing is written through them" {
    echo precious >precious
    local path
    for path in boot.ipxe grub/grub.cfg hosts/02-00-00-00-00-01.ipxe SHA256SUMS manifest.json; do
        rm -rf net
        cp -r "$SHARE/net" net
        ln -sf "$PWD/precious" "net/$path"
        mkbootmedia net -q -f lab/lab.conf -o net --timeout 1 --label NEW || true
        [ "$(cat precious)" = precious ]
        # a hard link: the other name keeps the bytes
        rm -rf net
        cp -r "$SHARE/net" net
        ln -f "net/$path" linked
        sum=$(sha256sum <linked)
        mkbootmedia net -q -f lab/lab.conf -o net --timeout 1
        [ "$sum" = "$(sha256sum <linked)" ]
        whole net
    done
}

@test "outputs that are no folder, or nowhere" {
    nowhere() { fails 1 "^mkbootmedia: $2" mkbootmedia net -q -f lab/lab.conf -o "$1"; }
    echo mine >file
    mkfifo fifo
    ln -s nothing/yet dangling
    nowhere file 'file: opening the folder: Not a directory$'
    nowhere file/x 'file/x: .*Not a directory$'
    nowhere fifo 'fifo: opening the folder: Not a directory$'
    nowhere /dev/null '/dev/null: opening the folder: Not a directory$'
    nowhere none/net 'none/net: making the folder: No such file or directory$'
    nowhere dangling 'dangling: '
    nowhere "$(printf 'x%.0s' {1..256})" 'x*: .*File name too long$'
    [ "$(cat file)" = mine ]
    [ -L dangling ]
    [ "$(find . -mindepth 1 -maxdepth 1 ! -name .out ! -name .err -printf '%f\n' | sort)" = "dangling
fifo
file
lab" ]
    fails 2 '^mkbootmedia: net: --output: is missing' mkbootmedia net -q -f lab/lab.conf
    fails 2 "^mkbootmedia: net: --output: '' is empty" mkbootmedia net -q -f lab/lab.conf -o ''
    fails 2 '^mkbootmedia: net: --output: a tree cannot go to stdout' mkbootmedia net -q -f lab/lab.conf -o -
}

@test "added files: paths that a tree cannot have, or that are the tree's own" {
    local path
    lab_net
    before=$(state net)
    bad_add() {
        sed "s|^add.*|add = { \"notes.txt:$1\"${2+, \"node1.key:$2\"} }|" "$SHARE/lab/lab.conf" >lab/lab.conf
        fails 1 '^mkbootmedia: ' mkbootmedia net -q -f lab/lab.conf -o net
        diff <(echo "$before") <(state net)
    }
    for path in /../x /x/../../y /x/.. /./x /x//y; do
        bad_add "$path"
    done
    for path in /hosts/x /payload/x /.mkbootmedia/x /hosts/02-00-00-00-00-01.ipxe /HOSTS/x /Payload/x \
        /hosts /payload /.mkbootmedia /.MkBootMedia /hosts/ /payload/; do
        bad_add "$path"
    done
    for path in /boot.ipxe /Boot.iPXE /grub/grub.cfg /SHA256SUMS /manifest.json /Manifest.JSON /sha256sums \
        /dhcp/dnsmasq.conf /http/nginx.conf /undionly.kpxe /grub/i386-pc/core.0; do
        bad_add "$path"
    done
    # a file where the tree has a folder, a folder where it has a file
    for path in /grub /dhcp /http /boot.ipxe/x /grub/grub.cfg/x /SHA256SUMS/x /manifest.json/x; do
        bad_add "$path"
    done
    # the same where nothing is yet
    mkdir empty
    for path in /hosts /payload /.mkbootmedia /grub /boot.ipxe /boot.ipxe/x /SHA256SUMS /manifest.json /manifest.json/x; do
        bad_add "$path"
        fails 1 '^mkbootmedia: ' mkbootmedia net -q -f lab/lab.conf -o empty
        [ -z "$(ls -A empty)" ]
    done
    bad_add /x /x
    bad_add /x /X
    bad_add /x /x/y
    bad_add /x/y /x
    bad_add /x /x/y/z
    # afterwards everything works as before
    cp "$SHARE/lab/lab.conf" lab/lab.conf
    lab_net
    whole net
    net -f lab/lab.conf -o empty
    whole empty
}

@test "an added folder that holds what the tree has itself" {
    mkdir -p lab/grub/i386-pc lab/more/sub
    echo x | tee lab/grub/grub.cfg lab/more/sub/x lab/grub/i386-pc/other >/dev/null
    change lab/lab.conf 's|^add.*|add = { "grub" }|'
    fails 1 '^mkbootmedia: .*grub/grub.cfg: .* two files want this path' mkbootmedia net -q -f lab/lab.conf -o none
    rm lab/grub/grub.cfg
    change lab/lab.conf 's|^add.*|add = { "grub", "more:/" }|'
    lab_net
    whole net
    cmp lab/more/sub/x net/more/sub/x
    cmp lab/more/sub/x net/grub/i386-pc/other
}

@test "a target that may not be written to" {
    lab_net
    echo changed >>lab/node1.key
    chmod -R a+rX net lab
    PROGRAM=$SHARE/program
    [ "$(id -u)" != 0 ] || RUN=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    refused 'net.*: Permission denied$' --timeout 1
    fails 1 '^mkbootmedia: new: making the folder: Permission denied$' \
        "${RUN[@]}" "$PROGRAM" net -q -f lab/lab.conf -o new
    RUN=()
    mount --bind net net
    MOUNTS+=("$PWD/net")
    mount -o remount,bind,ro net
    refused 'net.*: Read-only file system$' --timeout 1
    fails 1 '^mkbootmedia: net.*: Read-only file system$' mkbootmedia net -q --rollback -o net ||
        grep -q 'no generation before' .err
    # what is as it should be needs no writing
    cp "$SHARE/lab/node1.key" lab/node1.key
    lab_net
}

@test "digests that cannot be kept are no reason to fail" {
    export SOURCE_DATE_EPOCH=1700000000
    lab_net
    mount --bind net net
    MOUNTS+=("$PWD/net")
    mount -o remount,bind,ro net
    settled lab # from now on they would be kept
    mkbootmedia net -f lab/lab.conf -o net 2>err
    grep -qx 'mkbootmedia: note: net: unchanged: generation 1, .* files' err
    [ "$(wc -l <err)" = 1 ]
}

# fills NAME LIMIT...: gives the file system on full/ a little more room each time, from none, until an
# update of the tree there ends; whatever fails before leaves the older generation as it is.
fills() {
    local step=0 before
    cp -r "$SHARE/net" expected
    change lab/lab.conf 's/timeout *= 7/timeout = 8/; s/"single"/"double"/; s/^add.*/add = "notes.txt:\/more\/notes"/'
    change lab/lab.conf '$ahost "02:00:00:00:00:11" { files = "notes.txt:/x" }'
    tiny_kernel lab/vmlinuz 77
    initrd lab/initrd.img 20000 78
    net -f lab/lab.conf -o expected
    mkdir -p full/net
    rmdir full/net
    net -f "$SHARE/lab/lab.conf" -o full/net
    before=$(served full/net)
    while [ $step -lt 200 ]; do
        "$1" $step
        if net -f lab/lab.conf -o full/net 2>err; then break; fi
        step=$((step + 1))
        cat err
        [ "$(grep -vc '^mkbootmedia: note: ' err)" = 1 ]
        grep -qE '^mkbootmedia: full/net.*: No space left on device$' err
        # new payload may be there already
        [ -z "$(comm -23 <(echo "$before") <(served full/net))" ] || { echo "room: $step" && return 1; }
        (cd full/net && sha256sum --quiet -c SHA256SUMS)
        payload_whole full/net
    done
    echo "$step runs found no room"
    [ $step -ge 5 ]
    whole full/net
    diff <(served expected) <(served full/net)
}

# All that is free but some pages of 4 KiB.
leave_blocks() {
    rm -f full/filler
    [ "$1" = 0 ] || sync -f full # what was removed is free at once
    head -c 100M /dev/zero >full/filler 2>/dev/null || true
    truncate -s "-$(($1 * 8192))" full/filler
}

@test "no space: tmpfs, two pages more each time" {
    mkdir full
    mount -t tmpfs -o size=2m none full
    MOUNTS+=("$PWD/full")
    fills leave_blocks
}

leave_inodes() { mount -o "remount,nr_inodes=$((used + $1))" full; }

@test "no inodes: tmpfs, where a hard link needs one too" {
    mkdir full
    mount -t tmpfs -o size=20m none full
    MOUNTS+=("$PWD/full")
    cp -r "$SHARE/net" full/net # as many as there will be
    used=$(df --output=iused full | tail -n 1)
    rm -r full/net
    leave() {
        used=${counted:-$(df --output=iused full | tail -n 1)}
        counted=$used
        leave_inodes "$1"
    }
    fills leave
}

@test "no space: ext4, some blocks more each time" {
    mkdir full
    truncate -s 4M disk
    mkfs.ext4 -q -m 0 -b 1024 -N 400 -O ^has_journal disk
    mount -o loop disk full
    MOUNTS+=("$PWD/full")
    blocks() {
        rm -f full/filler
        sync -f full
        head -c 100M /dev/zero >full/filler 2>/dev/null || true
        truncate -s "-$(($1 * 4096))" full/filler
        sync -f full
    }
    fills blocks
}

@test "a limit on the size of files" {
    lab_net
    initrd lab/initrd.img 3000000
    before=$(served net)
    # shellcheck disable=SC2016
    fails 1 '^mkbootmedia: net.*: File too large$' \
        bash -c 'ulimit -f 2000; exec "$@"' sh "$MKBOOTMEDIA" net -q -f lab/lab.conf -o net
    diff <(echo "$before") <(served net)
    whole net
}

@test "two runs at once: one is refused, the tree is one of theirs" {
    local i one two first second
    lab_net
    net -f lab/lab.conf -o a --timeout 11 --no-sync
    net -f lab/lab.conf -o b --timeout 12 --no-sync
    for i in 1 2 3 4 5; do
        "$MKBOOTMEDIA" net -q -f lab/lab.conf -o net --timeout 11 2>err.1 &
        first=$!
        "$MKBOOTMEDIA" net -q -f lab/lab.conf -o net --timeout 12 2>err.2 &
        second=$!
        one=0 two=0
        wait $first || one=$?
        wait $second || two=$?
        cat err.1 err.2
        [ $((one + two)) -le 1 ]
        [ $one = 0 ] || [ "$(cat err.1)" = 'mkbootmedia: net: writing: another mkbootmedia is writing it' ]
        [ $two = 0 ] || [ "$(cat err.2)" = 'mkbootmedia: net: writing: another mkbootmedia is writing it' ]
        whole net
        diff <(served a) <(served net) >/dev/null || diff <(served b) <(served net)
    done
    # one that holds the lock for certain
    exec 8<net
    flock 8
    refused 'net: writing: another mkbootmedia is writing it$' --timeout 13
    fails 1 '^mkbootmedia: net: writing: another mkbootmedia is writing it$' mkbootmedia net --rollback -o net
    exec 8<&-
}

@test "two runs at once for a tree that is not there yet" {
    local i one two first second
    for i in 1 2 3 4 5; do
        "$MKBOOTMEDIA" net -q -f lab/lab.conf -o new 2>err.1 &
        first=$!
        sleep "0.0$i"
        "$MKBOOTMEDIA" net -q -f lab/lab.conf -o new 2>err.2 &
        second=$!
        one=0 two=0
        wait $first || one=$?
        wait $second || two=$?
        cat err.1 err.2
        [ $((one + two)) -le 1 ]
        whole new
        [ -z "$(find . -maxdepth 1 -name '.*.mkbootmedia')" ]
        rm -r new
    done
}

# halfway: a run that is stopped while it copies lab/initrd.img, of 200 MB; sets pid
halfway() {
    local i
    for i in 1 2 3 4 5 6 7 8; do
        "$MKBOOTMEDIA" net -q -f lab/lab.conf -o net 2>err &
        pid=$!
        until compgen -G 'net/.mkbootmedia/new/*' >/dev/null || ! kill -0 $pid 2>/dev/null; do :; done
        kill -STOP $pid
        until grep -q '^State:[[:space:]]*[TZ]' /proc/$pid/status; do :; done # it ends its system call
        if [ "$(du -s net/.mkbootmedia/new | cut -f1)" -lt 150000 ]; then return; fi
        kill -CONT $pid
        wait $pid
        rm -rf net
        cp -a kept net
    done
    echo 'it is always too late'
    return 1
}

@test "an input that changes while it is being read never gets a name that is not its own" {
    lab_net
    before=$(served net)
    cp -a net kept
    initrd lab/initrd.img 200000000 5
    touch -r "$SHARE/lab/initrd.img" lab/initrd.img
    halfway
    # here and there, for who copies and who hashes are not at the same place
    perl -e 'open F, "+<", "lab/initrd.img"; for (1 .. 199) { seek F, $_ * 1e6, 0; print F "X" x 8; } close F or die'
    kill -CONT $pid
    status=0
    wait $pid || status=$?
    cat err
    payload_whole net
    if [ $status = 0 ]; then
        whole net
    else
        grep -qx 'mkbootmedia: lab/initrd.img: reading: the file has changed meanwhile' err
        diff <(echo "$before") <(served net)
    fi
    lab_net
    whole net
    cmp lab/initrd.img "net/$(jq -r '.entries[0].initrds[1]' net/manifest.json)"
}

# usage OPTION VALUE...: each value is wrong usage on the command line, and has its line in a spec
usage() {
    local option=$1 value key=${1//-/_}
    shift
    for value; do
        fails 2 "^mkbootmedia: net: --$option: .*(see mkbootmedia net --help)" \
            mkbootmedia net -q -k lab/vmlinuz --url $URL -o net "--$option=$value" || return 1
        [[ $value == *[\'\\$'\n']* || $value == *$'\t'* ]] && continue
        printf "entry a { kernel = vmlinuz }\n\n%s = '%s'\n" "$key" "$value" >lab/bad.conf
        [ "$key" = url ] || echo "url = '$URL'" >>lab/bad.conf
        fails 1 "^mkbootmedia: lab/bad.conf:3: reading: $key: " \
            mkbootmedia net -q -f lab/bad.conf -o net || return 1
    done
    [ ! -e net ]
}

@test "values that are none: exit 2 on the command line, file and line in a spec" {
    usage url '' 10.0.0.1 'http://' 'https://10.0.0.1/x' 'http://a b/' 'http://a/b c' 'http://a/../b' \
        'http://a:99999/' 'http://a/${x}' 'http://a/"' "http://a/'" 'http://a/;reboot' $'http://a/\nx'
    usage server '' x 10.0.0 10.0.0.1.1 999.0.0.1 boot.lab '::1' '10.0.0.1;'
    usage subnet '' x 10.0.0.0 10.0.0.0/33 10.0.0.1/24 '10.0.0.0/24;' 10.0.0.0/x
    usage interface '' 'a b' 'a;b' 'a"b' '{{x}}' 'abcdefghijklmnop' $'a\nb'
    usage server-path '' x ./x
    usage pxe '' x GRUB ipxe,grub
    usage keep '' 0 -1 x 1.5 1001 99999999999999999999
    usage timeout '' x -2 5s 86401 99999999999999999999
    usage firmware '' efi bios,efi bios, ,
}

@test "what net needs and has not, and what it does not take" {
    fails 2 '^mkbootmedia: net: --url: is missing' mkbootmedia net -q -k lab/vmlinuz -o net
    fails 2 '^mkbootmedia: net: --kernel: is missing' mkbootmedia net -q --url $URL -o net
    fails 2 '^mkbootmedia: net: --size: no such option' mkbootmedia net -q -k lab/vmlinuz --size 1G -o net
    fails 2 "^mkbootmedia: net: 'x': an operand" mkbootmedia net -q -k lab/vmlinuz --url $URL -o net x
    fails 2 '^mkbootmedia: plan: --url: is missing' mkbootmedia plan -k lab/vmlinuz net
    fails 1 '^mkbootmedia: --server: is missing: http://boot.lab/x has a name' \
        mkbootmedia net -q -k lab/vmlinuz --url http://boot.lab/x -o net
    fails 1 '^mkbootmedia: --pxe: iPXE is not signed' mkbootmedia net -q -k "$(kernel)" --url $URL \
        --firmware secureboot --pxe ipxe -o net
    fails 1 '^mkbootmedia: --pxe: a GRUB from grub-mkimage is not signed' \
        mkbootmedia net -q -k "$(kernel)" --url $URL --firmware secureboot --pxe grub -o net
    [ ! -e net ]
    mkbootmedia net -q -k lab/vmlinuz --url http://boot.lab/x --server 10.0.0.1 --firmware bios -o net
    whole net
}

@test "labels: what would not stay one line of a menu" {
    local label
    for label in $'x\nreboot' $'x\ry' $'x\ty' $'\e[2J' $'\xff' $'caf\xe9'; do
        fails 2 '^mkbootmedia: net: --label: .* (holds a control character|is not valid UTF-8) ' \
            mkbootmedia net -q -k lab/vmlinuz --url $URL --label "$label" -o net
        fails 1 '^mkbootmedia: --title: checking: the text ' \
            mkbootmedia net -q -k lab/vmlinuz --url $URL --title "$label" -o net
        fails 1 '^mkbootmedia: --cmdline: checking: the text ' \
            mkbootmedia net -q -k lab/vmlinuz --url $URL --cmdline "$label" -o net
    done
    [ ! -e net ]
}

@test "hosts' files that cannot be handed over" {
    sed 's/"node1.key:[^"]*"/"node1.key:\/a", "notes.txt:\/a"/' "$SHARE/lab/lab.conf" >lab/lab.conf
    fails 1 '^mkbootmedia: .*: handing over: two files want the path /a' mkbootmedia net -q -f lab/lab.conf -o net
    sed 's/"node1.key:[^"]*"/"node1.key:\/a", "node1.key:\/a-b", "notes.txt:\/a\/c"/' "$SHARE/lab/lab.conf" >lab/lab.conf
    fails 1 '^mkbootmedia: .*: handing over: two files want the path /a' mkbootmedia net -q -f lab/lab.conf -o net
    truncate -s 17M lab/node1.key
    cp "$SHARE/lab/lab.conf" lab/lab.conf
    fails 1 '^mkbootmedia: (lab/lab.conf:[0-9]+: )?.*lab/node1.key: handing over: larger than 16 MiB' \
        mkbootmedia net -q -f lab/lab.conf -o net
    [ ! -e net ]
    # also those of the last of many hosts leave a tree that is there as it is
    cp "$SHARE/lab/node1.key" lab/node1.key
    lab_net
    truncate -s 17M lab/node2.key
    echo x >>lab/node1.key
    refused '.*node2.key: handing over: larger than 16 MiB' --timeout 1
    whole net
}

@test "templates of the user's: what is wrong in them has its line, and nothing is made" {
    mkdir templates
    for name in boot.ipxe net.cfg host.ipxe host.cfg dnsmasq.conf nginx.conf entry.cfg entry.ipxe; do
        printf 'x\n{{nosuch}}\n' >templates/$name
        fails 1 "^mkbootmedia: templates/$name:2: rendering: no such name: \{\{nosuch\}\}$" \
            mkbootmedia net -q -f lab/lab.conf --templates templates -o net
        printf '\n\n{{> none.cfg}}\n' >templates/$name
        fails 1 '^mkbootmedia: none.cfg: rendering: no such template$' \
            mkbootmedia net -q -f lab/lab.conf --templates templates -o net
        printf '{{> %s}}\n' $name >templates/$name
        fails 1 "^mkbootmedia: templates/$name:1: rendering: too many partials" \
            mkbootmedia net -q -f lab/lab.conf --templates templates -o net
        rm templates/$name
    done
    [ ! -e net ]
    lab_net
    printf '{{nosuch}}\n' >templates/host.cfg
    refused 'templates/host.cfg:1: rendering: no such name' --templates templates
    # and what is right in them is taken
    echo 'echo {{mac}} of {{label}} at {{url}}' >templates/host.cfg
    lab_net --templates templates
    whole net
    [ "$(cat net/hosts/02-00-00-00-00-01.cfg)" = "echo 02-00-00-00-00-01 of LAB at $URL" ]
}
