#!/usr/bin/env bats
# verify: a medium against its manifest, and the manifest against the medium.

bats_require_minimum_version 1.5.0
load lib
load write
load verify

setup_file() {
    [ "$(id -u)" = 0 ] # loop devices
    export SHARE=$BATS_FILE_TMPDIR
    cd "$SHARE"
    kernel=$(kernel)
    cp "$kernel" vmlinuz
    initrd initrd 300001
    keys own other
    printf '#!/bin/sh\n' >added.sh
    for kind in usb iso; do
        mkbootmedia $kind -q -k vmlinuz -i initrd --add added.sh:/tools/ --manifest \
            --sign-key own.key --sign-cert own.pem -o lab.$kind
        inside lab.$kind >$kind.json
    done
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    for name in lab.usb lab.iso usb.json iso.json own.key own.pem other.pem vmlinuz initrd; do
        ln -s "$SHARE/$name" .
    done
}

teardown() { disks_free; }

@test "an image is as it was made" {
    for kind in usb iso; do
        mkbootmedia verify lab.$kind >said 2>err
        [ ! -s err ]
        grep -qE "^lab\.$kind: as it was made: [0-9]+ files, [0-9]+ regions, [0-9]+ bytes compared; signed by own$" said
        mkbootmedia verify -q lab.$kind >said
        [ ! -s said ]
        mkbootmedia verify --json --signed-by own.pem lab.$kind >said
        [ "$(jq -c '[.same, .manifest, .medium, .faults, .remarks, .files]' said)" = \
            "[true,\"inside\",\"$kind\",[],[],$(jq '[.files[] | select(.size > 0)] | length' $kind.json)]" ]
    done
}

@test "the manifest says what is there: places, sizes, sums, and its own sum" {
    for kind in usb iso; do
        changed lab.$kind $kind.json calm
        jq -r '(.files[] | select(.sha256 and .size > 0) | "\(.place) \(.size) \(.sha256) \(.path)"),
               (.regions[] | "\(.offset) \(.size) \(.sha256) \(.what)")' $kind.json |
            awk '/[A-Z]/ || /vmlinuz|initrd|cfg/ || NR % 5 == 0 { print }' | grep -v 'i386-pc/[b-z]' >rows
        [ "$(wc -l <rows)" -ge 20 ]
        while read -r place size sum what; do
            echo "$kind: $what"
            [ "$(cut_out calm "$place" "$size" | sha256sum)" = "$sum  -" ]
        done <rows
        [ "$(jq .size $kind.json)" = "$(stat -Lc %s lab.$kind)" ]
        made_up $kind.json . | cmp - <(text_only <$kind.json)
        diff <(sfdisk -J lab.$kind | jq -c '.partitiontable.partitions[] | [.start * 512, .size * 512, .uuid]') \
            <(jq -c '.partitions[] | [.offset, .size, .guid]' $kind.json)
    done
}

@test "other programs read the same files: mtype, bsdtar, xorriso" {
    while read -r sum path; do
        [ "$(mtype -i "$(esp lab.usb)" "::/$path" | sha256sum)" = "$sum  -" ]
    done < <(jq -r '.files[] | select(.sha256) | "\(.sha256) \(.path)"' usb.json | awk 'NR % 7 == 1 || /vmlinuz|tools/')
    mkdir by_bsdtar by_xorriso
    bsdtar -xf lab.iso -C by_bsdtar
    xorriso -osirrox on -indev lab.iso -extract / by_xorriso 2>/dev/null
    # a path that is in both file systems is there twice
    jq -r '.files[] | select(.sha256) | "\(.sha256)  \(.path)"' iso.json | awk '$2 !~ /^EFI/ && n[$2]++ < 1' >sums
    for folder in by_bsdtar by_xorriso; do
        (cd $folder && sha256sum -c ../sums 2>/dev/null | grep -v ': OK$' || :) >odd
        [ "$(grep -c . odd)" -le 1 ]
        cmp <(cat $folder/.disk/manifest.json) iso.json
    done
}

@test "a bit that is another is found, and told where: regions, files, zeros" {
    for kind in usb iso; do
        cp --sparse=always "$SHARE/lab.$kind" bad
        places $kind.json >places
        [ "$(wc -l <places)" -ge 25 ]
        while read -r at what; do
            echo "$kind: $what at $at"
            flip bad "$at"
            run -1 --separate-stderr mkbootmedia verify --json bad
            [ "$(jq -r '[.faults[].what] | unique | join(" ")' <<<"$output")" = "$what" ]
            flip bad "$at"
        done <places
        cmp bad lab.$kind
    done
}

@test "bytes that a boot may change, and free clusters, may be others" {
    for kind in iso usb; do
        changed lab.$kind $kind.json touched '\xaa'
        none cmp -s touched lab.$kind
        mkbootmedia verify -q touched
    done
    read -r at len < <(jq -r '.spare[0] | "\(.[0]) \(.[1])"' usb.json)
    flip touched "$at"
    flip touched $((at + len - 1))
    cp touched free
    mkbootmedia verify -q touched
    flip free $((at - 1))
    run -1 mkbootmedia verify free
}

@test "the manifest's text, its padding and its signature count" {
    for kind in usb iso; do
        cp --sparse=always "$SHARE/lab.$kind" bad
        read -r at len < <(jq -r '.files[] | select(.path == ".disk/manifest.json") | "\(.place) \(.size)"' $kind.json)
        read -r sig sig_len < <(jq -r '.files[] | select(.path == ".disk/manifest.json.p7s") | "\(.place) \(.size)"' $kind.json)
        for skip in 0 1 5000 $(($(text_only <$kind.json | wc -c) - 10)) $((len - 1)); do
            flip bad $((at + skip))
            run -1 mkbootmedia verify bad
            flip bad $((at + skip))
        done
        for skip in 0 25 50 300 $((sig_len / 2)) $((sig_len - 1)); do
            flip bad $((sig + skip))
            run -1 --separate-stderr mkbootmedia verify --json bad
            [ "$(jq -r '.faults[].what' <<<"$output")" = .disk/manifest.json.p7s ]
            flip bad $((sig + skip))
        done
        cmp bad lab.$kind
    done
}

@test "a file that was added is named" {
    cp --sparse=always "$SHARE/lab.usb" bad
    echo more >more.txt
    mcopy -i "$(esp bad)" more.txt ::/EFI/more.txt
    run -1 --separate-stderr mkbootmedia verify --json bad
    [ "$(jq -c .remarks <<<"$output")" = '["EFI/more.txt: was added"]' ]
    jq -e '.faults[] | select(.what == "FAT folders")' <<<"$output"
}

@test "a truncated image, one that is none, and one without a manifest" {
    head -c -1 lab.iso >cut
    run -1 mkbootmedia verify cut
    [[ $output == *'cut: verifying: cut is cut short: this is missing (1 bytes at '* ]]
    head -c 100000 lab.usb >cut
    fails 1 'cut: verifying: there is no manifest in it, nor beside it$' mkbootmedia verify cut
    for size in 1 511 512 4096 100000; do
        noise $size >noise
        fails 1 '^mkbootmedia: noise: ' mkbootmedia verify noise
    done
    fails 1 '^mkbootmedia: nothing: opening: ' mkbootmedia verify nothing
    fails 2 . mkbootmedia verify
    fails 2 . mkbootmedia verify lab.usb lab.iso
}

@test "the manifest beside an image: the same text, and used when that inside is damaged" {
    for kind in usb iso; do
        cmp "$SHARE/lab.$kind.manifest.json" $kind.json
        mkbootmedia verify -q lab.$kind --manifest "$SHARE/lab.$kind.manifest.json"
        cp --sparse=always "$SHARE/lab.$kind" bad
        at=$(jq -r '.files[] | select(.path == ".disk/manifest.json").place' $kind.json)
        flip bad $((at + 3000))
        fails 1 'bad: verifying: its manifest is damaged: its own sum is wrong$' mkbootmedia verify bad
        cp "$SHARE/lab.$kind.manifest.json" bad.manifest.json
        run -1 --separate-stderr mkbootmedia verify --json bad
        [ "$(jq -c '[.manifest, [.faults[].what], .signer != null]' <<<"$output")" = \
            '["beside",["manifest",".disk/manifest.json"],true]' ]
        # where no file system leads to it
        [ $kind = usb ] || continue
        cp --sparse=always "$SHARE/lab.usb" bad
        printf '\0' | dd of=bad bs=1 seek=$((2 * 1048576 + 12)) count=1 conv=notrunc status=none
        run -1 --separate-stderr mkbootmedia verify --json bad
        [ "$(jq -c '[.manifest, [.faults[].what]]' <<<"$output")" = '["inside",["FAT boot sector"]]' ]
        rm bad.manifest.json
    done
}

@test "openssl accepts the signature, and refuses it for another manifest" {
    for kind in usb iso; do
        cp "$SHARE/lab.$kind.manifest.json" text
        cp "$SHARE/lab.$kind.manifest.json.p7s" sig
        cmp sig <(inside lab.$kind .disk/manifest.json.p7s)
        accept=(openssl cms -verify -inform DER -binary -in sig -content text -purpose any -out /dev/null -CAfile)
        "${accept[@]}" own.pem
        none "${accept[@]}" other.pem
        flip text 4000
        none "${accept[@]}" own.pem
        mkbootmedia verify -q --signed-by own.pem lab.$kind
        run -1 mkbootmedia verify --signed-by other.pem lab.$kind
        [[ $output == *'manifest.json.p7s was made by another key ('* ]]
    done
    fails 1 'own.key: ' mkbootmedia verify --signed-by own.key lab.usb
    mkbootmedia usb -q -k vmlinuz -o plain
    run -1 mkbootmedia verify --signed-by own.pem plain
    [[ $output == *'.disk/manifest.json.p7s is missing' ]]
}

@test "disks: larger ones, of 512 and 4096 bytes a sector; files; dd; usb --write" {
    for kind in usb iso; do
        for sector in 512 4096; do
            disk=$(disk 64M $sector)
            onto lab.$kind "$disk"
            mkbootmedia verify --json "$disk" >said
            [ "$(jq -c '[.same, .remarks]' said)" = '[true,[]]' ]
            # both tables, what is before them, and the last sector
            for at in 0 3 446 510 $sector $((sector + 60)) $((2 * sector)) $((2 * sector + 130)) \
                $((67108864 - sector)) $((67108864 - sector - 16384 + 5)) \
                $(places $kind.json | awk '!/GPT|zeros/ && NR % 6 == 1 { print $1 }'); do
                echo "$kind on $sector: $at"
                flip "$disk" "$at"
                run -1 mkbootmedia verify "$disk"
                flip "$disk" "$at"
            done
            mkbootmedia verify -q "$disk"
        done
        soil "$disk"
        disk=$(disk 64M)
        dd if=lab.$kind of="$disk" bs=1M conv=fsync status=none
        mkbootmedia verify -q "$disk"
        flip "$disk" $(($(stat -Lc %s lab.$kind) - 500))
        run -1 mkbootmedia verify "$disk"
    done
    truncate -s 80M file
    soil_file file
    mkbootmedia write -q --yes --allow-file lab.usb file
    mkbootmedia verify -q file
    disk=$(disk 64M)
    mkbootmedia usb -q --yes --allow-fixed -k vmlinuz -i initrd --write "$disk"
    mkbootmedia verify -q "$disk"
    flip "$disk" 1048600
    run -1 mkbootmedia verify "$disk"
    [[ $output == *'GRUB core image differs'* ]]
}

@test "manifests that nobody has made: one line, and no more time or memory than others" {
    n=0
    while IFS=@ read -r filter regex; do
        echo "$filter"
        made_up usb.json "$filter" >made
        fails 1 "$regex" timeout 60 "$MKBOOTMEDIA" verify --manifest made lab.usb
        n=$((n + 1))
    done <<'END'
.size = -1@says something impossible
.size = 0@says something impossible
.size = 4503599627370496@is cut short
.format = 2@does not know
.generator = "x"@is no manifest
.files[0].place = -5@says something impossible
.files[0].place = .files[1].place@says something impossible
.files[1].size = 4503599627370496@says something impossible
.files[0].sha256 = null@says something impossible
.files[0].path = "../x"@says something impossible
.regions[0].offset = .size@says something impossible
.changing[0] = [-1, 5]@says something impossible
.changing |= reverse@says something impossible
.spare = [[0, .size + 1]]@says something impossible
.partitions[0].size = 1@says something impossible
.partitions = [range(500) | {name: "a", type: "b", guid: "c", offset: 512, size: 512}]@says something impossible
.medium = "net" | del(.size)@says something impossible
del(.size, .files, .regions, .changing, .spare, .partitions)@is not of an image
END
    [ $n -ge 15 ]
    head -c 5000 usb.json >cut
    fails 1 '^mkbootmedia: cut: reading: does not end with its sum' mkbootmedia verify --manifest cut lab.usb
    truncate -s 65M large
    fails 1 '^mkbootmedia: large: reading: is too large' mkbootmedia verify --manifest large lab.usb
    mkfifo fifo
    fails 1 '^mkbootmedia: fifo: opening: ' mkbootmedia verify --manifest fifo lab.usb
    { head -c 100000 /dev/zero | tr '\0' '['; } | sealed >deep
    fails 1 '^mkbootmedia: deep: reading: is no JSON' mkbootmedia verify --manifest deep lab.usb
    # the manifest of another image: most of it differs
    run -1 mkbootmedia verify --manifest iso.json lab.usb
    # as many pieces as spare ranges
    made_up usb.json '.regions = [range(60000) | {what: "a", offset: (. * 64), size: 1, sha256: ("0" * 64)}] |
        .files = [] | .spare = [range(60000) | [. * 64 + 8, 1]] | .partitions = []' >many
    status=0
    timeout 60 "$MKBOOTMEDIA" verify --json --manifest many lab.usb >said 2>err || status=$?
    [ $status = 1 ]
    # line ends without end, behind a manifest's first lines
    { head -n 3 usb.json && head -c 64000000 /dev/zero | tr '\0' '\n'; } >ends
    run -1 timeout 60 "$MKBOOTMEDIA" verify ends
    # partitions that no table holds, on a disk where they count
    made_up usb.json '.partitions[1].offset = .partitions[0].offset' >made
    disk=$(disk 64M)
    onto lab.usb "$disk"
    run -1 mkbootmedia verify --manifest made "$disk"
}

@test "a boot root: changed, missing, added, and what only looks like a file" {
    net() { mkbootmedia net -q -k vmlinuz --url http://10.0.0.1/boot "$@" -o root; }
    net -i initrd
    mkbootmedia verify root >said
    grep -q '^root: as it was made: ' said
    [ "$(wc -l <said)" = 1 ]
    # a second generation, with what the first leaves behind
    net --title Other
    [ "$(mkbootmedia verify root | wc -l)" = 1 ]
    faults() {
        run -1 --separate-stderr mkbootmedia verify --json root
        [ "$(jq -r '.faults[] | "\(.what) \(.why)"' <<<"$output")" = "$1" ]
    }
    cp -a root good
    again() { rm -rf root && cp -a good root; }
    flip root/boot.ipxe 10
    faults 'boot.ipxe differs'
    again
    flip root/SHA256SUMS 10
    faults 'SHA256SUMS differs'
    again
    echo >>root/grub/grub.cfg
    faults 'grub/grub.cfg has another size'
    again
    rm root/http/nginx.conf
    faults 'http/nginx.conf is missing'
    again
    mv root/boot.ipxe elsewhere
    ln -s ../elsewhere root/boot.ipxe
    faults 'boot.ipxe is not a regular file'
    again
    rm root/boot.ipxe
    mkfifo root/boot.ipxe
    faults 'boot.ipxe is not a regular file'
    again
    mv root/http outside
    ln -s ../outside root/http
    faults 'http/nginx.conf is not in a folder of the tree'
    again
    mkdir root/mine
    echo >root/mine/file
    [ "$(mkbootmedia verify --json root | jq -c '[.same, .remarks]')" = '[true,["mine/file: was added"]]' ]
    cp root/manifest.json saved
    flip root/manifest.json 100
    fails 1 'root/manifest.json: reading: is damaged' mkbootmedia verify root
    rm root/manifest.json
    fails 1 'root/manifest.json: opening: ' mkbootmedia verify root
    mkbootmedia verify -q --manifest saved root
    fails 1 'only manifests of images are signed' mkbootmedia verify --manifest saved --signed-by own.pem root
    fails 1 'is of an image' mkbootmedia verify --manifest usb.json root
    fails 1 'is not of an image' mkbootmedia verify --manifest saved lab.usb
}

@test "all: each output by its digest, a boot root by its own manifest, too" {
    printf '%s\n' 'outputs = { "usb", "iso", "net" }' 'url = "http://10.0.0.1/boot"' \
        'entry one { kernel = "vmlinuz" initrd = "initrd" }' >lab.conf
    mkbootmedia all -q -f lab.conf -o out
    mkbootmedia verify out >said
    [ "$(wc -l <said)" = 1 ]
    [ "$(mkbootmedia verify --json out | jq -c '[.same, .medium, .remarks, .files > 10]')" = '[true,"all",[],true]' ]
    faults() {
        run -1 --separate-stderr mkbootmedia verify --json out
        [ "$(jq -r '.faults[] | "\(.what) \(.why)"' <<<"$output")" = "$1" ]
    }
    flip out/lab.img 2200000
    faults 'lab.img differs'
    flip out/lab.img 2200000
    rm out/lab.iso
    flip out/net/boot.ipxe 9
    faults $'lab.iso is missing\nnet/boot.ipxe differs'
    echo >out/net/more
    echo >out/more
    [ "$(mkbootmedia verify --json out | jq -c '.remarks | sort')" = '["more: was added","net/more: was added"]' ]
    printf '\n' >>out/net/manifest.json
    faults $'lab.iso is missing\nnet/manifest.json has another size\nnet/boot.ipxe differs'
    flip out/net/manifest.json 50
    faults $'lab.iso is missing\nnet/manifest.json has another size\nnet/manifest.json is damaged: its own sum is wrong'
    cp usb.json out/net/manifest.json
    faults $'lab.iso is missing\nnet/manifest.json has another size\nnet/manifest.json is not of a boot root'
    rm -r out/net
    ln -s /etc out/net
    faults $'lab.iso is missing\nnet/manifest.json is not in a folder of the tree'
}

@test "the same bytes with and without --manifest, and with a cache that is cold, warm or damaged" {
    usb() { mkbootmedia usb -q -k vmlinuz -i own_initrd "$@"; }
    cache=$XDG_CACHE_HOME/mkbootmedia/digests
    cp initrd own_initrd
    usb -o cold
    [ -s "$cache" ]
    cp "$cache" saved
    usb -o warm --manifest
    cmp cold warm
    [ ! -e cold.manifest.json ]
    cmp <(inside warm) warm.manifest.json
    for damage in ':' 'head -c 100 saved' 'noise 5000' 'sed s/[0-9]/x/9 saved' 'cat saved saved'; do
        $damage >"$cache"
        usb -o again
        cmp cold again
    done
    rm -r "$XDG_CACHE_HOME"
    : >"$XDG_CACHE_HOME" # where no cache can be
    usb -o again
    cmp cold again
}

@test "the cache is not believed when a file has changed, whatever its time says" {
    cp initrd own_initrd
    mkbootmedia usb -q -k vmlinuz -i own_initrd -o before
    time=$(stat -c %y own_initrd)
    flip own_initrd 200000
    touch -d "$time" own_initrd
    mkbootmedia usb -q -k vmlinuz -i own_initrd -o after
    none cmp -s before after
    mkbootmedia verify -q after
    # a wrong digest in it would be seen
    sed -i 's/^..../0000/' "$XDG_CACHE_HOME/mkbootmedia/digests"
    mkbootmedia usb -q -k vmlinuz -i own_initrd -o after
    run -1 mkbootmedia verify after
    [[ $output == *'initrd.img differs'* ]]
}

@test "a file that changes while it is read is an error" {
    cp initrd own_initrd
    # the pipe holds less than the image: mkbootmedia waits in the midst of it
    (mkbootmedia usb -q -k vmlinuz -i own_initrd -o - 2>err || echo $? >status) | {
        head -c 100000
        flip own_initrd 5000
        cat
    } >image
    [ "$(cat status)" = 1 ]
    grep -qx 'mkbootmedia: own_initrd: reading: the file has changed meanwhile' err
}

@test "many files and folders: the manifest has the room that was kept for it" {
    for i in $(seq 400); do
        mkdir -p "many/d$((i % 80))/e"
        echo "$i" >"many/d$((i % 80))/e/$i-$(printf 'ü%.0s' {1..90})"
    done
    for kind in usb iso; do
        mkbootmedia $kind -q -k vmlinuz --add many -o image
        mkbootmedia verify -q image
    done
}
