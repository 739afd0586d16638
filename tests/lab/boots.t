#!/bin/bash
# Every x86-64 firmware boots both media in every way they are plugged in: 16 cells, a TAP line each.
#
# A cell is good when the guest reports what went in: the kernel arguments as Linux split them, the
# sha256 of a file of its initramfs, the firmware, and the state of Secure Boot. Nothing is retried.
#
#   MKBOOTMEDIA=PROGRAM   what makes the media (build/san/mkbootmedia)
#   LAB_CELLS=REGEX       only the cells whose name matches, e.g. 'secureboot .*'
#   LAB_JOBS=N            machines at a time (2)
#   LAB_KEEP=DIR          media and serial logs stay there
set -uo pipefail
cd "${0%/*}/../.." || exit 1

program=${MKBOOTMEDIA:-build/san/mkbootmedia}
jobs=${LAB_JOBS:-2}
cells=${LAB_CELLS:-.}

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

work=${LAB_KEEP:-$(mktemp -d)}
mkdir -p "$work"
stop() {
    # shellcheck disable=SC2046 # one word per machine
    kill $(jobs -p) 2>/dev/null
    wait
    [ -n "${LAB_KEEP-}" ] || rm -rf "$work"
}
trap stop EXIT
trap 'exit 1' INT TERM HUP

bail() {
    echo "Bail out! $*"
    exit 1
}

make_media() {
    local kernel
    kernel=$(tools/kernel | sed -n 1p)
    [ -r "$kernel" ] || bail "no kernel to boot"
    sha256=$(tests/lab/initramfs "$work/initramfs") || bail "no initramfs to boot"
    for medium in usb.img lab.iso; do
        kind=usb
        [ $medium = lab.iso ] && kind=iso
        # shellcheck disable=SC2016 # the guest shall see the dollar sign
        "$program" $kind -k "$kernel" -i "$work/initramfs" --timeout 1 \
            --cmdline 'lab=cell quoted="a b" dollar=$x' \
            --console ttyS0,115200 --console tty0 -o "$work/$medium" >&2 ||
            bail "$program $kind failed"
    done
}

# What a good serial log holds, a line each; every line is looked for as a whole.
expected() {
    cat <<END
LAB-WORD lab=cell
LAB-WORD quoted=a b
LAB-WORD dollar=\$x
LAB-SHA256 $sha256
LAB-FIRMWARE $1
LAB-SECUREBOOT $2
LAB-DONE
END
}

# Prints what is wrong with a log, a line each.
faults() {
    local log=$1 line
    while IFS= read -r line; do
        grep -qxF -- "$line" "$log" || echo "missing: $line"
    done < <(expected "$2" "$3")
    grep -q '^LAB-CMDLINE .* console=ttyS0,115200 console=tty0\( \|$\)' "$log" ||
        echo "missing: LAB-CMDLINE with console=ttyS0,115200 console=tty0 in this order"
}

run_cell() {
    local name="$1 $2 $3" log="$work/$1-$2-$3.log" wrong start=$SECONDS
    tests/lab/qemu --firmware "$1" --as "$2" --log "$log.raw" "$work/$3" 2>"$log.err"
    tr -d '\r' <"$log.raw" >"$log" 2>/dev/null
    wrong=$(cat "$log.err" && faults "$log" "$4" "$5")
    # One write each, so that two cells do not mix.
    if [ -z "$wrong" ]; then
        echo "ok - $name ($((SECONDS - start)) s)"
    else
        printf '%s\n' "not ok - $name
# ${wrong//$'\n'/$'\n'# }
# the end of its serial line:
$(tail -n 30 "$log" | tr -cd '\n\40-\176' | sed 's/^/#   /')"
    fi
}

grep -E "$cells" <<<"$table" | grep . | tr -s ' ' >"$work/cells"
count=$(wc -l <"$work/cells")
[ "$count" -gt 0 ] || bail "no cell matches $cells"
echo "1..$count"
make_media
while read -r firmware as medium says secure; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
        wait -n
    done
    run_cell "$firmware" "$as" "$medium" "$says" "$secure" </dev/null &
done <"$work/cells"
wait
