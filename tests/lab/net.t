#!/bin/bash
# Every way of a network boot, in network namespaces: what `mkbootmedia net` has made is served by real
# servers that run with its own configurations, and every firmware starts from it. A TAP line each.
#
# The first word of a line is the function of the case: it works in a folder of its own, with a
# network of its own, makes its tree there, boots and prints what is wrong. What may be set is in
# tests/lab/lib.bash; the servers' logs are beside the serial logs. Wants root.
. "${0%/*}/lib.bash"
. "${0%/*}/netlab.bash"

# What the firmware's own PXE or HTTP Boot loads first, over what comes the rest.
table='
proxy         bios        ipxe
proxy         uefi        ipxe
proxy         uefi        grub
dnsmasq       bios        ipxe    pxe
kea           bios        ipxe    pxe
dnsmasq       uefi        ipxe    pxe
dnsmasq       uefi        ipxe    http
odd_texts     bios        ipxe
two_hosts     bios        ipxe
two_hosts     secureboot  shim
odd_texts     uefi        grub
dhcpd         uefi        grub    pxe
kea           uefi        ipxe    http
dnsmasq       bios        grub    pxe
dnsmasq       uefi        grub    pxe
dnsmasq       uefi        shim    pxe
dnsmasq       secureboot  shim    pxe
dnsmasq       ia32        grub    pxe
dnsmasq       ia32        grub    http
dnsmasq       uefi        grub    http
own_ipxe      bios        grub
users_qemu    bios        grub
signed_uki    snakeoil    ipxe    http
unsigned_uki  snakeoil    ipxe    http
lost_payload  uefi        ipxe
'

declare -A says=([bios]='bios unknown' [uefi]='efi64 disabled' [secureboot]='efi64 enabled'
    [snakeoil]='efi64 enabled' [ia32]='efi32 disabled')

# has WHAT FILE TEXT, lacks WHAT FILE TEXT
has() { grep -qF -- "$3" "$2" || echo "$1: missing: $3"; }
lacks() { ! grep -F -m 1 -- "$3" "$2" || echo "$1: unwanted: $3"; }

# tree OPTION...: the boot root of the cell, for the network that net_up makes.
tree() {
    # shellcheck disable=SC2016 # the guest shall see the dollar sign
    "$program" net -k "$kernel" -i "${initrds[0]}" --timeout 1 \
        --cmdline 'lab=cell quoted="a b" dollar=$x' --console ttyS0,115200 --console tty0 \
        --url http://10.77.0.1/boot --interface lan0 "$@" -o tree 2>messages || cat messages
}

# A DHCP server that knows nothing of files says where they are; this is where.
files() {
    printf 'port=0\nenable-tftp\ntftp-root=%s\n' "$PWD/tree" >files.conf
    net_serve dnsmasq files.conf
}

# healthy FIRMWARE OPTION...: boots, until the guest has reported.
healthy() {
    local firmware=$1
    shift
    net_boot "$firmware.log" --firmware "$firmware" "$@"
    # shellcheck disable=SC2086 # two words
    faults "$firmware.log" ${says[$firmware]}
}

dnsmasq() {
    tree --pxe "$2"
    net_up && net_serve dnsmasq tree/dhcp/dnsmasq.conf && net_serve nginx tree/http/nginx.conf &&
        healthy "$1" --boot "$3"
}

# A card or virtual machine that has iPXE built in gets the menu at once.
own_ipxe() {
    tree --pxe "$2"
    net_up && net_serve dnsmasq tree/dhcp/dnsmasq.conf && net_serve nginx tree/http/nginx.conf &&
        healthy "$1" --rom qemu
}

# As anybody can try a tree, without root and without servers: QEMU's own network has TFTP.
users_qemu() {
    tree --url http://10.0.2.2/boot
    timeout -k 5 90 qemu-system-x86_64 -accel tcg -m 512 -nodefaults -vga std -display none -no-reboot \
        -nic user,model=virtio,tftp=tree,bootfile=grub/i386-pc/core.0 -serial file:serial
    tr -d '\r' <serial >"$1.log"
    # shellcheck disable=SC2086 # two words
    faults "$1.log" ${says[$1]}
}

kea() {
    tree --pxe "$2"
    net_up && net_serve kea-dhcp4 tree/dhcp/kea-dhcp4.json && files &&
        net_serve nginx tree/http/nginx.conf && healthy "$1" --boot "$3"
}

dhcpd() {
    tree --pxe "$2"
    net_up && net_serve dhcpd tree/dhcp/dhcpd.conf && files &&
        net_serve nginx tree/http/nginx.conf && healthy "$1" --boot "$3"
}

# Another computer gives out the addresses, and knows nothing of booting.
proxy() {
    tree --pxe "$2"
    printf 'port=0\ninterface=lan0\nbind-interfaces\ndhcp-range=10.77.0.50,10.77.0.60,1h\n' >other.conf
    net_up && net_neighbour 10.77.0.2 && net_serve_there dnsmasq other.conf &&
        net_serve dnsmasq tree/dhcp/dnsmasq-proxy.conf && net_serve nginx tree/http/nginx.conf &&
        healthy "$1"
}

# Two machines of one laboratory: each boots its own entry, with its own arguments and files.
two_hosts() {
    cp "$kernel" vmlinuz
    cp "${initrds[0]}" initrd.img
    echo 'this is one' >one
    echo 'this is two' >two
    cat >lab.conf <<'END'
timeout = 1
console = { "ttyS0,115200", "tty0" }
url = "http://10.77.0.1/boot"
interface = "lan0"
entry other { kernel = "vmlinuz" initrd = "initrd.img" cmdline = "lab=other" }
entry first { kernel = "vmlinuz" initrd = "initrd.img" cmdline = 'lab=cell quoted="a b"' }
entry second { kernel = "vmlinuz" initrd = { "initrd.img" } cmdline = 'lab=second quoted="c d"' }
host "52:54:00:12:34:01" {
    entry = "first" hostname = "node1" cmdline = 'dollar=$x' files = "one:/lab/host:0640"
}
hosts = "more.csv"
host "52-54-00-12-34-02" { entry = "second" cmdline = "dollar=2" files = { "two:/lab/host" } }
END
    printf 'hostname,mac\nnode3,525400123403\n' >more.csv
    "$program" net -f lab.conf --pxe "$2" -o tree 2>messages || cat messages
    net_up 2 && net_serve dnsmasq tree/dhcp/dnsmasq.conf && net_serve nginx tree/http/nginx.conf ||
        return
    healthy "$1" --mac 52:54:00:12:34:01
    has one "$1.log" 'LAB-HOST this is one 640'
    has one "$1.log" 'LAB-NAME node1'
    net_boot two.log --firmware "$1" --net tap1 --mac 52:54:00:12:34:02
    has two two.log 'LAB-WORD lab=second'
    has two two.log 'LAB-WORD quoted=c d'
    has two two.log 'LAB-WORD dollar=2'
    has two two.log 'LAB-HOST this is two 644'
}

# Texts that each loader's language could take for something else.
odd_texts() {
    # shellcheck disable=SC2016
    local title='#!ipxe || reboot ; exit && ${net0/mac}x' words='lab=a||b quoted="#c  && ; d" dollar=$x;{}'
    tree --pxe "$2" --title "$title" --cmdline "$words" >/dev/null
    grep -q "title: checking: the text holds '\\\${'" messages || echo "accepted: $title"
    # shellcheck disable=SC2016
    tree --pxe "$2" --title "${title//'${'/'$ {'} %41 \"q\" <& Ü \\" --cmdline "$words %25 #e || reboot"
    net_up && net_serve dnsmasq tree/dhcp/dnsmasq.conf && net_serve nginx tree/http/nginx.conf &&
        net_boot odd.log --firmware "$1"
    has 'the guest' odd.log 'LAB-WORD lab=a||b'
    has 'the guest' odd.log 'LAB-WORD quoted=#c  && ; d'
    # shellcheck disable=SC2016
    has 'the guest' odd.log 'LAB-WORD dollar=$x;{}'
    has 'the guest' odd.log '%25 #e || reboot'
    has 'the guest' odd.log LAB-DONE
}

# The key that every Debian has, which this firmware trusts.
snakeoil=/usr/share/ovmf/PkKek-1-snakeoil

signed_uki() {
    openssl pkey -in $snakeoil.key -passin pass:snakeoil -out key.pem || return
    tree --uki --sign-key key.pem --sign-cert $snakeoil.pem
    sbverify --cert $snakeoil.pem tree/EFI/Linux/linux.efi >sbverify 2>&1 || cat sbverify
    net_up && net_serve dnsmasq tree/dhcp/dnsmasq.conf && net_serve nginx tree/http/nginx.conf &&
        healthy "$1" --boot "$3"
}

# The same without a signature: the firmware must refuse it.
unsigned_uki() {
    tree --uki
    net_up && net_serve dnsmasq tree/dhcp/dnsmasq.conf && net_serve nginx tree/http/nginx.conf ||
        return
    net_boot refused.log --firmware "$1" --boot "$3" --until 'Access Denied'
    lacks 'the log' refused.log 'LAB-'
}

# The kernel cannot be had: a message and, after a key, the menu, which waits.
lost_payload() {
    tree --pxe "$2"
    rm tree/payload/*/vmlinuz
    net_up && net_serve dnsmasq tree/dhcp/dnsmasq.conf && net_serve nginx tree/http/nginx.conf ||
        return
    net_boot lost.log --firmware "$1" --after 'Press any key for the menu' --keys 'sleep:1 ret' \
        --until 'iPXE shell'
    has 'the log' lost.log 'could not be loaded or started, so nothing was booted'
    lacks 'the log' lost.log 'LAB-'
    has 'the server' nginx.log 'vmlinuz" failed (2: No such file or directory)'
}

cell() {
    local name="$*" start=$SECONDS wrong dir
    dir="$work/${name// /-}"
    mkdir -p "$dir"
    wrong=$(cd "$dir" && "$@")
    report "$name ($((SECONDS - start)) s)" "$wrong" "$(find "$dir" -name '*.log' -newer "$work/initramfs" |
        grep -E '(bios|uefi|secureboot|snakeoil|ia32|two|odd|refused|lost).log$' | head -n 1)"
}

[ "$(id -u)" = 0 ] || bail "root is wanted, for network namespaces"
find_payload
# iPXE waits 13 s for an IPv6 router that is not there, and needs no processor for that.
LAB_JOBS=${LAB_JOBS:-3}
chmod 755 "$work" # nginx reads the trees as another user
run_cells cell <<<"$table"
