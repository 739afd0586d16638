# inspect of media that others' tools make: isolinux, syslinux, systemd-boot, unified kernel images,
# GRUB as distributions install it. Each is broken in one thing, too, and the verdict must name it.

bats_require_minimum_version 1.5.0
load lib

setup_file() {
    export LC_ALL=C.UTF-8 TZ=UTC K="$BATS_FILE_TMPDIR"
    cd "$K"
    cp "$(kernel)" vmlinuz
    initrd initrd.img 100000
    mkdir -p iso/isolinux iso/live
    cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/{ldlinux,vesamenu}.c32 iso/isolinux
    cp vmlinuz initrd.img iso/live
    printf 'UI vesamenu.c32\nINCLUDE live.cfg\n' >iso/isolinux/isolinux.cfg
    printf 'LABEL live\n  MENU LABEL ^Live\n  LINUX /live/vmlinuz\n  APPEND initrd=/live/initrd.img boot=live\nLABEL hd\n  COM32 chain.c32\n' \
        >iso/isolinux/live.cfg
    fat esp 60 EFI EFI/BOOT EFI/Linux loader loader/entries d
    put esp vmlinuz d/linux
    put esp initrd.img d/initrd
    put esp /usr/lib/systemd/boot/efi/systemd-bootx64.efi EFI/BOOT/BOOTX64.EFI
    printf 'title Debian\nlinux /d/linux\ninitrd /d/initrd\noptions quiet\noptions x\n' >debian.conf
    put esp debian.conf loader/entries/debian.conf
    printf 'NAME=my\nPRETTY_NAME="My OS"\n' >osrel
    printf 'quiet root=LABEL=x' >words
    objcopy --add-section .osrel=osrel --change-section-vma .osrel=0x20000 \
        --add-section .cmdline=words --change-section-vma .cmdline=0x30000 \
        --add-section .linux=vmlinuz --change-section-vma .linux=0x2000000 \
        --add-section .initrd=initrd.img --change-section-vma .initrd=0x4000000 \
        /usr/lib/systemd/boot/efi/linuxx64.efi.stub my.efi
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# fat IMAGE MIB FOLDER...
fat() {
    truncate -s "$2M" "$1"
    mkfs.fat -F 32 "$1" >/dev/null
    mmd -i "$1" "${@:3}" 2>/dev/null || for folder in "${@:3}"; do mmd -i "$1" "::/$folder"; done
}

# put IMAGE FILE PATH
put() {
    mcopy -o -i "$1" "$2" "::/$3"
}

# iso IMAGE FOLDER [OPTION...]: bootable by isolinux, from a stick too
iso() {
    xorriso -as mkisofs -quiet -R -J -isohybrid-mbr /usr/lib/ISOLINUX/isohdpfx.bin \
        -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 \
        -boot-info-table "${@:3}" -o "$1" "$2"
}

# boots IMAGE: one line per firmware and way, "uefi stick yes: reason; reason"
boots() {
    mkbootmedia inspect "$1" --json |
        jq -r '.boots[] | "\(.firmware) \(.medium) \(.boots): \(.reasons | join("; "))"'
}

# says IMAGE LINE...: the first verdicts are these
says() {
    diff <(boots "$1" | head -n $(($# - 1))) <(printf '%s\n' "${@:2}")
}

# entries IMAGE: one line each, "title|menu|kernel state|initrd state|arguments"
entries() {
    mkbootmedia inspect "$1" --json | jq -r '.entries[] | [.title, .menu,
        (.kernel | if . then "\(.path) \(.state)" else "" end),
        (.initrds | map("\(.path) \(.state)") | join(",")), .cmdline] | join("|")'
}

@test "isolinux with an included menu, and systemd-boot for UEFI" {
    iso img "$K/iso" -append_partition 2 0xef "$K/esp" -eltorito-alt-boot \
        -e --interval:appended_partition_2:all:: -no-emul-boot
    says img 'bios stick yes: ' 'bios cd yes: ' 'uefi stick yes: ' 'uefi cd yes: ' \
        'secureboot stick no: EFI/BOOT/BOOTX64.EFI is not signed' \
        'secureboot cd no: EFI/BOOT/BOOTX64.EFI is not signed'
    diff <(entries img) - <<'EOF'
Debian|loader/entries|/d/linux there|/d/initrd there|quiet x
Live|isolinux/live.cfg|/live/vmlinuz there|/live/initrd.img there|initrd=/live/initrd.img boot=live
hd|isolinux/live.cfg|||
EOF
}

@test "what BIOS misses on an ISO of isolinux does not concern UEFI, nor the other way round" {
    cp -r "$K/iso" .
    rm iso/live/initrd.img
    cp "$K/esp" .
    iso img iso -append_partition 2 0xef esp -eltorito-alt-boot \
        -e --interval:appended_partition_2:all:: -no-emul-boot
    why='no: /live/initrd.img, which the menu names, is missing'
    says img "bios stick $why" "bios cd $why" 'uefi stick yes: ' 'uefi cd yes: '
    cp "$K/initrd.img" iso/live
    mdel -i esp ::/d/initrd
    iso img iso -append_partition 2 0xef esp -eltorito-alt-boot \
        -e --interval:appended_partition_2:all:: -no-emul-boot
    why='no: /d/initrd, which the menu names, is missing'
    says img 'bios stick yes: ' 'bios cd yes: ' "uefi stick $why" "uefi cd $why"
}

@test "isolinux without its library, without its menu, with a changed byte, not where the MBR looks" {
    cp -r "$K/iso" .
    rm iso/isolinux/ldlinux.c32
    iso img iso
    says img 'bios stick no: ldlinux.c32, which isolinux needs, is missing' \
        'bios cd no: ldlinux.c32, which isolinux needs, is missing'
    cp "$K/iso/isolinux/ldlinux.c32" iso/isolinux
    rm iso/isolinux/live.cfg
    iso img iso
    says img 'bios stick no: /isolinux/live.cfg, which isolinux/isolinux.cfg goes on to, is missing' \
        'bios cd no: /isolinux/live.cfg, which isolinux/isolinux.cfg goes on to, is missing'
    rm iso/isolinux/isolinux.cfg
    iso img iso
    why='no: the menu of syslinux (isolinux.cfg, syslinux.cfg) is missing'
    says img "bios stick $why" "bios cd $why"
    iso img "$K/iso"
    at=$(mkbootmedia inspect img --json | jq '.iso9660.el_torito[0].offset')
    printf '\xee\xee' | dd of=img bs=1 seek=$((at + 5000)) conv=notrunc
    says img 'bios stick yes: ' "bios cd no: El Torito's image for BIOS is damaged: its sum is wrong"
    printf '\xee\xee' | dd of=img bs=1 seek=$((at + 64)) conv=notrunc
    boots img | grep -x 'bios stick no: the MBR loads sector [0-9]*, where isolinux.bin is not'
}

@test "isolinux that misses its library does not concern GRUB in the MBR" {
    cp -r "$K/iso" .
    rm iso/isolinux/ldlinux.c32
    mkdir -p iso/boot/grub
    printf 'menuentry Live {\nlinux /live/vmlinuz quiet\ninitrd /live/initrd.img\n}\n' >iso/boot/grub/grub.cfg
    iso img iso
    grub-mkimage -O i386-pc -p '(hd0)/boot/grub' -o core biosdisk iso9660
    head -c 440 /usr/lib/grub/i386-pc/boot.img | dd of=img conv=notrunc
    [ "$(stat -c %s core)" -le $((63 * 512)) ]
    dd if=core of=img bs=512 seek=1 conv=notrunc
    says img 'bios stick yes: ' 'bios cd no: ldlinux.c32, which isolinux needs, is missing'
}

@test "texts of any length in menus cost little" {
    cp -r "$K/iso" .
    rm iso/isolinux/live.cfg
    { printf 'APPEND ' && head -c 3000000 /dev/zero | tr '\0' x && printf '\nLABEL %s\nLINUX /live/vmlinuz\n' $(seq 500); } \
        >iso/isolinux/isolinux.cfg
    iso img iso
    (ulimit -v 200000 && exec timeout 60 "$TOP/build/mkbootmedia" inspect --json img) >said
    [ "$(jq '.entries | length' said)" = 500 ]
    [ "$(jq '.entries[0].cmdline | length' said)" = 4096 ]
}

@test "a menu that includes itself, and one that includes all others" {
    cp -r "$K/iso" .
    for i in $(seq 200); do printf 'include c%s.cfg\ninclude isolinux.cfg\n' "$((i % 200 + 1))" >"iso/isolinux/c$i.cfg"; done
    printf 'include c%s.cfg\n' $(seq 200) >>iso/isolinux/isolinux.cfg
    iso img iso
    says img 'bios stick yes: ' 'bios cd yes: '
    [ "$(mkbootmedia inspect img --json | jq '.menus | length')" -le 64 ]
}

@test "syslinux on a stick, started from an active partition" {
    fat part 60 syslinux
    put part "$K/vmlinuz" vmlinuz
    put part "$K/initrd.img" initrd.img
    printf 'DEFAULT a\nAPPEND quiet\nLABEL a\nKERNEL ../vmlinuz\nINITRD /initrd.img\nLABEL b\nKERNEL /vmlinuz\nINITRD /no.img\n' >cfg
    put part cfg syslinux/syslinux.cfg
    syslinux -d syslinux -i part
    truncate -s 62M img
    printf 'label: dos\nstart=2048, size=60MiB, type=0c, bootable\n' | sfdisk -q img
    dd if=part of=img bs=1M seek=1 conv=notrunc
    dd if=/usr/lib/SYSLINUX/mbr.bin of=img conv=notrunc
    boots img | grep -x 'bios stick part: .*/no.img, which the menu names, is missing'
    printf 'EXFAT   ' | dd of=img bs=1 seek=$((1048576 + 3)) conv=notrunc
    boots img | grep -x "bios stick unknown: the MBR starts an active partition's boot sector, which is not syslinux's: not followed"
}

@test "systemd-boot: no entries, a unified kernel image, one without a kernel" {
    fat img 60 EFI EFI/BOOT
    put img /usr/lib/systemd/boot/efi/systemd-bootx64.efi EFI/BOOT/BOOTX64.EFI
    boots img | grep -x 'uefi stick no: neither loader/entries nor EFI/Linux is there: systemd-boot has nothing to start'
    mmd -i img ::/EFI/Linux
    boots img | grep -x 'uefi stick no: the menu has no entries'
    put img "$K/my.efi" EFI/Linux/my.efi
    put img /usr/lib/systemd/boot/efi/linuxx64.efi.stub EFI/Linux/stub.efi
    boots img | grep -x 'uefi stick yes: '
    [ "$(entries img)" = 'My OS|loader/entries|EFI/Linux/my.efi there||quiet root=LABEL=x' ]
}

@test "a program that is a kernel, or has one in it" {
    fat img 60 EFI EFI/BOOT
    put img "$K/my.efi" EFI/BOOT/BOOTX64.EFI
    boots img | grep -x 'uefi stick yes: '
    [ "$(entries img)" = 'My OS|EFI/BOOT/BOOTX64.EFI|EFI/BOOT/BOOTX64.EFI there||quiet root=LABEL=x' ]
    put img "$K/vmlinuz" EFI/BOOT/BOOTX64.EFI
    boots img | grep -x 'uefi stick yes: '
    mkbootmedia inspect img --json | jq -e '.loaders[0].kind == "kernel" and .entries[0].arch == "x86-64"'
    head -c 3000000 "$K/my.efi" >cut
    put img cut EFI/BOOT/BOOTX64.EFI
    boots img | grep -x 'uefi stick no: EFI/BOOT/BOOTX64.EFI is damaged: it is shorter than it says'
    put img /usr/lib/shim/mmx64.efi.signed EFI/BOOT/BOOTX64.EFI
    boots img | grep -x 'uefi stick unknown: what EFI/BOOT/BOOTX64.EFI does is not followed'
}

# installed: as a distribution's installer leaves it: shim, GRUB, a menu that leads to another one
installed() {
    fat img 80 EFI EFI/BOOT EFI/debian boot boot/grub
    put img /usr/lib/shim/shimx64.efi.signed EFI/BOOT/BOOTX64.EFI
    put img /usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed EFI/BOOT/grubx64.efi
    printf '%s\n' 'search.fs_uuid 1234 root hd0,gpt2' "set prefix=(\$root)'/boot/grub'" \
        'configfile $prefix/grub.cfg' >cfg
    put img cfg EFI/debian/grub.cfg
}

@test "GRUB as distributions have it: the menu that its image was told, and what that leads to" {
    installed
    boots img | grep -x 'secureboot stick no: /boot/grub/grub.cfg, which EFI/debian/grub.cfg goes on to, is missing'
    put img "$K/vmlinuz" boot/vmlinuz
    put img "$K/initrd.img" boot/initrd.img
    printf '%s\n' 'source $prefix/custom.cfg' 'set d=/boot' 'submenu "More" {' ' menuentry "One" {' \
        '  linuxefi $d/vmlinuz root=UUID=1 $extra' '  initrdefi ${d}/initrd.img' ' }' '}' >cfg
    put img cfg boot/grub/grub.cfg
    boots img | grep -x 'uefi stick yes: '
    boots img | grep -x 'secureboot stick yes: '
    # shellcheck disable=SC2016
    [ "$(entries img)" = 'One|boot/grub/grub.cfg|$d/vmlinuz there|${d}/initrd.img there|root=UUID=1 $extra' ]
    mkbootmedia inspect img | grep -x '  goes on to /boot/grub/custom.cfg  # missing'
}

@test "GRUB's menu with variables that nobody sets, with Boot Loader Specification entries" {
    installed
    printf 'menuentry a {\n linux $where/vmlinuz\n}\n' >cfg
    put img cfg boot/grub/grub.cfg
    boots img | grep -xF 'uefi stick unknown: $where/vmlinuz is not checked: its path has variables in it'
    printf 'blscfg\n' >cfg
    put img cfg boot/grub/grub.cfg
    mmd -i img ::/loader ::/loader/entries
    put img "$K/debian.conf" loader/entries/debian.conf
    boots img | grep -x 'uefi stick no: /d/linux, which the menu names, is missing; /d/initrd, which the menu names, is missing'
}

@test "GRUB's menu on a file system that is not read" {
    installed
    truncate -s 110M disk
    printf 'label: gpt\nstart=1MiB, size=80MiB, type=U\ntype=L\n' | sfdisk -q disk
    dd if=img of=disk bs=1M seek=1 conv=notrunc
    truncate -s 20M ext4
    mkfs.ext4 -q ext4
    dd if=ext4 of=disk bs=1M seek=81 conv=notrunc
    boots disk | grep -x 'uefi stick unknown: /boot/grub/grub.cfg, which EFI/debian/grub.cfg goes on to, may be on partition 2 (ext2/3/4), which is not read'
}

@test "changed bytes in all of the metadata crash nothing" {
    iso disc "$K/iso" -append_partition 2 0xef "$K/esp" -eltorito-alt-boot \
        -e --interval:appended_partition_2:all:: -no-emul-boot
    RANDOM=5
    for round in $(seq 40); do
        cp --reflink=auto disc img
        for _ in 1 2 3 4 5 6 7 8; do
            at=$((RANDOM * (round % 2 ? 4 : 40)))
            printf "\\x$(printf %x $((RANDOM % 256)))" | dd of=img bs=1 seek=$at conv=notrunc status=none
        done
        mkbootmedia inspect img >text || [ $? = 1 ]
    done
}
