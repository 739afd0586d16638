#!/bin/bash
# Every x86-64 firmware boots both media in every way they are plugged in: 16 cells, a TAP line each.
#
# A cell is good when the guest reports what went in: the kernel arguments as Linux split them, the
# sha256 of a file of its initramfs, the firmware, and the state of Secure Boot. What may be set is
# in tests/lab/lib.bash.
. "${0%/*}/lib.bash"

# firmware    as    medium    LAB-FIRMWARE LAB-SECUREBOOT
table='
bios          usb   usb.img   bios         unknown
bios          disk  usb.img   bios         unknown
bios          cd    lab.iso   bios         unknown
bios          usb   lab.iso   bios         unknown
uefi          usb   usb.img   efi64        disabled
uefi          disk  usb.img   efi64        disabled
uefi          cd    lab.iso   efi64        disabled
uefi          usb   lab.iso   efi64        disabled
secureboot    usb   usb.img   efi64        enabled
secureboot    disk  usb.img   efi64        enabled
secureboot    cd    lab.iso   efi64        enabled
secureboot    usb   lab.iso   efi64        enabled
ia32          usb   usb.img   efi32        disabled
ia32          disk  usb.img   efi32        disabled
ia32          cd    lab.iso   efi32        disabled
ia32          usb   lab.iso   efi32        disabled
'

cell() {
    local log="$work/$1-$2-$3.log" start=$SECONDS wrong
    wrong=$(boot "$log" --firmware "$1" --as "$2" "$work/$3"; faults "$log" "$4" "$5")
    report "$1 $2 $3 ($((SECONDS - start)) s)" "$wrong" "$log"
}

find_payload
medium usb "$work/usb.img" >&2 || bail "$program usb failed"
medium iso "$work/lab.iso" >&2 || bail "$program iso failed"
run_cells cell <<<"$table"
