# inspect: what it says of good media and of broken ones. Each broken one differs from a good one in
# one thing, and the verdicts must name that thing for the firmware that it concerns, and only there.

bats_require_minimum_version 1.5.0
load lib

setup_file() {
    export LC_ALL=C.UTF-8 TZ=UTC K="$BATS_FILE_TMPDIR"
    cd "$K"
    cp "$(kernel)" vmlinuz
    cp vmlinuz unsigned
    sbattach --remove unsigned
    openssl req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.pem -subj '/CN=Own key' -days 9
    sbsign --key own.key --cert own.pem --output own unsigned
    initrd initrd.img 100000
    mkbootmedia usb -k vmlinuz -i initrd.img -o stick.img
    mkbootmedia iso -k vmlinuz -i initrd.img -o disc.iso
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# boots IMAGE: one line per firmware and way, "uefi stick yes: reason; reason"
boots() {
    mkbootmedia inspect "$1" --json |
        jq -r '.boots[] | "\(.firmware) \(.medium) \(.boots): \(.reasons | join("; "))"'
}

# expect IMAGE LINE...: these are exactly the lines that are not "yes" without a reason
expect() {
    local image=$1
    shift
    diff <(boots "$image" | grep -v ' yes: $') <([ $# = 0 ] || printf '%s\n' "$@")
}

# break_stick COMMAND...: img is the stick, and mtools' name of its ESP is $esp
break_stick() {
    cp "$K/stick.img" img
    esp=$(esp img)
    "$@"
}

each_uefi() {
    printf '%s\n' "uefi $1 $2" "secureboot $1 $2"
}

@test "good media boot on everything" {
    boots "$K/stick.img" | diff - <(printf '%s stick yes: \n' bios uefi secureboot ia32)
    boots "$K/disc.iso" | diff - <(for f in bios uefi secureboot ia32; do
        printf "$f %s yes: \n" stick cd
    done)
    [ "$(mkbootmedia inspect "$K/stick.img" --json | jq '.remarks | length')" = 0 ]
    [ "$(mkbootmedia inspect "$K/disc.iso" --json | jq '.remarks | length')" = 0 ]
}

@test "facts agree with sfdisk, blkid, xorriso and mdir" {
    for image in stick.img disc.iso; do
        mkbootmedia inspect "$K/$image" --json >json
        diff <(sfdisk --dump "$K/$image" | sed -n 's/.*start= *\([0-9]*\), size= *\([0-9]*\), type=\([^,]*\),.*/\1 \2 \3/p') \
            <(jq -r '.partitions[] | select(.table == "gpt") | "\(.offset / 512) \(.size / 512) \(.type)"' json)
        read -r start _ < <(partition "$K/$image" "$ESP")
        [ "$(blkid -p -O "$start" -s LABEL -o value "$K/$image")" = \
            "$(jq -r '.partitions[] | select(.type_name == "EFI system") | .label' json)" ]
    done
    diff <(mdir -b -i "$(esp "$K/stick.img")" ::/EFI/BOOT | sed 's|::/||' | grep -i 'efi$' | sort) \
        <(mkbootmedia inspect "$K/stick.img" --json | jq -r '.loaders[].path' | sort)
    [ "$(blkid -p -s LABEL -o value "$K/disc.iso")" = "$(jq -r .iso9660.label json)" ]
    diff <(xorriso -indev "$K/disc.iso" -report_el_torito plain 2>/dev/null |
        awk '/^El Torito boot img :/ { print $7, $NF * 2048 }') \
        <(jq -r '.iso9660.el_torito[] | "\(if .platform == 0 then "BIOS" else "UEFI" end) \(.offset)"' json)
}

@test "signers and SBAT agree with sbverify and objcopy" {
    mkbootmedia inspect "$K/stick.img" --json >json
    for name in BOOTX64.EFI grubx64.efi mmx64.efi; do
        mcopy -i "$(esp "$K/stick.img")" "::/EFI/BOOT/$name" one
        diff <(sbverify --list one 2>/dev/null | sed -n '/issuers/,/certificates/s/^ - .*CN=//p') \
            <(jq -r ".loaders[] | select(.path | endswith(\"/$name\")) | .signers[].issuer" json)
        objcopy -O binary --only-section .sbat one sbat
        diff <(tr -d '\0' <sbat | cut -d, -f1,2 | sort) \
            <(jq -r ".loaders[] | select(.path | endswith(\"/$name\")) | .sbat | to_entries[] | \"\(.key),\(.value)\"" json | sort)
        rm one
    done
}

@test "text names everything once" {
    mkbootmedia inspect "$K/disc.iso" >text
    cat text
    grep -q '^  UEFI with Secure Boot  stick, CD  yes$' text
    grep -q 'signed by  .*issued by Microsoft Corporation UEFI CA 2011' text
    grep -q 'initramfs  /boot/linux/initrd.img  97.7 KiB' text
    grep -q 'accepted by shim' text
    ! grep -qP '[\x00-\x08\x0b-\x1f\x7f]' text
}

@test "a zeroed MBR is no BIOS boot" {
    break_stick dd if=/dev/zero of=img bs=440 count=1 conv=notrunc
    expect img "bios stick no: no BIOS boot code in the MBR"
}

@test "a core image that is not where the MBR looks" {
    break_stick dd if=/dev/zero of=img bs=1M seek=1 count=1 conv=notrunc
    expect img "bios stick no: the MBR loads sector 2048, where GRUB's core image is not"
}

@test "a changed byte in El Torito's image" {
    cp "$K/disc.iso" img
    at=$(mkbootmedia inspect img --json | jq '.iso9660.el_torito[0].offset')
    printf '\xee\xee' | dd of=img bs=1 seek=$((at + 5000)) conv=notrunc
    expect img "bios cd no: El Torito's image for BIOS is damaged: its sum is wrong"
}

@test "a kernel that nobody signed" {
    mkbootmedia usb -k "$K/unsigned" -i "$K/initrd.img" -o img
    expect img "secureboot stick no: /boot/linux/vmlinuz is not signed"
    run -1 sbverify --cert "$K/own.pem" "$K/unsigned"
}

@test "a kernel signed with a key that shim does not know" {
    mkbootmedia iso -k "$K/own" -i "$K/initrd.img" -o img
    why="/boot/linux/vmlinuz is signed by Own key (issued by Own key), but shim trusts Debian Secure Boot CA"
    expect img "secureboot stick no: $why" "secureboot cd no: $why"
    sbverify --cert "$K/own.pem" "$K/own"
}

change_grub() {
    mcopy -i "$esp" ::/EFI/BOOT/grubx64.efi g
    printf '\xa5\x5a' | dd of=g bs=1 seek=1000000 conv=notrunc
    mcopy -o -i "$esp" g ::/EFI/BOOT/grubx64.efi
}

@test "two changed bytes in grubx64.efi" {
    break_stick change_grub
    expect img "secureboot stick no: EFI/BOOT/grubx64.efi was changed after it was signed: its signature does not match"
}

change_shim() {
    mcopy -i "$esp" ::/EFI/BOOT/BOOTX64.EFI g
    printf '\xa5\x5a' | dd of=g bs=1 seek=300000 conv=notrunc
    mcopy -o -i "$esp" g ::/EFI/BOOT/BOOTX64.EFI
}

@test "two changed bytes in shim" {
    break_stick change_shim
    expect img "secureboot stick no: EFI/BOOT/BOOTX64.EFI was changed after it was signed"
}

@test "loaders that are missing" {
    break_stick eval 'mdel -i "$esp" ::/EFI/BOOT/grubx64.efi'
    why="no: EFI/BOOT/grubx64.efi, which shim starts, is missing"
    expect img "uefi stick $why" "secureboot stick $why"
    mdel -i "$esp" ::/EFI/BOOT/BOOTX64.EFI
    why="no: EFI/BOOT/BOOTX64.EFI is missing"
    expect img "uefi stick $why" "secureboot stick $why"
}

@test "a loader of the wrong machine, and one without a signature" {
    break_stick eval 'mcopy -i "$esp" ::/EFI/BOOT/BOOTIA32.EFI g; mcopy -o -i "$esp" g ::/EFI/BOOT/BOOTX64.EFI'
    why="no: EFI/BOOT/BOOTX64.EFI is for i386"
    expect img "uefi stick $why" "secureboot stick $why"
    cp /usr/lib/shim/shimx64.efi g
    mcopy -o -i "$esp" g ::/EFI/BOOT/BOOTX64.EFI
    expect img "secureboot stick no: EFI/BOOT/BOOTX64.EFI is not signed"
}

@test "files of the menu that are missing concern all" {
    break_stick eval 'mdel -i "$esp" ::/boot/linux/initrd.img'
    why="no: /boot/linux/initrd.img, which the menu names, is missing"
    expect img "bios stick $why" "uefi stick $why" "secureboot stick $why" "ia32 stick $why"
    mdel -i "$esp" ::/boot/grub/grub.cfg
    why="no: /boot/grub/grub.cfg, which EFI/BOOT/grub.cfg goes on to, is missing"
    expect img "bios stick no: boot/grub/grub.cfg is missing: GRUB would stop at its prompt" \
        "uefi stick $why" "secureboot stick $why" "ia32 stick $why"
}

@test "a renamed initramfs on an ISO, seen through Rock Ridge" {
    LC_ALL=C sed 's#/boot/linux/initrd.img#/boot/linux/initrx.img#g' "$K/disc.iso" >img
    boots img >lines
    cat lines
    [ "$(grep -c '/boot/linux/initrx.img, which the menu names, is missing' lines)" = 8 ]
}

@test "a kernel that is none" {
    break_stick eval 'echo hello >g; mcopy -o -i "$esp" g ::/boot/linux/vmlinuz'
    boots img >lines
    cat lines
    [ "$(grep -c 'stick no: /boot/linux/vmlinuz is ' lines)" = 4 ]
}

@test "one bad entry of two is a part" {
    break_stick eval 'mcopy -i "$esp" ::/boot/grub/grub.cfg g
        printf "menuentry other {\n linux /boot/linux/vmlinuz\n initrd /nothing\n}\n" >>g
        mcopy -o -i "$esp" g ::/boot/grub/grub.cfg'
    boots img | diff - <(printf '%s stick part: /nothing, which the menu names, is missing\n' \
        bios uefi secureboot ia32)
}

@test "a marker that is gone" {
    break_stick eval 'marker=$(mtype -i "$esp" ::/boot/grub/grub.cfg | sed -n "s/^search.*--file //p")
        mdel -i "$esp" "::$marker"'
    boots img >lines
    cat lines
    [ "$(grep -c "stick no: $marker, which the menu searches for, is missing" lines)" = 4 ]
}

@test "GPT: either copy may be damaged, and is named" {
    cp "$K/stick.img" img
    printf '\xff' | dd of=img bs=1 seek=1100 conv=notrunc
    expect img
    mkbootmedia inspect img | grep 'the GPT is damaged: the sum of its entries is wrong'
    run -0 sfdisk --verify img
    cp "$K/stick.img" img
    printf '\xff' | dd of=img bs=1 seek=$(($(stat -c %s img) - 500)) conv=notrunc
    expect img
    mkbootmedia inspect img | grep "the GPT's copy is damaged: the sum of its header is wrong"
    dd if=/dev/zero of=img bs=512 seek=1 count=33 conv=notrunc
    why="no: no partition has a FAT volume"
    expect img "bios stick no: boot/grub/grub.cfg is missing: GRUB would stop at its prompt" \
        "uefi stick $why" "secureboot stick $why" "ia32 stick $why"
}

@test "an image that was cut says so" {
    head -c 10000000 "$K/stick.img" >img
    mkbootmedia inspect img >text
    cat text
    grep -q 'partition 2 passes the end of the image' text
    grep -q 'BIOS  *stick  *no: ' text
    ! grep -q '^  [BU3].*  yes' text
}

@test "fbx64.efi beside shim is remarked" {
    break_stick eval 'mcopy -i "$esp" /usr/lib/shim/fbx64.efi.signed ::/EFI/BOOT/fbx64.efi'
    expect img
    mkbootmedia inspect img | grep 'EFI/BOOT/fbx64.efi makes shim write boot entries'
}

@test "isohybrid layout" {
    mkbootmedia iso --hybrid isohybrid -k "$K/vmlinuz" -i "$K/initrd.img" -o img
    expect img
}

@test "grub-mkrescue's ISO" {
    mkdir -p tree/boot/grub
    cp "$K/vmlinuz" "$K/initrd.img" tree/boot
    printf 'menuentry "It'\''s \\"Linux\\"" --class gnu {\n\tlinux ($root)/boot/vmlinuz quiet\n\tinitrd /boot/initrd.img\n}\n' >tree/boot/grub/grub.cfg
    grub-mkrescue -o img tree
    expect img "secureboot stick no: EFI/BOOT/bootx64.efi is not signed" \
        "secureboot cd no: EFI/BOOT/bootx64.efi is not signed"
    mkbootmedia inspect img --json >json
    [ "$(jq -r '.entries[0].title' json)" = "It's \"Linux\"" ]
    [ "$(jq -r '.entries[0].cmdline' json)" = quiet ]
}

@test "an ISO of files only, a FAT floppy, a text file, an ext4" {
    mkdir tree
    echo hi >tree/hi
    xorriso -as mkisofs -o img tree
    expect img "bios stick no: there is no MBR" \
        "bios cd no: El Torito's catalog has no entry for BIOS" \
        "uefi stick no: no partition has a FAT volume" \
        "uefi cd no: El Torito's catalog has no FAT volume for EFI" \
        "secureboot stick no: no partition has a FAT volume" \
        "secureboot cd no: El Torito's catalog has no FAT volume for EFI" \
        "ia32 stick no: no partition has a FAT volume" \
        "ia32 cd no: El Torito's catalog has no FAT volume for EFI"
    echo hello >text
    boots text | grep -c ' no: ' | grep -qx 4
    truncate -s 2M floppy
    mkfs.fat floppy
    mmd -i floppy ::/EFI ::/EFI/BOOT
    mcopy -i floppy /usr/lib/shim/shimx64.efi.signed ::/EFI/BOOT/BOOTX64.EFI
    boots floppy | grep -qx 'uefi stick no: EFI/BOOT/grubx64.efi, which shim starts, is missing'
    truncate -s 2M ext
    mkfs.ext4 -q ext
    boots ext | grep -c ' no: ' | grep -qx 4
}

@test "control characters of a foreign menu do not reach the terminal" {
    break_stick eval 'printf "menuentry \"\\033[31mred\\007\" {\n linux /boot/linux/vmlinuz\n}\n" >g
        mcopy -o -i "$esp" g ::/boot/grub/grub.cfg'
    mkbootmedia inspect img | grep -F '\033[31mred\007'
    mkbootmedia inspect img --json | jq -e '.entries[0].title | startswith("\u001b[31m")'
}

@test "what cannot be read is one line and exit 1" {
    fails 1 'mkbootmedia: nothing: .*No such file' mkbootmedia inspect nothing
    fails 1 'mkbootmedia: /dev/null: ' mkbootmedia inspect /dev/null
}
