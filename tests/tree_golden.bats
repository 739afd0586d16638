#!/usr/bin/env bats
# The texts that are rendered for a tree, against tests/golden/tree/, and read by the servers that they
# are for. Names of the payload and the version of the kernel are masked; that menus name what is there
# is for others to test. After a wanted change: UPDATE=1 bats tests/tree_golden.bats, then read the diff.

bats_require_minimum_version 1.5.0
load lib
load tree

setup_file() {
    export SHARE=$BATS_FILE_TMPDIR
    lab "$SHARE/lab"
    kernel=$(kernel)
    cp "$kernel" "$SHARE/lab/vmlinuz"
    cp "$kernel" "$SHARE/lab/vmlinuz-old"
    sed -i '/^firmware/d' "$SHARE/lab/lab.conf"
    settled "$SHARE"
}

setup() {
    GOLDEN=$BATS_TEST_DIRNAME/golden/tree
    cd "$BATS_TEST_TMPDIR"
}

# tree NAME OPTION...: makes a tree, whose texts are those of tests/golden/tree/NAME
tree() {
    NAME=$1
    shift
    net "$@" -o net 2>messages || { cat messages && return 1; }
    whole net
}

# golden PATH...: these texts of the tree are the golden ones
golden() {
    local path
    for path; do
        sed -E "s,payload/[0-9a-f]{16}/,payload/DIGEST/,g; s,Linux( |%20)[0-9][^' ]*,Linux\1VERSION,g" \
            "net/$path" >masked
        if [ -n "${UPDATE-}" ]; then
            mkdir -p "$GOLDEN/$NAME"
            cp masked "$GOLDEN/$NAME/${path##*/}"
        fi
        diff -u "$GOLDEN/$NAME/${path##*/}" masked || return 1
    done
}

# servers_read [INTERFACE]: each server reads its configuration as it is, where its port is free and
# the interface that it names is there.
servers_read() {
    # shellcheck disable=SC2016
    unshare -n bash -euc '
        [ -z "$1" ] || ip link add "$1" type veth peer name other
        dnsmasq --test -C net/dhcp/dnsmasq.conf
        dnsmasq --test -C net/dhcp/dnsmasq-proxy.conf
        dhcpd -t -cf net/dhcp/dhcpd.conf -lf /dev/null
        kea-dhcp4 -t net/dhcp/kea-dhcp4.json >kea.log || { cat kea.log && exit 1; }
        nginx -t -c "$PWD/net/http/nginx.conf"
    ' sh "${1-}"
    none grep -E '(ERROR|FATAL|WARN) ' kea.log
    # no line is left with nothing to say
    none grep -nE '[=,]$' net/dhcp/dnsmasq.conf net/dhcp/dnsmasq-proxy.conf
    none grep -rnE '""| $' net/dhcp net/http
    golden dhcp/dnsmasq.conf dhcp/dnsmasq-proxy.conf dhcp/kea-dhcp4.json dhcp/dhcpd.conf http/nginx.conf
}

# Every file that a DHCP server would hand out is in the tree.
firsts_exist() {
    local path
    {
        sed -n 's/^dhcp-boot=tag:!*[a-z0-9-]*,\(tag:!ipxe,\)\?\([^,]*\).*/\2/p' net/dhcp/dnsmasq.conf net/dhcp/dnsmasq-proxy.conf
        sed -n 's/^pxe-service=.*"Boot",\(.*\)/\1/p' net/dhcp/dnsmasq-proxy.conf
        sed -n 's/^ *filename "\(.*\)";/\1/p' net/dhcp/dhcpd.conf
        grep -v '^ *//' net/dhcp/kea-dhcp4.json | jq -r '.Dhcp4."client-classes"[]."boot-file-name" // empty'
    } | sed "s|^${1-$URL}/||" | sort -u >firsts
    cat firsts
    grep -qx boot.ipxe firsts
    [ "$(wc -l <firsts)" -ge 2 ]
    while read -r path; do [ -s "net/$path" ] || { echo "$path is not there" && return 1; }; done <firsts
}

@test "iPXE first; menus and hosts' scripts" {
    tree ipxe -f "$SHARE/lab/lab.conf"
    golden boot.ipxe grub/grub.cfg
    for mac in 01 02 03; do golden hosts/02-00-00-00-00-$mac.ipxe hosts/02-00-00-00-00-$mac.cfg; done
    for file in net/grub/grub.cfg net/hosts/*.cfg; do grub-script-check "$file"; done
    none grep -rE '\{\{|\}\}' net/boot.ipxe net/grub/grub.cfg net/hosts net/dhcp net/http
    servers_read
    firsts_exist
    [ "$(head -n 1 net/boot.ipxe)" = '#!ipxe' ]
    for file in net/hosts/*.ipxe; do [ "$(head -n 1 "$file")" = '#!ipxe' ]; done
}

@test "GRUB first, on an interface" {
    tree grub -f "$SHARE/lab/lab.conf" --pxe grub --interface lan0
    servers_read lan0
    firsts_exist
}

@test "shim first, in a subnet of which the server has the upper half" {
    tree shim -f "$SHARE/lab/lab.conf" --pxe shim --server 10.0.0.200 --subnet 10.0.0.0/24
    servers_read
    firsts_exist
}

@test "Secure Boot insisted on, with subnet and interface" {
    tree secureboot -f "$SHARE/lab/lab.conf" --firmware uefi,secureboot --subnet 10.0.0.0/29 --interface br-lab.7
    servers_read br-lab.7
    firsts_exist
}

@test "another port, no path, a name for a server; one entry of the command line, without anything" {
    tree name -k "$SHARE/lab/vmlinuz" --url http://boot.lab:8080 --server 192.168.7.1 \
        --subnet 192.168.0.0/21 --timeout -1 --server-path /srv/boot
    golden boot.ipxe grub/grub.cfg
    servers_read
    firsts_exist http://boot.lab:8080
}

@test "BIOS only" {
    tree bios -f "$SHARE/lab/lab.conf" --firmware bios
    servers_read
    firsts_exist
}

@test "UKIs, which HTTP Boot starts" {
    tree uki -f "$SHARE/lab/lab.conf" --uki
    servers_read
    firsts_exist
}

@test "several consoles, entries for some firmware, at once" {
    cp -r "$SHARE/lab" lab
    cat >>lab/lab.conf <<'EOF'
entry b  { kernel = vmlinuz title = "On BIOS" firmware = bios }
entry ui { kernel = vmlinuz title = "On UEFI" firmware = { uefi, ia32 } cmdline = "a b" }
entry s  { kernel = vmlinuz title = "Under Secure Boot" firmware = secureboot }
EOF
    change lab/lab.conf 's/^default.*/default = b/'
    tree firmware -f lab/lab.conf --console ttyS1 --timeout 0
    golden boot.ipxe grub/grub.cfg
    grub-script-check net/grub/grub.cfg
}

@test "odd texts" {
    cp -r "$SHARE/lab" lab
    cat >>lab/lab.conf <<'EOF'
entry odd {
    kernel  = vmlinuz
    initrd  = initrd.img
    title   = 'It\'s $HOME "x" \\n {{title}} `id` ; } || reboot && # %s ü 日本'
    cmdline = 'a="b c" it\'s $root $ {x} \\x ;reboot {} || reboot ; && # ü {{words}} "" %s%20 #!ipxe end'
}
host "02:00:00:00:00:08" {
    entry    = odd
    hostname = odd.lab
    cmdline  = '"x y"=z || # \'; $(reboot) `reboot`'
}
EOF
    tree odd -f lab/lab.conf --label '|| # {{x}} $y %s;'
    golden boot.ipxe grub/grub.cfg hosts/02-00-00-00-00-08.ipxe hosts/02-00-00-00-00-08.cfg
    grub-script-check net/grub/grub.cfg
    grub-script-check net/hosts/02-00-00-00-00-08.cfg
    servers_read
}

@test "the server's address is never given out, and what is given out is in the network" {
    # number ADDRESS
    number() { echo "$1" | awk -F. '{ printf "%.0f\n", (($1 * 256 + $2) * 256 + $3) * 256 + $4 }'; }
    for line in '10.0.0.1 10.0.0.0/24' '10.0.0.127 10.0.0.0/24' '10.0.0.128 10.0.0.0/24' '10.0.0.254 10.0.0.0/24' \
        '10.0.0.9 10.0.0.8/29' '10.0.0.14 10.0.0.8/29' '10.1.2.3 10.0.0.0/8' '172.16.5.4 172.16.4.0/22'; do
        read -r server subnet <<<"$line"
        net -f "$SHARE/lab/lab.conf" --firmware bios --server "$server" --subnet "$subnet" -o net
        IFS=, read -r first last mask _ < <(sed -n 's/^dhcp-range=//p' net/dhcp/dnsmasq.conf)
        [ "$(number "$first")" -le "$(number "$last")" ]
        [ "$(number "$server")" -lt "$(number "$first")" ] || [ "$(number "$server")" -gt "$(number "$last")" ]
        low=$(number "${subnet%/*}")
        high=$((low + (1 << (32 - ${subnet#*/})) - 1))
        [ "$(number "$first")" -gt "$low" ]
        [ "$(number "$last")" -lt "$high" ]
        [ "$(number "$mask")" = $((4294967296 - (1 << (32 - ${subnet#*/})))) ]
        grep -q "range $first $last;" net/dhcp/dhcpd.conf
        grep -q "\"$first - $last\"" net/dhcp/kea-dhcp4.json
        grep -q "subnet ${subnet%/*} netmask $mask {" net/dhcp/dhcpd.conf
        grep -qx "dhcp-range=${subnet%/*},proxy,$mask" net/dhcp/dnsmasq-proxy.conf
    done
    # nor that of the URL, where it is another one
    for line in '10.0.0.200 10.0.0.1' '10.0.0.1 10.0.0.200' '10.0.0.2 10.0.0.1' '10.0.0.200 10.0.0.201'; do
        read -r server web <<<"$line"
        net -f "$SHARE/lab/lab.conf" --firmware bios --server "$server" --subnet 10.0.0.0/24 \
            --url "http://$web/x" -o net
        IFS=, read -r first last mask _ < <(sed -n 's/^dhcp-range=//p' net/dhcp/dnsmasq.conf)
        for address in "$server" "$web"; do
            [ "$(number "$address")" -lt "$(number "$first")" ] || [ "$(number "$address")" -gt "$(number "$last")" ]
        done
        [ $(($(number "$last") - $(number "$first"))) -ge 40 ]
    done
}
