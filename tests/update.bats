#!/usr/bin/env bats
# update: a stick's new content beside the old: what is replaced, what stays, and that nothing is
# written where it may not be. What is interrupted is in update_crash.bats.

bats_require_minimum_version 1.5.0
load lib
load write
load ramroot
load stick

setup_file() {
    [ "$(id -u)" = 0 ] # loop devices
    export SHARE=$BATS_FILE_TMPDIR
    cd "$SHARE" || return
    kernel=$(kernel)
    cp "$kernel" kernel.1
    { cat kernel.1 && printf 'more'; } >kernel.2
    initrd initrd.1 3000001
    initrd initrd.2 2000003 2
    noise 100001 3 >mine
    mkbootmedia usb -q -k kernel.1 -i initrd.1 --title "It's one" --cmdline 'quiet a="b c"' --label STICK \
        --timeout 7 --console ttyS0,115200 --console tty0 --data 16M --add mine:/docs/mine.bin -o stick.img
    cat >lab.conf <<END
label = "SPEC"
timeout = 3
size = "64M"
entry one { kernel = "kernel.1" initrd = { "initrd.1", "initrd.2" } title = "One" }
entry two { kernel = "kernel.2" cmdline = "two=2" firmware = "uefi" }
default = "two"
END
    stick disk stick.img
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    cp "$SHARE/disk" disk
}

teardown() { disks_free; }

# bytes_of FILE TYPE: the sum of a partition's bytes.
bytes_of() {
    local start size
    read -r start size < <(partition "$1" "$2")
    tail -c +$((start + 1)) "$1" | head -c "$size" | sha256sum
}
DATA=0FC63DAF-8483-4772-8E79-3D69D8477DE4

# stays FILE: what no update of these tests changes.
stays() {
    [ "$(bytes_of "$1" $DATA)" = "$(bytes_of "$SHARE/disk" $DATA)" ]
    diff <(sfdisk -d "$1" | grep 'name="Data"' | cut -d: -f2) <(sfdisk -d "$SHARE/disk" | grep 'name="Data"' | cut -d: -f2)
    same "$1" docs/mine.bin "$SHARE/mine"
}

# refused REGEX COMMAND...: exit 1, and the disk is as it was.
refused() {
    local before regex=$1
    shift
    before=$(sha256sum <disk)
    fails 1 "$regex" "$@"
    [ "$(sha256sum <disk)" = "$before" ]
}

@test "a new initramfs: the menu is as it was" {
    on_stick disk boot/grub/grub.cfg >before
    update disk -i "$SHARE/initrd.2"
    good disk
    stays disk
    same disk boot/linux/initrd.img "$SHARE/initrd.2"
    same disk boot/linux/vmlinuz "$SHARE/kernel.1"
    same disk boot/grub/grub.cfg before
    [ "$(manifest disk '[.label, .menu.timeout, .entries[0].title, (.menu.consoles | join(" ")), (.added | join(" "))] | join("|")')" = \
        "STICK|7|It's one|ttyS0,115200 tty0|docs/mine.bin" ]
    [ "$(manifest disk '.entries[0].arguments | join("|")')" = 'console=ttyS0,115200|console=tty0|quiet|a=b c' ]
}

@test "a new kernel; other settings; nothing at all" {
    update disk -k "$SHARE/kernel.2"
    good disk
    same disk boot/linux/vmlinuz "$SHARE/kernel.2"
    same disk boot/linux/initrd.img "$SHARE/initrd.1"
    update disk --title Two --cmdline 'x=1' --label OTHER --timeout -1 --console tty0
    good disk
    same disk boot/linux/vmlinuz "$SHARE/kernel.2"
    [ "$(manifest disk '[.label, .menu.timeout, .entries[0].title, (.entries[0].arguments | join(" "))] | join("|")')" = \
        'OTHER|-1|Two|console=tty0 x=1' ]
    mlabel -s -i "$(esp disk)" :: | grep -q OTHER
    on_stick disk .disk/manifest.json >before
    update disk
    good disk
    stays disk
    on_stick disk boot/grub/grub.cfg | grep -q "'Two'"
    [ "$(manifest disk '.entries | tojson')" = "$(jq -r '.entries | tojson' before)" ]
    [ "$(manifest disk '.menu | tojson')" = "$(jq -r '.menu | tojson' before)" ]
}

@test "again and again: the places are used in turn" {
    local place last='' places=()
    for i in 1 2 3 4; do
        update disk -i "$SHARE/initrd.$((i % 2 + 1))" --title "Number $i"
        good disk
        stays disk
        same disk boot/linux/initrd.img "$SHARE/initrd.$((i % 2 + 1))"
        place="$(partition disk "$ESP") $(core_of disk)"
        [ "$place" != "$last" ]
        last=$place places+=("$place")
        [ "$(sfdisk -d disk | grep -c start=)" = 3 ]
    done
    [ "${places[0]}" = "${places[2]}" ] && [ "${places[1]}" = "${places[3]}" ]
}

@test "a spec file replaces all entries; -i then speaks of the default one" {
    update disk --spec "$SHARE/lab.conf"
    good disk
    stays disk
    [ "$(manifest disk '[.label, .menu.timeout, .menu.default, (.entries | map(.name) | join(" "))] | join("|")')" = 'SPEC|3|two|one two' ]
    none get disk boot/linux/vmlinuz gone
    update disk -i "$SHARE/initrd.1" --title Zwei
    good disk
    same disk boot/one/initrd2.img "$SHARE/initrd.2"
    same disk boot/two/initrd.img "$SHARE/initrd.1"
    same disk boot/two/vmlinuz "$SHARE/kernel.2"
    [ "$(manifest disk '.entries | map(.title + " " + (.firmware | join(","))) | join("|")')" = 'One |Zwei uefi' ]
}

@test "a root that runs from RAM: made, kept, and not with another kernel alone" {
    small_tree "$PWD/tree"
    update disk -r tree
    good disk
    stays disk
    manifest disk '.entries[0].root.mode' | grep -qx tmpfs
    get disk boot/linux/initrd.img root.img
    manifest disk '.entries[0] | [.root, .arguments] | tojson' >before
    update disk --title 'From RAM'
    good disk
    same disk boot/linux/initrd.img root.img
    [ "$(manifest disk '.entries[0] | [.root, .arguments] | tojson')" = "$(cat before)" ]
    before=$(sha256sum <disk)
    fails 1 '^mkbootmedia: disk: updating: entry linux runs a root from RAM, .*: --root is missing' update disk -k "$SHARE/kernel.1"
    [ "$(sha256sum <disk)" = "$before" ]
    update disk -r tree --mode overlay --fetch
    good disk
    image=$(manifest disk '.entries[0].root.path')
    get disk "$image" root.img
    update disk --timeout 1
    good disk
    same disk "$image" root.img
    update disk -i "$SHARE/initrd.2"
    good disk
    none manifest disk '.entries[0].root'
    none get disk "$image" gone
}

@test "added files: kept, replaced, more of them" {
    echo other >other
    mkdir folder
    echo a >folder/a
    update disk --add other:/Docs/MINE.bin --add folder:/folder
    good disk
    same disk docs/mine.bin other
    same disk folder/a folder/a
    echo changed >changed
    put disk changed folder/a # by the user, on the stick
    mdel -i "$(esp disk)" ::/Docs/MINE.bin
    update disk
    good disk
    same disk folder/a changed
    none get disk Docs/MINE.bin gone
}

@test "files that were copied onto it stay: in folders, in pieces, empty, with odd names" {
    noise 700001 5 >large
    : >empty
    mmd -i "$(esp disk)" ::/Deep ::/Deep/er
    put disk empty 'Deep/er/empty'
    put disk large 'Deep/er/A long name, ünïcode.bin'
    # holes of one cluster, then a file that has to fill them
    for i in $(seq 40); do echo "$i" >small && put disk small "small.$i"; done
    for i in $(seq 1 2 40); do mdel -i "$(esp disk)" "::/small.$i"; done
    noise 30000 6 >pieces
    put disk pieces pieces
    for turn in 1 2; do
        update disk --title "Turn $turn"
        good disk
        stays disk
        same disk pieces pieces
        same disk 'Deep/er/empty' empty
        same disk 'Deep/er/A long name, ünïcode.bin' large
        [ "$(mdir -b -i "$(esp disk)" ::/ | grep -c small)" = 20 ]
        [ "$(on_stick disk small.40)" = 40 ]
    done
    # in the way of what is new
    mmd -i "$(esp disk)" ::/boot/two
    put disk empty boot/two/vmlinuz
    before=$(sha256sum <disk)
    fails 1 '^mkbootmedia: boot/two/vmlinuz: adding to the medium: two files want this path' update disk --spec "$SHARE/lab.conf"
    [ "$(sha256sum <disk)" = "$before" ]
}

@test "firmware: kept, other; a stick without BIOS" {
    mkbootmedia usb -q -k "$SHARE/kernel.1" --firmware uefi -o uefi.img
    stick only uefi.img
    update only -i "$SHARE/initrd.1"
    mkbootmedia verify -q only
    [[ $(manifest only '.menu.firmware | join(",")') = uefi* ]]
    [ "$(sfdisk -d only | grep -c start=)" = 1 ]
    before=$(sha256sum <only)
    fails 1 '^mkbootmedia: --firmware: the stick has no place for GRUB for BIOS: write it anew' update only --firmware bios,uefi
    [ "$(sha256sum <only)" = "$before" ]
    update disk --firmware uefi
    mkbootmedia verify -q disk
    stays disk
    [ "$(sfdisk -d disk | grep -c start=)" = 2 ]
    cmp -n 440 disk /dev/zero
}

@test "UKIs and signed sticks" {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 9999 -subj /CN=Lab 2>/dev/null
    openssl req -x509 -newkey rsa:2048 -nodes -keyout key2.pem -out cert2.pem -days 9999 -subj /CN=Other 2>/dev/null
    signed=(--sign-key key.pem --sign-cert cert.pem)
    mkbootmedia usb -q -k "$SHARE/kernel.1" -i "$SHARE/initrd.1" --uki "${signed[@]}" -o uki.img
    stick only uki.img
    before=$(sha256sum <only)
    fails 1 '^mkbootmedia: only: updating: its manifest is signed: --sign-key and --sign-cert are missing' update only
    fails 2 '--sign-cert: is missing' update only --sign-key key.pem
    fails 1 '^mkbootmedia: only: updating: the signature over its manifest was made by another key' \
        update only --sign-key key2.pem --sign-cert cert2.pem
    [ "$(sha256sum <only)" = "$before" ]
    update only -i "$SHARE/initrd.2" "${signed[@]}"
    good only
    mkbootmedia verify -q --signed-by cert.pem only
    uki=$(manifest only '.entries[0].uki')
    get only "$uki" uki.efi
    sbverify --cert cert.pem uki.efi
    objcopy -O binary --only-section=.initrd uki.efi initrd
    cmp -n 2000003 initrd "$SHARE/initrd.2"
    # what was never signed is, with a warning
    run -0 --separate-stderr update disk "${signed[@]}"
    # shellcheck disable=SC2154 # of bats
    [[ $stderr == *'warning: disk: what stays on it was not signed before, and will be'* ]]
    mkbootmedia verify -q --signed-by cert.pem disk
    # a forged one is not signed again
    forge only '.entries[0].arguments = ["init=/bin/sh"]'
    fails 1 '^mkbootmedia: only: updating: the signature over its manifest does not hold' update only "${signed[@]}"
}

@test "foreign partitions: numbers with gaps, attributes, names" {
    sfdisk -q --append disk <<<'size=3M, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name="Mïne, and a long name of 36 letters", uuid=11111111-2222-3333-4444-555555555555, attrs="RequiredPartition LegacyBIOSBootable GUID:50,63"'
    truncate -s 200M disk
    sfdisk -q --relocate gpt-bak-std disk
    sfdisk -q --append -N 9 disk <<<'size=5M, type=933AC7E1-2EB4-4F13-B844-0E14E2AEF915, name=nine'
    sfdisk -q --append -N 60 disk <<<'size=1M, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=other-esp'
    sfdisk -d disk | grep -vi -e "uuid=.*BIOS boot" -e '"EFI System"' -e label-id >before
    for turn in 1 2; do
        update disk -i "$SHARE/initrd.2" --title "Turn $turn"
        good disk
        stays disk
        diff before <(sfdisk -d disk | grep -vi -e "uuid=.*BIOS boot" -e '"EFI System"' -e label-id)
    done
}

@test "the name of a partition that is no UTF-16" {
    sfdisk -q --append disk <<<'size=3M, name=AB'
    truncate -s 200M disk
    sfdisk -q --relocate gpt-bak-std disk
    # half of a surrogate pair, and the sums of the table and the headers over it
    for at in $(LC_ALL=C grep -aboP 'A\x00B\x00' disk | cut -d: -f1); do
        printf '\x00\xd8' | dd of=disk bs=1 seek="$at" conv=notrunc status=none
    done
    perl -MCompress::Zlib -e 'open my $disk, "+<", "disk";
        for my $at (512, (-s "disk") - 512) {
            seek $disk, $at, 0; read $disk, my $header, 92;
            my ($entries, $count, $len) = unpack "x72 Q< L< L<", $header;
            seek $disk, $entries * 512, 0; read $disk, my $table, $count * $len;
            substr($header, 88, 4) = pack "L<", crc32($table);
            substr($header, 16, 4) = "\0" x 4;
            substr($header, 16, 4) = pack "L<", crc32($header);
            seek $disk, $at, 0; print $disk $header;
        }'
    sfdisk --verify disk
    refused '^mkbootmedia: disk: updating: the name of partition 4 is no UTF-16$' update disk
}

@test "as many partitions as there may be, and one more" {
    truncate -s 200M disk
    sfdisk -q --relocate gpt-bak-std disk
    for i in $(seq 4 16); do
        sfdisk -q --append -N "$i" disk <<<'size=1M, type=DEADBEEF-0000-4000-8000-123456789ABC, name="ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ", attrs="RequiredPartition NoBlockIOProtocol LegacyBIOSBootable GUID:48,49,50,51,52,53,54,55,56,57,58,59,60,61,62,63"'
    done
    sfdisk -d disk | grep -i DEADBEEF >before
    update disk -i "$SHARE/initrd.2"
    good disk
    diff before <(sfdisk -d disk | grep -i DEADBEEF)
    sfdisk -q --append -N 17 disk <<<'size=1M'
    refused '^mkbootmedia: disk: updating: has more than 16 partitions' update disk
}

@test "sectors of 4096 bytes, 512 on a device, and an image of a disk of 4096" {
    for sector in 4096 512; do
        disk=$(disk 160M $sector)
        onto "$SHARE/stick.img" "$disk"
        for turn in 1 2; do
            mkbootmedia update -q --allow-fixed "$disk" -i "$SHARE/initrd.$turn" --title "Turn $turn"
            mkbootmedia verify -q "$disk"
            sfdisk -V "$disk" | grep -q 'No errors'
            [ "$(sfdisk -d "$disk" | grep -c start=)" = 3 ]
        done
        grub=$(sfdisk -d "$disk" | sed -n 's/.*start= *\([0-9]*\), .*C12A7328.*/\1/p')
        mtype -i "$(image_of "$disk")@@$((grub * sector))" ::/boot/grub/grub.cfg | grep -q 'Turn 2'
        sync "$disk"
        cp "$(image_of "$disk")" image.$sector
        update image.$sector -i "$SHARE/initrd.1" --title 'Turn 3'
        mkbootmedia verify -q image.$sector
        loop=$(losetup --find --show --sector-size $sector "image.$sector" | tee -a loops)
        sfdisk -V "$loop" | grep -q 'No errors'
        mkbootmedia verify -q "$loop"
    done
    # a device whose sectors are not those of its table
    loop=$(losetup --find --show image.4096 | tee -a loops)
    before=$(sha256sum <image.4096)
    fails 1 "^mkbootmedia: $loop: updating: was not made by mkbootmedia, or is damaged: there is no partition table" mkbootmedia update --allow-fixed "$loop"
    [ "$(sha256sum <image.4096)" = "$before" ]
}

@test "the end of a disk that is no whole number of anything" {
    truncate -s +12345 disk
    sfdisk -q --relocate gpt-bak-std disk
    update disk --title Odd
    good disk
    truncate -s 200000001 disk # grown since; the copy is somewhere else
    update disk --title Odder
    good disk
    stays disk
}

@test "too little room is told before anything is written" {
    stick small "$SHARE/stick.img" "$(($(stat -c %s "$SHARE/stick.img") >> 20))M"
    before=$(sha256sum <small)
    fails 1 '^mkbootmedia: updating: the new content needs [0-9]+ MiB beside the old one, and [0-9]+ MiB in one piece are free' \
        update small -i "$SHARE/initrd.2"
    [ "$(sha256sum <small)" = "$before" ]
}

@test "a stick that its ESP fills: the free end of it is the room" {
    mkbootmedia usb -q -k "$SHARE/kernel.1" -i "$SHARE/initrd.1" --size 150M -o full.img
    stick full full.img 150M
    for turn in 1 2 3; do
        update full -i "$SHARE/initrd.$((turn % 2 + 1))" --title "Turn $turn"
        good full
        same full boot/linux/initrd.img "$SHARE/initrd.$((turn % 2 + 1))"
    done
}

@test "what is no stick of ours, or is damaged" {
    none='^mkbootmedia: disk: updating: was not made by mkbootmedia: no EFI system partition has a manifest in it'
    esp=$(esp disk)
    mdel -i "$esp" ::/.disk/manifest.json
    refused "$none" update disk
    dd if=/dev/zero of=disk bs=1M seek=$((${esp#*@@} >> 20)) count=1 conv=notrunc status=none
    refused "$none" update disk
    sfdisk -q --delete disk 2
    refused "$none" update disk
    # a table that is damaged twice; once is mended
    cp "$SHARE/disk" disk
    printf XXXX | dd of=disk bs=1 seek=1100 conv=notrunc status=none
    cp disk once
    update once --title Once
    good once
    dd if=/dev/zero of=disk bs=512 count=33 seek=$((160 * 2048 - 33)) conv=notrunc status=none
    refused '^mkbootmedia: disk: updating: was not made by mkbootmedia, or is damaged: there is no partition table' update disk
    head -c 160M /dev/zero >disk
    refused 'there is no partition table' update disk
    mkbootmedia iso -q -k "$SHARE/kernel.1" -o lab.iso
    stick disk lab.iso
    refused '^mkbootmedia: disk: updating: holds an ISO image: write the new one in its place' update disk
    # the ESP of another one
    cp "$SHARE/disk" disk
    sfdisk -q --part-uuid disk 2 11111111-2222-3333-4444-555555555555
    refused '^mkbootmedia: disk: updating: its manifest is of another medium' update disk
    truncate -s 1M disk
    refused '^mkbootmedia: disk: writing: it has only 1048576 bytes' update disk
    cp "$SHARE/disk" disk
    truncate -s 50M disk # shrunk since
    refused 'there is no partition table' update disk
}

@test "damaged contents, and a FAT that is" {
    place=$(manifest disk '.files[] | select(.path == "boot/linux/initrd.img") | .place')
    printf XXXX | dd of=disk bs=1 seek=$((place + 100000)) conv=notrunc status=none
    refused '^mkbootmedia: disk:/boot/linux/initrd.img: updating: is not as it was made' update disk --title X
    cp disk other
    update other -i "$SHARE/initrd.2"
    good other
    mdel -i "$(esp disk)" ::/boot/linux/initrd.img
    refused '^mkbootmedia: disk: updating: boot/linux/initrd.img, which stays on it, is not there any more' update disk
    update disk -i "$SHARE/initrd.1"
    good disk
    # another one in its place, where nobody has looked for it
    put disk "$SHARE/initrd.2" boot/linux/initrd.img
    refused '^mkbootmedia: disk:/boot/linux/initrd.img: updating: is not as it was made' update disk
    # the chain of a file of the user's ends before the file does
    cp "$SHARE/disk" disk
    put disk "$SHARE/mine" mine
    start=$(partition disk "$ESP" | cut -d' ' -f1)
    read -r cluster < <(mshowfat -i "$(esp disk)" ::/mine | sed 's/.*<\([0-9]*\).*/\1/')
    reserved=$(od -An -t u2 -j $((start + 14)) -N 2 disk)
    printf '\0\0\0\0' | dd of=disk bs=1 seek=$((start + reserved * 512 + cluster * 4)) conv=notrunc status=none
    refused 'mine.*the FAT is damaged' update disk
}

@test "a hostile manifest" {
    while IFS='|' read -r change regex; do
        cp "$SHARE/disk" disk
        forge disk "$change"
        refused "^mkbootmedia: disk: updating: $regex" update disk
    done <<'END'
.entries[0].name = "../../x"|its manifest says something impossible of the name of an entry
.entries[0].name = null|its manifest says something impossible of the name of an entry
.entries += .entries|its manifest says something impossible of the name of an entry
.entries = []|its manifest says something impossible of the default entry
del(.entries)|its manifest says something impossible of the default entry
.entries = {"a": 1}|its manifest says something impossible of the default entry
.menu.default = "other"|its manifest says something impossible of the default entry
.entries[0].kernel = "../etc/passwd"|its manifest says something impossible of the files of its entries
.entries[0].kernel = 7|its manifest says something impossible of the files of its entries
.entries[0].initrds = [null]|its manifest says something impossible of the files of its entries
.entries[0].initrds = [".disk/manifest.json"]|its manifest says something impossible of the files of its entries
.entries[0].root = {}|its manifest says something impossible of a root that runs from RAM
.entries[0].root = {"mode": "tmpfs", "sha256": .sum, "path": "a/../b"}|its manifest says something impossible of a root that runs from RAM
.menu.consoles = [null]|its manifest says something impossible of consoles
.menu.consoles = ["tty0 init=/bin/sh"]|its manifest says something impossible of consoles
.menu.timeout = 86401|its manifest says something impossible of the time-out
.menu.timeout = "7"|its manifest says something impossible of the time-out
.menu.firmware = ["bios,uefi"]|its manifest says something impossible of firmware
.menu.firmware = [1]|its manifest says something impossible of firmware
.menu.marker = ".disk/0123456789abcdef.mkbootmedia\nreboot"|its manifest says something impossible of the file that GRUB searches for
del(.menu)|was made by a version that knew no updates: write it anew
.label = "lower/case"|its manifest says something impossible of the label
del(.label)|its manifest says something impossible of the label
.files[3].place = 99999999999999|its manifest says something impossible
.format = 2|its manifest has a format that this version does not know
.medium = "net"|its manifest is of another medium
.partitions = []|its manifest is of another medium
END
}

@test "a manifest with lies that do no harm" {
    forge disk '.entries[0].title = null | .added += ["docs/mine.bin", 7, "../x", null] | .time = -1 |
        (.files[] | select(.path == "boot/linux/initrd.img")).place = 41943040'
    update disk
    good disk
    stays disk
    same disk boot/linux/initrd.img "$SHARE/initrd.1"
    forge disk '.entries[0].arguments = ["a\"b", 7]'
    fails 1 'the text has a double quote without its partner' update disk
    forge disk '.entries[0].arguments = ["a\nb"]'
    fails 1 'the text holds a control character' update disk
}

@test "may it be written? the same as for write" {
    refused '^mkbootmedia: disk: writing: is a file, not a disk' mkbootmedia update disk
    disk=$(disk 160M)
    onto "$SHARE/stick.img" "$disk"
    read -r start size < <(partition "$disk" $DATA)
    mkdir mnt
    part=$(losetup --find --show -o "$start" --sizelimit "$size" "$disk" | tee -a loops)
    mount "$part" mnt
    status=0
    mkbootmedia update --allow-fixed "$disk" 2>err || status=$?
    umount mnt
    losetup -d "$part"
    [ $status = 1 ]
    grep -q "^mkbootmedia: $disk: writing: it is" err
    before=$(sha256sum <"$disk")
    fails 1 "^mkbootmedia: $disk: writing: it is not removable" mkbootmedia update "$disk"
    fails 1 "^mkbootmedia: $disk: writing: its serial number is not known, not ABC" mkbootmedia update --allow-fixed --serial ABC "$disk"
    fails 1 "^mkbootmedia: /none: writing: No such file" mkbootmedia update /none
    fails 2 'which stick' mkbootmedia update
    fails 2 'which stick' mkbootmedia update "$disk" "$disk"
    fails 2 '--output: no such option' mkbootmedia update "$disk" --output x
    cp "$SHARE/disk" /dev/shm/mkbootmedia-update.$$
    chmod 444 /dev/shm/mkbootmedia-update.$$
    fails 1 'writing: Permission denied' setpriv --reuid 65534 --clear-groups "$MKBOOTMEDIA" update --allow-file /dev/shm/mkbootmedia-update.$$
    rm /dev/shm/mkbootmedia-update.$$
    [ "$(sha256sum <"$disk")" = "$before" ]
}

@test "inputs that are missing or wrong leave it as it was" {
    refused '^mkbootmedia: none: opening: No such file' update disk -k none
    refused '^mkbootmedia: none: opening: No such file' update disk -i none
    refused '^mkbootmedia: none: ' update disk -r none
    refused '^mkbootmedia: none: ' update disk --add none
    refused '^mkbootmedia: none.conf: ' update disk --spec none.conf
    echo text >text
    refused '^mkbootmedia: text: reading the kernel: ' update disk -k text
    refused "^mkbootmedia: --label: checking 'lower': has lower-case letters" update disk --label lower
    run -1 update disk --sign-key none --sign-cert none
    [[ $output == *'mkbootmedia: none: opening: No such file'* ]]
    fails 2 '--timeout: ' update disk --timeout soon
    fails 2 '--root: is missing' update disk --mode overlay
    fails 2 '--initrd: --root makes' update disk -r tree -i text
}

@test "--dry-run and --json" {
    before=$(sha256sum <disk)
    update disk --dry-run -i "$SHARE/initrd.2"
    mkbootmedia update --allow-file --dry-run disk >out
    grep -q boot/linux/vmlinuz out
    mkbootmedia update --allow-file --dry-run --json disk -i "$SHARE/initrd.2" >out
    jq -e '.entries[0].initrds | length == 1' out
    [ "$(sha256sum <disk)" = "$before" ]
    mkbootmedia update --allow-file --json disk -i "$SHARE/initrd.2" >out 2>err
    jq -e .id out
    jq -se 'all(.progress)' err
    good disk
    mkbootmedia update --allow-file disk 2>err
    grep -q '^mkbootmedia: note: disk: updated: [0-9.]* MiB written and read back' err
}
