#!/bin/bash
# Sticks that were updated boot what is new; those that were stopped before the one write that counts
# boot what was there, those that were stopped after it what is new. And a guest that mounts a stick
# and reads all files does nothing that verify would mind. A TAP line each. What may be set is in
# tests/lab/lib.bash.
. "${0%/*}/lib.bash"
# shellcheck disable=SC2154,SC2034 # of tests/lab/lib.bash
TOP=$top
. "$top/tests/ramroot.bash"

table='
updated new bios       bios  unknown
updated new secureboot efi64 enabled
stopped old bios       bios  unknown
stopped new uefi       efi64 disabled
sectors new uefi       efi64 disabled
mounted
'

# update_stick OPTION... DISK: to the other initramfs.
update_stick() { "$program" update -q "$@" -i "$work/initramfs.new"; }

# told LOG CONTENT MACHINE FIRMWARE SECUREBOOT: what is wrong with a boot of that content.
told() {
    [ "$2" = old ] || sha256=$sha256_new
    faults "$1" "$4" "$5"
}

updated() {
    cp "$work/stick" disk
    update_stick --allow-file disk && boot log --firmware "$2" disk
    told log "$@"
}

# faulty FAULT: the update of "disk".
faulty() {
    FAULT=$1 FAULT_COUNT=count FAULT_PATH=$PWD/disk LD_PRELOAD=$top/build/preload/fault.so \
        "$top/build/mkbootmedia" update -q --allow-file disk -i "$work/initramfs.new"
}

# The last write but one is the one that counts: old is killed before it, new after it.
stopped() {
    local count
    cp "$work/stick" disk
    faulty count:1 || return
    count=$(cat count)
    [ "$1" = new ] || count=$((count - 1))
    cp "$work/stick" disk
    faulty "kill:$count" 2>/dev/null
    [ $? = 137 ] || echo 'was not killed'
    boot log --firmware "$2" disk
    told log "$@"
}

# On a disk with large sectors, which a BIOS would not start.
sectors() {
    local loop
    tr '\0' '\377' </dev/zero | head -c 200M >disk
    loop=$(losetup --find --show --sector-size 4096 disk) || return
    "$program" write -q --yes --allow-fixed "$work/usb.img" "$loop" && update_stick --allow-fixed "$loop"
    losetup -d "$loop"
    boot log --firmware "$2" --as scsi --sector 4096 disk
    told log "$@"
}

# An initramfs that mounts the stick's ESP for writing, reads all files and unmounts it.
reader() {
    local version
    version=$(kernel_version)
    mkdir -p root/bin root/dev root/proc root/mnt
    modules_to "$PWD/root" virtio_pci virtio_blk vfat nls_cp437 nls_ascii nls_utf8 || return
    depmod -b root "$version"
    cp "$(command -v busybox)" root/bin/busybox
    mknod root/dev/console c 5 1
    cat >root/init <<'END'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
for module in virtio_pci virtio_blk nls_cp437 nls_ascii nls_utf8 vfat; do
    $b modprobe $module
done
$b mount -t vfat /dev/vda2 /mnt && $b find /mnt -type f -exec $b cat {} + | $b wc -c >/dev/ttyS0
$b umount /mnt && echo LAB-DONE >/dev/ttyS0
$b poweroff -f
END
    chmod 755 root/init
    (cd root && find . | bsdcpio -o -H newc --quiet -R 0:0) | gzip -1 >reader
}

mounted() {
    cp "$work/stick" disk
    update_stick --allow-file disk
    cp disk before
    reader || return
    timeout 150 qemu-system-x86_64 -accel tcg -m 256 -nodefaults -no-reboot -display none -serial file:log -rtc base=2030-01-01 \
        -drive file=disk,format=raw,if=virtio -kernel "$kernel" -initrd reader -append 'console=ttyS0 quiet'
    grep -q LAB-DONE log || echo 'the guest has not done it'
    ! cmp -s disk before || echo 'the guest has not changed anything'
    "$program" verify -q disk 2>&1
    rm disk before
}

cell() {
    local name="$*" start=$SECONDS wrong
    mkdir "$work/${name// /-}"
    wrong=$(cd "$work/${name// /-}" && "$@")
    report "$name ($((SECONDS - start)) s)" "$wrong" "$work/${name// /-}/log"
}

[ "$(id -u)" = 0 ] || bail "root is wanted, for loop devices"
find_payload
echo 'another payload' >"$work/payload"
"$top/tools/initramfs" "$work/initramfs.new" "$top/tests/lab/init" "$work/payload" || bail "no initramfs to boot"
sha256_new=$(sha256sum <"$work/payload" | cut -d ' ' -f 1)
medium usb "$work/usb.img" >&2 || bail "$program usb failed"
tr '\0' '\377' </dev/zero | head -c 200M >"$work/stick"
"$program" write -q --yes --allow-file "$work/usb.img" "$work/stick" || bail "$program write failed"
run_cells cell <<<"$table"
