# iso_layout: what image/iso9660 lays out, read back by xorriso, isoinfo, bsdtar and GRUB.
#
# tests/tools/mkiso.c makes an image of nothing but files. Tools that read Rock Ridge have to show the
# tree as it was; those that read Joliet or the bare names, the same contents.

bats_require_minimum_version 1.5.0

setup_file() {
    cd "$BATS_TEST_DIRNAME/.."
    make -s build/tools/mkiso
    MKISO=$PWD/build/tools/mkiso
    export MKISO LC_ALL=C.UTF-8 TZ=UTC
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    mkdir src
}

teardown() {
    chmod -R u+w "$BATS_TEST_TMPDIR"
}

# bytes N FILE: N bytes that differ from file to file and from block to block
bytes() {
    mkdir -p "$(dirname "$2")"
    seq 1 "$1" | sed "s|^|${2##*/} |" | head -c "$1" >"$2"
}

# make_iso OPTION...: test.iso from all of src/
make_iso() {
    { find src -type f -printf '%p=%P\n'; find src -mindepth 1 -type d -empty -printf '=%P/\n'; } >list
    "$MKISO" test.iso "$@" -T list >places
}

# The tree of src/ and of a folder have the same names and bytes, files 0444 and folders 0555.
same_as_src() {
    diff -r src "$1"
    [ -z "$(find "$1" -mindepth 1 -type f ! -perm 0444)" ]
    [ -z "$(find "$1" -mindepth 1 -type d ! -perm 0555)" ]
    [ -z "$(find "$1" -mindepth 1 ! -newermt '2023-11-14 22:13:19' -o -newermt '2023-11-14 22:13:20')" ]
}

xorriso_quiet() {
    xorriso -report_about WARNING -abort_on WARNING -return_with WARNING 32 -indev test.iso "$@"
}

check_bsdtar() {
    mkdir "$1"
    bsdtar -xpf test.iso -C "$1"
    same_as_src "$1"
}

check_xorriso() {
    xorriso_quiet -osirrox on -extract / "$1"
    same_as_src "$1"
}

# The contents of a folder, whatever the names.
sums() {
    find "$1" -type f -exec sha256sum {} + | cut -d ' ' -f 1 | sort
}

# The sizes of the files in src.
expected_files() {
    find src -type f -printf '%s\n' | sort -n
}

# "size block" of each file that isoinfo lists
isoinfo_files() {
    isoinfo -l "$@" -i test.iso |
        sed -n 's/^-.\{9\}\( *[0-9]*\)\{3\} *\([0-9]*\) .*\[ *\([0-9]*\) 00\] .*/\2 \3/p' | sort -n
}

same_in_all_hierarchies() {
    isoinfo_files >plain
    isoinfo_files -R >rock
    isoinfo_files -J >joliet
    cut -d ' ' -f 1 plain | diff - <(expected_files)
    diff plain rock
    diff plain joliet
}

@test "sizes around blocks, empty files and folders" {
    for n in 0 1 511 2047 2048 2049 4097; do
        bytes $n src/boot/size-$n
    done
    bytes 0 src/.disk/info
    mkdir -p src/empty/folder src/EFI
    make_iso
    check_bsdtar tar
    check_xorriso xorriso
    same_in_all_hierarchies
    # Joliet and bare names, read by the one that can be told to
    for without in rockridge rockridge,!joliet; do
        rm -rf plain && mkdir plain
        bsdtar -xf test.iso --options "!$without" -C plain
        diff <(sums plain) <(sums src)
    done
    [ -e plain/BOOT/SIZE_4097 ]
    isoinfo -R -x /boot/size-2049 -i test.iso | cmp - src/boot/size-2049
    isoinfo -J -x /boot/size-4097 -i test.iso | cmp - src/boot/size-4097
    isoinfo -x '/BOOT/SIZE_511.;1' -i test.iso | cmp - src/boot/size-511
    awk '$1 % 4096 && $2 !~ /\/$/ { exit 1 }' places
}

@test "400 files" {
    mkdir src/many
    for i in $(seq 400); do
        printf "%0$((i * 7))d" "$i" >"src/many/file number $i.txt"
    done
    make_iso
    check_bsdtar tar
    check_xorriso xorriso
    same_in_all_hierarchies
    [ "$(expected_files | wc -l)" = 400 ]
}

@test "20 folders deep, each name of 200 bytes" {
    part=$(printf 'ä€%.0s' $(seq 40))
    path=src
    mkdir -p src
    cd src
    for i in $(seq 10 29); do
        mkdir "${part:0:78}$i+" && cd "${part:0:78}$i+"
        [ "$(basename "$PWD" | wc -c)" -gt 195 ]
    done
    echo deep >leaf.txt
    cd "$BATS_TEST_TMPDIR"
    make_iso
    check_bsdtar tar
    check_xorriso xorriso
    same_in_all_hierarchies
}

@test "names of 1 to 255 bytes" {
    for i in $(seq 255); do
        name=$(printf "%0${i}d" "$i" | tr 0 n)
        echo "$i" >"src/$name"
    done
    make_iso
    check_bsdtar tar
    check_xorriso xorriso
    same_in_all_hierarchies
}

@test "names that become the same, and awkward ones" {
    long=$(printf 'a%.0s' $(seq 70))
    bytes 1 "src/${long}1"
    bytes 2 "src/${long}2"
    bytes 3 src/a.b.c
    bytes 4 src/A.B.C
    bytes 5 src/a.b.C
    bytes 6 'src/with blank'
    bytes 7 src/-dash
    bytes 8 "src/quote'and\"quote"
    bytes 9 'src/$HOME'
    bytes 10 'src/back\slash:*?;'
    bytes 11 'src/;1'
    bytes 12 'src/smile 😀'
    bytes 13 'src/smile 😁'
    bytes 14 src/.hidden
    bytes 15 src/trailing.
    bytes 16 src/A_B.C/x
    make_iso
    check_bsdtar tar
    check_xorriso xorriso
    same_in_all_hierarchies
    [ -z "$(isoinfo -f -i test.iso | sort | uniq -d)" ]
    [ -z "$(isoinfo -J -f -i test.iso | sort | uniq -d)" ]
}

@test "GRUB finds and compares files" {
    command -v grub-fstest >/dev/null || skip "no grub-fstest"
    bytes 3000 src/boot/grub/grub.cfg
    bytes 100000 "src/boot/$(printf 'x%.0s' $(seq 250))"
    bytes 0 src/.disk/marker
    make_iso
    (cd src && find . -type f -printf '%P\n') | while read -r path; do
        grub-fstest "$PWD/test.iso" cmp "(loop0)/$path" "$PWD/src/$path"
    done
    run ! grub-fstest "$PWD/test.iso" cmp "(loop0)/boot/grub/grub.cfg" "$PWD/list"
    run ! grub-fstest "$PWD/test.iso" cmp "(loop0)/boot/grub.cfg" "$PWD/list"
}

@test "label, dates and boot catalog as others see them" {
    bytes 5000 src/boot/eltorito.img
    make_iso -b -l 'Rescue disk 2024-01_a.b' -t 1000000000
    run -0 blkid -p -o export test.iso
    [[ $output == *"LABEL=Rescue\\ disk\\ 2024-01_a.b"* ]]
    [[ $output == *"TYPE=iso9660"* && $output == *"UUID=2001-09-09-01-46-40-00"* ]]
    run -0 --separate-stderr xorriso -indev test.iso -pvd_info -report_el_torito plain
    [[ $output == *"Creation Time: 2001090901464000"* ]]
    [[ $output == *"Expir. Time  : 0000000000000000"* ]]
    [[ $output == *"App Id       : MKBOOTMEDIA"* ]]
    [[ $output == *"El Torito boot img :   1  BIOS  y   none  0x0000  0x00      4 "* ]]
    [[ $output == *"El Torito img path :   1  /boot/eltorito.img"* ]]
    size=$(stat -c %s test.iso)
    [[ $(isoinfo -d -i test.iso) == *"Volume size is: $((size / 2048))"* ]]
}

@test "the same files give the same bytes, in another zone and folder" {
    bytes 5000 src/b/x
    bytes 5000 src/a
    make_iso -b
    mkdir elsewhere && mv src list elsewhere/ && tac elsewhere/list >elsewhere/list2
    (cd elsewhere && umask 077 && TZ=Asia/Tokyo LC_ALL=C "$MKISO" test.iso -b -T list2 >places)
    cmp test.iso elsewhere/test.iso
}

@test "a sparse file of 4.1 GiB" {
    size=4402341479
    truncate -s $size src/big
    marks="0 4294963190 4294963200 4294967290 4294967300 $((size - 7))"
    for mark in $marks; do
        printf 'at %04d' $((mark % 9999)) | dd of=src/big bs=1 seek=$mark conv=notrunc status=none
    done
    bytes 1000 src/small
    make_iso
    [ "$(du -k test.iso | cut -f 1)" -lt 2048 ]
    [ "$(bsdtar -tvf test.iso big | awk '{ print $5 }')" = $size ]
    bsdtar -xSf test.iso big # sparse again: blocks of zeros take no room
    [ "$(stat -c %s big)" = $size ] && [ "$(du -k big | cut -f 1)" -le "$(du -k src/big | cut -f 1)" ]
    for mark in $marks; do
        cmp -n 7 -i $mark big src/big
    done
    [ "$(bsdtar -tvf test.iso --options '!rockridge' big | awk '{ print $5 }')" = $size ]
    [[ $(xorriso_quiet -lsl /big) == *" $size "* ]]
    for start in 0 4294960000 $((size - 10000)); do
        rm -f cut
        xorriso_quiet -osirrox on -extract_cut /big $start 10000 cut
        tail -c +$((start + 1)) src/big | head -c 10000 | cmp - cut
    done
    bsdtar -xOf test.iso small | cmp - src/small
}

@test "10,000 files whose names become the same take no time" {
    seq -f "src/x=d/$(printf 'same%.0s' {1..20})%.0f.img" 10000 >list
    echo x >src/x
    timeout 10 "$MKISO" test.iso -T list >/dev/null
    [ "$(bsdtar -tf test.iso | sort -u | wc -l)" = 10002 ]
    [ "$(isoinfo -f -i test.iso | sort -u | wc -l)" = 10001 ]
}
