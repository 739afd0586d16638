#!/bin/bash
# Root file systems that run from RAM: a real Debian and small trees, in both modes, from sticks, CDs
# and over HTTP, on every firmware; and what happens when RAM, server or image are not good enough. A
# TAP line each.
#
# The first word of a line is the function of the case: it works in a folder of its own, makes its
# medium there, boots it and prints what is wrong. What may be set is in tests/lab/lib.bash; what
# Debian is made of, and what it says of itself, in tools/rootfs and tests/lab/rootfs. Wants root.
LAB_JOBS=${LAB_JOBS:-3} # many cells wait for servers
. "${0%/*}/lib.bash"
. "${0%/*}/netlab.bash"
# shellcheck disable=SC2154 # of tests/lab/lib.bash
TOP=$top
. "$top/tests/ramroot.bash"

# Each mode, each firmware, each medium and each way of the root image into RAM is there: by the
# loader within the initramfs, from the medium by the first stage, over HTTP by the first stage.
table='
wrong_urls    bios
debian        tmpfs    bios        usb
debian        overlay  uefi        cd
debian        tmpfs    secureboot  cd
http_debian   tmpfs    uefi        ipxe
el            overlay  bios
small         tmpfs    bios        usb
from_medium   overlay  uefi        usb
from_medium   tmpfs    bios        cd
http          overlay  bios        ipxe
http          tmpfs    secureboot  shim
server_dies   tmpfs    bios
little_ram    tmpfs    bios
little_ram    overlay  bios
flipped_bit   tmpfs    bios
flipped_bit   overlay  bios
shell         bios
keyboard      overlay  bios
crowded       bios
'

secret='Lab 42!'
# What to talk of with a machine that is to do all by itself.
no_shell='never here is a shell'

# has WHAT FILE TEXT, lacks WHAT FILE TEXT
has() { grep -qF -- "$3" "$2" || echo "$1: missing: $3"; }
lacks() { ! grep -F -m 1 -- "$3" "$2" || echo "$1: unwanted: $3"; }
# A line of the log as a whole; kernel messages may stand before it.
says() { grep -qE -- "(^|\])$2\$" "$1" || echo "$1: missing: $2; there is: $(grep -aF -m 1 -- "${2%% *} " "$1")"; }

# machine LOG MEMORY OPTION...: as boot does, with so much memory; what is to be typed comes from stdin.
machine() {
    local log=$1 memory=$2
    shift 2
    : >"$log.raw"
    "$top/tests/lab/talk" --memory "$memory" "$top/tests/lab/qemu" --log "$log.raw" --timeout 240 "$@" 2>&1
    tr -d '\r' <"$log.raw" >"$log"
}

# shellcheck disable=SC2054 # a comma within
consoles=(--console tty0 --console ttyS0,115200)
# Where a medium is plugged in, and what it is.
declare -A plugged=([usb]='--as usb' [cd]='--as cd') kinds=([usb]=usb [cd]=iso)

# ---- Debian -------------------------------------------------------------------------------------

# What is changed in Debian, by default or by the tests: all else must be as it was.
adjusted=boot,etc/shadow,etc/hostname,root/.ssh,etc/systemd/system/getty@.service.d
adjust=(--hostname lab-7 --root-password "password:$secret" --ssh-key "$work/lab.pub")

# The source, once for all cells: as a tar, as files, as the digests of those.
debian_source() {
    debian=$("$top/tools/rootfs") || bail "no Debian to boot"
    echo "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxhYgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA lab" \
        >"$work/lab.pub"
    mkdir -p "$work/debian"
    # tar takes ACLs as such, or as attributes: packages have the second form, the odd files the first
    tar --xattrs --xattrs-include='*' --acls --numeric-owner -xpf "$debian" -C "$work/debian" &&
        tar --xattrs --xattrs-include='*' --numeric-owner -xpf "$debian" -C "$work/debian" ./var/log/journal &&
        tree_digest --short "$work/debian" ${adjusted//,/ } >"$work/digest" &&
        tree_digest --short --no-user "$work/debian" ${adjusted//,/ } >"$work/digest.no-user" ||
        bail "Debian cannot be unpacked"
}

# What to do once it is up: log in, let it check itself, switch it off. A slow machine asks who is there
# before it says that it is up, or after.
session() {
    cat <<END
$no_shell
expect login: 
type root
expect Password: 
type $secret
expect # 
type lab-check
expect LAB-CHECKED
type systemctl poweroff
END
}

# checked LOG MODE: what is wrong with a session.
checked() {
    local log=$1
    has "$log" "$log" RAMROOT-MULTIUSER
    says "$log" "LAB-ROOT $2 rw"
    says "$log" 'LAB-STATE running'
    says "$log" 'LAB-FAILED '
    says "$log" 'LAB-PIVOT yes'
    says "$log" 'LAB-USER-NAMESPACE yes'
    says "$log" 'LAB-PING /usr/bin/ping cap_net_raw=ep'
    says "$log" 'LAB-PINGS yes'
    says "$log" 'LAB-ACL user::rw- user:12345:rw- group::r-- group:54321:r-- mask::rw- other::r-- *'
    says "$log" 'LAB-HOSTNAME lab-7'
    says "$log" 'LAB-SSHD active'
    says "$log" "LAB-KEYS $(sha256sum <"$work/lab.pub" | cut -d ' ' -f 1) 700 0:0 600 0:0 *"
    says "$log" 'LAB-WRITES yes'
    says "$log" 'LAB-LEFT no'
    has "$log" "$log" 'reboot: Power down'
}

# The tree as it was before the system began to change it. Linux before 6.6 has no attributes in the
# name space "user." in a tmpfs.
digested() {
    has "$1" "$1" 'LAB-TREE end'
    grep -q '^LAB-TREE end' "$1" || return
    diff "$2" <(sed -n '/LAB-TREE end/d; s/^LAB-TREE //p' "$1") | sed 's/^/digest: /'
}

debian() {
    local mode=$1 firmware=$2 as=$3 arguments='' user=''
    [ "$mode" = overlay ] || user=.no-user
    # Debian first says what it is. That takes ten seconds: once in each mode.
    [ "$firmware" = secureboot ] ||
        arguments="init=/usr/local/sbin/lab-init lab.skip=$adjusted ${user:+lab.no-user}"
    "$program" "${kinds[$as]}" -q -r "$debian" --mode "$mode" "${adjust[@]}" "${consoles[@]}" --timeout 0 \
        --cmdline "$arguments" -o medium || return
    # shellcheck disable=SC2086 # two words
    session | machine "$firmware.log" 1024 --firmware "$firmware" ${plugged[$as]} --timeout 800 \
        --until 'reboot: Power down' medium
    checked "$firmware.log" "$mode"
    [ -z "$arguments" ] || digested "$firmware.log" "$work/digest$user"
}

# Red Hat's ways: no /boot, the kernel and compressed modules in one folder, SELinux that enforces,
# disks in fstab. From a folder, not from a tar.
el() {
    local version label=system_u:object_r:selinux_config_t:s0
    cp -al "$work/debian" tree
    version=$(cd tree/usr/lib/modules && echo *)
    mv "tree/boot/vmlinuz-$version" "tree/usr/lib/modules/$version/vmlinuz"
    rm -r tree/boot/*
    find tree/usr/lib/modules/*/kernel/{fs,lib,crypto,drivers/block,drivers/net} -name '*.ko' -exec sh -c '
        for ko; do xz -q --check=crc32 -0 -c "$ko" >"$ko.xz" && rm "$ko"; done' sh {} +
    mkdir -p tree/etc/selinux
    printf 'SELINUX=enforcing\nSELINUXTYPE=targeted\n' >tree/etc/selinux/config
    setfattr -n security.selinux -v "$label" tree/etc/selinux/config || return
    rm -f tree/etc/fstab tree/etc/os-release
    printf 'UUID=0a0b0c0d-0000-4000-8000-000000000000 / xfs defaults 0 0\n/dev/mapper/el-swap none swap defaults 0 0\n' \
        >tree/etc/fstab
    printf 'ID=almalinux\nID_LIKE="rhel centos fedora"\nPRETTY_NAME="Like EL 9"\n' >tree/etc/os-release
    "$program" usb -q -r tree --mode "$1" --selinux permissive "${adjust[@]}" "${consoles[@]}" --timeout 0 \
        -o medium || return
    session | machine "$2.log" 768 --firmware "$2" --timeout 800 --until 'reboot: Power down' medium
    checked "$2.log" "$1"
    says "$2.log" 'LAB-SELINUX permissive'
    says "$2.log" "LAB-LABEL $label"
    lacks "$2.log" "$2.log" 'dev-mapper-el'
}

http_debian() {
    net_tree "$debian" "$1" "$3" "${adjust[@]}" || return
    session | net_machine "$2.log" 1024 --firmware "$2" --timeout 800 --until 'reboot: Power down'
    checked "$2.log" "$1"
}

# ---- small trees --------------------------------------------------------------------------------

# A tree of BusyBox with a megabyte of noise; it is not merged. With the modules that a first stage may
# want for any medium.
small_source() {
    small_tree "$work/small"
    modules_to "$work/small" xhci_pci ehci_pci uhci_hcd usbhid hid_generic usb_storage uas ahci sd_mod sr_mod \
        isofs vfat nls_ascii nls_cp437 nls_utf8 virtio_pci virtio_net || bail "no modules"
    rm "$work/small/sbin/init"
    cp "$top/tests/lab/small-init" "$work/small/sbin/init"
    mkdir "$work/small/lab"
    perl -e 'srand 2; print pack "C*", map { int rand 256 } 1 .. 1 << 20' >"$work/small/lab/noise"
    noise=$(sha256sum <"$work/small/lab/noise" | cut -d ' ' -f 1)
    chown -R 0:0 "$work/small"
}

# well LOG MODE: what is wrong with what a small tree has said.
well() {
    says "$1" "LAB-ROOT $2"
    says "$1" "LAB-SHA256 $noise"
    says "$1" 'LAB-PIVOT yes'
    says "$1" 'LAB-WRITES yes'
    says "$1" 'LAB-HOSTNAME small'
    says "$1" 'LAB-DONE'
    has "$1" "$1" 'reboot: Power down'
}

# small_medium KIND MODE OPTION...
small_medium() {
    local kind=$1 mode=$2
    shift 2
    "$program" "$kind" -q -r "$work/small" --mode "$mode" --hostname small "${consoles[@]}" --timeout 0 "$@"
}

small() {
    small_medium "${kinds[$3]}" "$1" --cmdline mkbootmedia.size=100M -o medium || return
    # shellcheck disable=SC2086 # two words
    machine "$2.log" 512 --firmware "$2" ${plugged[$3]} --until 'reboot: Power down' medium <<<"$no_shell"
    well "$2.log" "$1"
    [ "$1" = overlay ] || says "$2.log" 'LAB-SIZE 102400'
}

from_medium() {
    small_medium "${kinds[$3]}" "$1" --fetch -o medium || return
    # shellcheck disable=SC2086 # two words
    machine "$2.log" 512 --firmware "$2" ${plugged[$3]} --until 'reboot: Power down' medium <<<"$no_shell"
    well "$2.log" "$1"
}

# in_the_shell TEXT: steps of a talk: after the text there is a shell that works.
in_the_shell() {
    # shellcheck disable=SC2016 # for the guest
    printf '%s\n' "expect $1" 'expect mkbootmedia# ' 'type echo LAB-SHELL $((6 * 7))'
}

# ---- over HTTP ----------------------------------------------------------------------------------

# net_tree ROOTFS MODE PXE OPTION...: the boot root, and servers for it.
net_tree() {
    local rootfs=$1 mode=$2 pxe=$3
    shift 3
    "$program" net -q -r "$rootfs" --mode "$mode" --fetch --pxe "$pxe" --url http://10.77.0.1/boot \
        --interface lan0 "${consoles[@]}" --timeout 0 "$@" -o tree &&
        net_up && net_serve dnsmasq tree/dhcp/dnsmasq.conf && net_serve nginx tree/http/nginx.conf
}

net_machine() {
    local log=$1 memory=$2
    shift 2
    # shellcheck disable=SC2154 # of tests/lab/netlab.bash
    machine "$log" "$memory" --netns "$net_home" --net tap0 "$@"
}

http() {
    net_tree "$work/small" "$1" "$3" --hostname small || return
    net_machine "$2.log" 512 --firmware "$2" --until 'reboot: Power down' <<<"$no_shell"
    well "$2.log" "$1"
}

# The root image comes from another server than the rest, which dies half-way. What it has sent is not
# asked for again.
server_dies() {
    net_tree "$work/small" "$1" ipxe --hostname small \
        --cmdline 'mkbootmedia.url=http://10.77.0.1:8080/root' || return
    mv tree/payload/*/root.img root.img || return
    (net_run "$net_home" "$top/tests/lab/half-server" 10.77.0.1:8080 root.img 4) >half.log 2>&1 &
    net_pids+=("$!")
    net_wait "the half server" net_listens "$net_home" 8080 || return
    net_machine "$2.log" 512 --firmware "$2" --timeout 800 --until 'reboot: Power down' <<<"$no_shell"
    well "$2.log" "$1"
    has 'the server' half.log gone
    has 'the server' half.log back
    grep -q ' from [1-9]' half.log || echo "the server: asked for all again: $(cat half.log)"
}

# One server is not there, the other has no such file: both are asked several times; then there is a
# shell, which works.
wrong_urls() {
    net_tree "$work/small" tmpfs ipxe --hostname small --cmdline mkbootmedia.url=http://10.77.0.99/root ||
        return
    rm tree/payload/*/root.img
    net_machine "$1.log" 512 --firmware "$1" --timeout 800 --until 'LAB-SHELL 42' < <(in_the_shell 'root.img: ')
    has 'the log' "$1.log" 'http://10.77.0.99/root: '
    lacks 'the log' "$1.log" 'LAB-DONE'
    lacks 'the log' "$1.log" 'Kernel panic'
    [ "$(grep -c 'root.img" failed' nginx.log)" -gt 2 ] ||
        echo "the server was asked $(grep -c 'root.img" failed' nginx.log) times"
}

# ---- trouble ------------------------------------------------------------------------------------

# 700 MB of files, which are little when compressed, in a machine of 512. As an overlay it fits.
little_ram() {
    mkdir -p more/lab
    head -c 700M /dev/zero >more/lab/zeros
    small_medium usb "$1" --overlay more -o medium || return
    if [ "$1" = overlay ]; then
        machine "$2.log" 512 --firmware "$2" --until 'reboot: Power down' medium <<<"$no_shell"
        well "$2.log" "$1"
        return
    fi
    machine "$2.log" 512 --firmware "$2" --until 'LAB-SHELL 42' medium < <(in_the_shell RAM)
    grep -qE 'RAM.*[0-9]+ MiB|[0-9]+ MiB.*RAM' "$2.log" || echo "no line with RAM and how many MiB"
    lacks 'the log' "$2.log" 'LAB-DONE'
    lacks 'the log' "$2.log" 'Kernel panic'
}

# The loaders do not notice it; the first stage must.
flipped_bit() {
    local place at byte
    small_medium usb "$1" -o medium || return
    place=$(root_place medium) || return
    at=$((${place% *} + ${place#* } / 2))
    byte=$(od -An -tu1 -j "$at" -N 1 medium)
    # shellcheck disable=SC2059 # the byte, as printf wants it
    printf "\\x$(printf %02x $((byte ^ 16)))" | dd of=medium bs=1 seek="$at" conv=notrunc status=none
    machine "$2.log" 512 --firmware "$2" --until 'LAB-SHELL 42' medium < <(in_the_shell damaged)
    lacks 'the log' "$2.log" 'LAB-DONE'
    lacks 'the log' "$2.log" 'Kernel panic'
}

# A shell before the root is started, and on when it is left.
shell() {
    small_medium usb tmpfs --cmdline mkbootmedia.shell -o medium || return
    machine "$1.log" 512 --firmware "$1" --until 'reboot: Power down' medium <<'END'
expect mkbootmedia# 
type cat /newroot/etc/hostname; echo LAB-SHELL $((6 * 7))
expect LAB-SHELL 42
expect mkbootmedia# 
type echo LAB-SLEEP''S; sleep 1000
expect LAB-SLEEPS
type 
expect mkbootmedia# 
type exit
END
    well "$1.log" tmpfs
}

# The same on the screen, with a USB keyboard, whose drivers are modules.
keyboard() {
    small_medium usb "$1" --cmdline mkbootmedia.shell -o medium || return
    boot "$2.log" --firmware "$2" --keyboard usb --after 'here is a shell' --timeout 150 --until lab-key \
        --keys 'sleep:8 e c h o spc l a b minus k e y spc shift-dot slash d e v slash t t y shift-s 0 ret' medium
    has 'the log' "$2.log" lab-key
}

# Linux cannot unpack all of the image: there is somebody who says so.
crowded() {
    mkdir -p more/lab
    head -c 250000000 /dev/zero | openssl enc -aes-128-ctr -nosalt -pass pass:1 -pbkdf2 >more/lab/noise
    small_medium usb tmpfs --overlay more -o medium || return
    machine "$1.log" 512 --firmware "$1" --until 'LAB-SHELL 42' medium < <(in_the_shell RAM)
    grep -qE 'RAM.*[0-9]+ MiB|[0-9]+ MiB.*RAM' "$1.log" || echo "no line with RAM and how many MiB"
    lacks 'the log' "$1.log" 'Kernel panic'
}

cell() {
    local name="$*" start=$SECONDS wrong dir
    dir="$work/${name// /-}"
    mkdir -p "$dir"
    wrong=$(cd "$dir" && "$@" 2>&1)
    report "$name ($((SECONDS - start)) s)" "$wrong" "$(find "$dir" -name '*.log' |
        grep -E '(bios|uefi|secureboot).log$' | head -n 1)"
    [ -n "${LAB_KEEP-}" ] || rm -rf "$dir" # they are large
}

[ "$(id -u)" = 0 ] || bail "root is wanted, for network namespaces and for files with owners"
chmod 755 "$work" # nginx reads the trees as another user
small_source
debian_source
run_cells cell <<<"$table"
