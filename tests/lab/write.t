#!/bin/bash
# Disks that were written boot, by the firmware that the table says; and try boots what was made. A TAP
# line each. What may be set is in tests/lab/lib.bash.
. "${0%/*}/lib.bash"
. "$top/tests/ramroot.bash"

table='
written 512  secureboot usb.img efi64 enabled
written 4096 uefi       usb.img efi64 disabled
direct  512  bios       usb     bios  unknown
tried   lab.iso uefi       efi64 disabled
tried   tree    bios       bios  unknown
pictured
data ext4  bios
data exfat uefi
'

# on_disk SECTOR COMMAND...: the disk is the command's last word; then the file behind it is "disk".
on_disk() {
    local sector=$1 loop status=0
    shift
    tr '\0' '\377' </dev/zero | head -c 200M >disk
    loop=$(losetup --find --show --sector-size "$sector" disk) || return
    "$@" "$loop" || status=$?
    losetup -d "$loop"
    return $status
}

boot_disk() { # LOG FIRMWARE SECTOR
    local as=usb
    [ "$3" = 512 ] || as=scsi
    boot "$1" --firmware "$2" --as $as --sector "$3" disk
}

written() {
    on_disk "$1" "$program" write -q --yes --allow-fixed "$work/$3" &&
        boot_disk log "$2" "$1"
    faults log "$4" "$5"
}

# Without a file in between.
direct() {
    onto() { medium usb '' -q --yes --allow-fixed --write "$1"; }
    on_disk "$1" onto && boot_disk log "$2" "$1"
    faults log "$4" "$5"
}

# Until the guest has said all and switches the machine off.
tried() {
    timeout 150 "$program" try --no-kvm --memory 512M --firmware "$2" "$work/$1" </dev/null 2>&1 |
        tr -d '\r' >log
    faults log "$3" "$4"
}

pictured() {
    timeout 100 "$program" try --no-kvm --screenshot 'the menu.png' --after 15 "$work/usb.img" </dev/null >log 2>&1 || echo "exit status $?"
    [ "$(head -c 4 'the menu.png' | tr -dc A-Z)" = PNG ] || echo 'no picture'
}

# What the guest does with the data partition: writes into it, and finds that again.
guest() {
    cat <<END
for round in 1 2 3 4 5 6; do # until each has what it needs
    for module in \$(\$busybox find /lib/modules -name '*.ko'); do
        name=\${module##*/} name=\${name%.ko}
        [ -d "/sys/module/\${name//-/_}" ] || \$busybox insmod "\$module" 2>/dev/null
    done
done
for second in 1 2 3 4 5 6 7 8 9 10; do
    [ ! -b /dev/sda3 ] || break
    \$busybox sleep 1
done
\$busybox mkdir /data
\$busybox mount -t $1 /dev/sda3 /data &&
    echo "LAB-FOUND \$(\$busybox ls /data | \$busybox grep -v lost+found | \$busybox wc -l)" &&
    for copy in 1 2 3 4 5 6 7 8; do \$busybox cp /lab/payload /data/copy\$copy; done &&
    \$busybox umount /data && \$busybox mount -t $1 /dev/sda3 /data &&
    echo "LAB-DATA \$(\$busybox sha256sum /data/copy* | \$busybox cut -d ' ' -f 1 | \$busybox uniq -c | \$busybox xargs)" &&
    \$busybox umount /data && echo "LAB-UNMOUNTED"
\$busybox dmesg | \$busybox grep -i 'ext4-fs error\|exfat-fs.*error\|corrupt' | \$busybox sed 's/^/LAB-ERROR /'
END
}

# On a disk that was full of 0xff.
data() {
    local initrds=("$work/initramfs" more.img)
    # shellcheck disable=SC2034 # of tests/ramroot.bash
    local TOP=$top
    mkdir -p more/lab && guest "$1" >more/lab/more
    modules_to "$PWD/more" ext4 crc32c_generic exfat xhci_pci usb_storage sd_mod || return
    (cd more && bsdtar --format newc --uid 0 --gid 0 -cf - lab lib) | gzip -1 >more.img
    onto() { medium usb '' -q --yes --allow-fixed --data "64M:$fs" --write "$1"; }
    local fs=$1
    on_disk 512 onto && boot_disk log "$2" 512
    faults log "$([ "$2" = bios ] && echo bios || echo efi64)" "$([ "$2" = bios ] && echo unknown || echo disabled)"
    for line in 'LAB-FOUND 0' "LAB-DATA 8 $sha256" LAB-UNMOUNTED; do
        grep -qxF -- "$line" log || echo "missing: $line"
    done
    ! grep LAB-ERROR log
}

cell() {
    local name="$*" start=$SECONDS wrong
    mkdir "$work/${name// /-}"
    wrong=$(cd "$work/${name// /-}" && "$@")
    report "$name ($((SECONDS - start)) s)" "$wrong" "$work/${name// /-}/log"
}

[ "$(id -u)" = 0 ] || bail "root is wanted, for loop devices"
find_payload
medium usb "$work/usb.img" >&2 || bail "$program usb failed"
medium iso "$work/lab.iso" >&2 || bail "$program iso failed"
medium net "$work/tree" -q --pxe grub --url http://10.0.2.2/boot >&2 || bail "$program net failed"
run_cells cell <<<"$table"
