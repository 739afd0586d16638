#!/bin/bash
# Boots under odd circumstances: damaged media, other layouts, odd names, a host without loaders; a
# TAP line each. The first word of a line of the table is the function of the case: it works in a
# folder of its own, makes its medium there, boots it and prints what is wrong. What may be set is
# in tests/lab/lib.bash.
. "${0%/*}/lib.bash"

table='
waits_for_ever    bios
lost_initrd       secureboot
unsigned_kernel   secureboot
unsigned_kernel   uefi
copied_files      uefi          whole
copied_files      secureboot    whole
copied_files      secureboot    partition
gpt_cd            secureboot
isohybrid_stick   uefi
isohybrid_stick   bios
no_signed_loaders uefi          usb
no_signed_loaders uefi          iso
refuses_unsigned  usb
more_initrds      uefi
more_initrds      bios
only              uefi          uefi
only              ia32          uefi
only              bios          bios
loopback          uefi
loopback          bios
no_video          bios
odd_names         bios
lost_initrd       bios
short_initrd      bios
incomplete_copy   bios
starts_at_once    bios
uki               uefi          usb
uki               snakeoil      iso
'

# What the guest says of each firmware.
declare -A says=([bios]='bios unknown' [uefi]='efi64 disabled' [secureboot]='efi64 enabled'
    [ia32]='efi32 disabled' [snakeoil]='efi64 enabled')

menu='Press enter to boot'

# healthy IMAGE FIRMWARE OPTION...: boots it, until the guest has reported.
healthy() {
    local image=$1 firmware=$2
    shift 2
    boot "$firmware.log" --firmware "$firmware" "$@" "$image"
    # shellcheck disable=SC2086 # two words
    faults "$firmware.log" ${says[$firmware]}
}

# has WHAT FILE TEXT, lacks WHAT FILE TEXT
has() { grep -qF -- "$3" "$2" || echo "$1: missing: $3"; }
lacks() { ! grep -F -m 1 -- "$3" "$2" || echo "$1: unwanted: $3"; }

# The name under which mtools knows the ESP of a stick image.
esp() { echo "$1@@$(($(sfdisk --dump "$1" | sed -n '/C12A7328-/s/.*start= *\([0-9]*\),.*/\1/p') * 512))"; }

# What GRUB cannot load ends in a message, and after Esc in a menu that waits: else its time-out
# would start the same again.
refused() {
    local image=$1 firmware=$2 log=$2.log
    boot "$log" --firmware "$firmware" --after 'could not be loaded, so nothing was booted' \
        --keys 'sleep:1 esc sleep:3' --until "$menu" "$image"
    sed '0,/could not be loaded/d' "$log" >after
    lacks 'after the message' after 'will be executed automatically'
    lacks 'after the message' after 'could not be loaded'
    has 'the log' "$log" 'Press Esc for the menu'
    lacks 'after the message' after 'error: '
    lacks 'the log' "$log" 'Linux version'
    lacks 'the log' "$log" 'LAB-'
}

# UEFI starts kernel, initramfs and arguments as one program, signed with a key that it trusts.
uki() {
    local snakeoil=/usr/share/ovmf/PkKek-1-snakeoil
    openssl pkey -in $snakeoil.key -passin pass:snakeoil -out key.pem || return
    medium "$2" "image.$2" --uki-boot --sign-key key.pem --sign-cert $snakeoil.pem
    healthy "image.$2" "$1"
    lacks 'the log' "$1.log" GRUB
}

lost_initrd() {
    medium usb usb.img
    mdel -i "$(esp usb.img)" ::/boot/linux/initrd.img
    refused usb.img "$1"
    has 'the log' "$1.log" 'The initramfs could not be loaded'
}

# The folder says 16 MiB of an initramfs whose chain of clusters ends before (8.3 name, size at 28).
short_initrd() {
    local at
    medium usb usb.img
    at=$(grep -abo 'INITRD  IMG' usb.img | head -n 1 | cut -d : -f 1)
    printf '\0\0\0\1' | dd of=usb.img bs=1 seek=$((at + 28)) conv=notrunc status=none
    refused usb.img "$1"
    has 'the log' "$1.log" 'The initramfs could not be loaded'
}

# The end of the image did not reach the stick: half of the kernel is missing.
incomplete_copy() {
    local start
    medium usb usb.img
    start=$("$program" plan -k "$kernel" -i "${initrds[0]}" usb |
        awk '/ boot\/linux\/vmlinuz/ && $1 ~ /^[0-9]+$/ { print $1; exit }')
    truncate -s $(((start + $(stat -L -c %s "$kernel") / 2) / 512 * 512)) usb.img
    refused usb.img "$1"
    has 'the log' "$1.log" '/boot/linux/vmlinuz could not be loaded'
}

# The kernel as its builder left it, before it was signed.
unsigned_kernel() {
    cp "$kernel" vmlinuz
    sbattach --remove vmlinuz >/dev/null 2>&1 || echo "sbattach failed"
    kernel=vmlinuz
    medium usb usb.img 2>warning
    [ "$(wc -l <warning)" = 1 ] || echo "not one line of warning: $(cat warning)"
    has 'the warning' warning 'vmlinuz: Secure Boot machines will refuse it: the kernel is not signed'
    "$program" inspect usb.img >report
    grep -q 'Secure Boot.*no: .*boot/linux/vmlinuz is not signed' report ||
        echo "inspect: $(grep 'Secure Boot' report)"
    if [ "$1" = secureboot ]; then
        refused usb.img "$1"
        has 'the log' "$1.log" '/boot/linux/vmlinuz could not be loaded'
    else
        healthy usb.img "$1"
    fi
}

no_video() {
    medium usb usb.img
    healthy usb.img "$1" --vga none
}

isohybrid_stick() {
    medium iso lab.iso --hybrid isohybrid
    healthy lab.iso "$1"
}

gpt_cd() {
    medium iso lab.iso --hybrid gpt
    healthy lab.iso "$1" --as cd
}

# The files of the ISO on a stick that somebody else formatted, in the root of its FAT32.
copied_files() {
    local at=0
    medium iso lab.iso
    xorriso -osirrox on -indev lab.iso -extract / tree >/dev/null 2>&1 || echo "xorriso failed"
    chmod -R u+w tree
    truncate -s 80M stick.img
    if [ "$2" = partition ]; then
        at=2048
        echo "start=$at, type=c, bootable" | sfdisk --quiet --label dos stick.img
    fi
    mkfs.fat -F 32 --offset "$at" stick.img $((80 * 1024 - at / 2)) >/dev/null
    mcopy -s -i "stick.img@@$((at * 512))" tree/* tree/.disk ::/
    healthy stick.img "$1"
}

# Runs the program where shim is not installed: an empty folder hides it, for this process only.
real=$program
without_shim() {
    local root=()
    [ "$(id -u)" = 0 ] || root=(--map-root-user)
    unshare "${root[@]}" --mount \
        sh -ec 'mount -t tmpfs tmpfs /usr/lib/shim && exec "$@"' sh "$real" "$@"
}

# GRUB comes from grub-mkimage then.
no_signed_loaders() {
    program=without_shim
    medium "$2" lab.img 2>notes
    has 'the notes' notes 'no boot on Secure Boot: shim is not installed; install shim-signed'
    "$real" inspect lab.img >report
    grep -q 'EFI/BOOT/BOOTX64.EFI *GRUB ' report || echo "inspect: $(grep BOOTX64 report)"
    lacks 'inspect' report 'signed by'
    healthy lab.img "$1"
}

refuses_unsigned() {
    program=without_shim
    ! medium "$1" lab.img --firmware secureboot 2>error || echo "it was made"
    [ "$(wc -l <error)" = 1 ] || echo "not one line: $(cat error)"
    has 'the error' error 'shim is not installed; install shim-signed (debian)'
    [ ! -e lab.img ] || echo "an output is there"
}

# cpio_of FOLDER: an uncompressed cpio of what is in it.
cpio_of() { bsdtar --format newc -C "$1" -cf - .; }

# Microcode comes first, as it has to; what comes last replaces files of those before.
more_initrds() {
    mkdir -p first/kernel/x86/microcode last/lab
    head -c 4099 /dev/zero >first/kernel/x86/microcode/GenuineIntel.bin
    echo 'the last one wins' >last/lab/payload
    cpio_of first >first.cpio
    cpio_of last | gzip >last.cpio.gz
    sha256=$(sha256sum <last/lab/payload | cut -d ' ' -f 1)
    initrds=(first.cpio "${initrds[0]}" last.cpio.gz)
    medium usb usb.img
    healthy usb.img "$1"
}

# shellcheck disable=SC2016 # dollar signs, not variables
odd_names() {
    local odd=' $x "q" '\''s'\'' ä;`id`' title='-h "b" $root; {c} } '\''d'\'' \n `e` #f'
    mkdir './-- $x'
    cp "$kernel" "./-- \$x/$odd"
    cp "${initrds[0]}" "./$odd.img"
    head -c 5000 /dev/urandom >"./$odd.txt"
    kernel="./-- \$x/$odd" initrds=("./$odd.img")
    medium usb usb.img --title "$title" --add "./$odd.txt:/extra/folder/Some Other Näme.txt"
    healthy usb.img "$1"
    has 'the menu' "$1.log" "*$title"
    has 'the log' "$1.log" "Loading $title ..."
    mcopy -i "$(esp usb.img)" '::/extra/folder/Some Other Näme.txt' back
    cmp "./$odd.txt" back
}

# A boot manager that loop-mounts the ISO, which is a file on its stick, and reads loopback.cfg.
loopback() {
    medium iso lab.iso
    mkdir manager
    cat >manager/grub.cfg <<'END'
search --no-floppy --set=root --file /{{marker}}
loopback loop /lab.iso
set root=loop
set iso_path=/lab.iso
export iso_path
configfile /boot/grub/loopback.cfg
END
    initrds=()
    medium usb usb.img --templates manager --add lab.iso
    healthy usb.img "$1"
}

only() {
    medium usb usb.img --firmware "$2"
    healthy usb.img "$1"
}

waits_for_ever() {
    timeout=-1
    medium usb usb.img
    # The kernel must not start before the key, which is when qemu begins to look for it.
    boot "$1.log" --firmware "$1" --after "$menu" --keys 'sleep:15 ret' --until 'Linux version' usb.img
    lacks 'the menu' "$1.log" 'will be executed automatically'
}

starts_at_once() {
    timeout=0
    medium usb usb.img
    healthy usb.img "$1"
    lacks 'the log' "$1.log" 'GNU GRUB'
    lacks 'the log' "$1.log" "$menu"
}

run_case() {
    local dir="$work/$*" start=$SECONDS wrong
    dir=${dir// /-}
    mkdir -p "$dir" && cd "$dir" || exit
    wrong=$("$@" 2>&1)
    report "$* ($((SECONDS - start)) s)" "$wrong" ./*.log
}

find_payload
run_cells run_case <<<"$table"
