#!/usr/bin/env bats
# The spec file, from the command line: one file for every output, what wins over it, what is wrong
# with it. What single keys take: tests/unit/test_spec.c.

bats_require_minimum_version 1.5.0
load lib
load tree

setup_file() {
    export SHARE=$BATS_FILE_TMPDIR
    lab "$SHARE/lab"
    kernel=$(kernel)
    cp "$kernel" "$SHARE/vmlinuz"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    cp -r "$SHARE/lab" lab
}

# titles IMAGE: of the menu of a stick image or ISO
titles() {
    case $1 in
    *.iso) bsdtar -xOf "$1" boot/grub/grub.cfg ;;
    *) mcopy -n -i "$(esp "$1")" ::/boot/grub/grub.cfg - ;;
    esac | sed -n "s/^menuentry --id \([^ ]*\) -- '\(.*\)' {$/\1 \2/p"
}

@test "the same spec makes a stick, an ISO and a tree: by themselves and by all" {
    local menu='debian Debian, in RAM
old The old one'
    cp "$SHARE/vmlinuz" lab/vmlinuz # one that boots everywhere, under all loaders
    change lab/lab.conf 's/^firmware.*//'
    mkbootmedia usb -q -f lab/lab.conf -o lab.img
    mkbootmedia iso -q -f lab/lab.conf -o lab.iso
    net -f lab/lab.conf -o net
    [ "$(titles lab.img)" = "$menu" ]
    [ "$(titles lab.iso)" = "$menu" ]
    [ "$(sed -n "s/^menuentry --id \([^ ]*\) -- '\(.*\)' {$/\1 \2/p" net/grub/grub.cfg)" = "$menu" ]
    whole net

    mkbootmedia all -q -f lab/lab.conf -o out
    [ "$(ls -A out)" = "lab.img
lab.iso
manifest.json
net" ]
    cmp lab.img out/lab.img
    cmp lab.iso out/lab.iso
    diff <(served net) <(served out/net)
    jq -e '.format == 1 and .medium == "all"' out/manifest.json
    [ "$(jq -r '.outputs[] | "\(.medium) \(.path) \(.size) \(.sha256)"' out/manifest.json)" = "$(
        for path in lab.img lab.iso net/manifest.json; do
            case $path in *.img) echo -n 'usb ' ;; *.iso) echo -n 'iso ' ;; *) echo -n 'net ' ;; esac
            echo "${path%/*.json} $(stat -c %s "out/$path") $(sha256sum <"out/$path" | cut -c -64)"
        done
    )" ]
    [ "$(jq -c '[.outputs[].entries[].name]' out/manifest.json)" = \
        '["debian","old","debian","old","debian","old"]' ]
    # once more: the same
    cp out/manifest.json before
    mkbootmedia all -q -f lab/lab.conf -o out
    cmp before out/manifest.json
}

@test "all: only the outputs that are named, in a folder that is there" {
    change lab/lab.conf 's/^outputs.*/outputs = "net"/'
    mkdir out
    echo mine >out/mine
    mkbootmedia all -q -f lab/lab.conf -o out
    [ "$(ls -A out)" = "manifest.json
mine
net" ]
    whole out/net
    # the tree's own manifest is another one
    jq -e '.medium == "all" and (.outputs | length) == 1' out/manifest.json
    jq -e '.medium == "net"' out/net/manifest.json
}

@test "mode and fetch without root are refused, not passed over" {
    for key in 'mode = "tmpfs"' 'fetch = true'; do
        printf 'url = "http://10.0.0.1"\nentry a {\n    kernel = "lab/vmlinuz"\n    %s\n}\n' "$key" >t.conf
        fails 1 "^mkbootmedia: t\.conf:2: reading: entry 'a': mode, fetch and their like are for an entry with root" \
            mkbootmedia plan -f t.conf usb
    done
}

@test "all --json prints the manifest of all outputs" {
    mkbootmedia all --json -f lab/lab.conf -o out >document 2>progress
    cmp document out/manifest.json
    [ "$(jq -r '.outputs[].medium' document | sort | xargs)" = 'iso net usb' ]
    [ "$(jq -r '.outputs[] | select(.medium == "usb").sha256' document)" = \
        "$(sha256sum <"out/$(jq -r '.outputs[] | select(.medium == "usb").path' document)" | cut -c -64)" ]
}

@test "all --dry-run writes nothing" {
    mkbootmedia all --dry-run -q -f lab/lab.conf -o out
    [ ! -e out ]
    mkdir out
    mkbootmedia all --dry-run -f lab/lab.conf -o out >plan
    [ -z "$(ls -A out)" ]
    [ "$(grep -c 'Debian, in RAM' plan)" -ge 3 ]
}

@test "all: wrong usage" {
    fails 2 '^mkbootmedia: all: --spec: is missing' mkbootmedia all -o out
    fails 2 '^mkbootmedia: all: --output: is missing' mkbootmedia all -f lab/lab.conf
    fails 2 "^mkbootmedia: all: 'usb': an operand" mkbootmedia all -f lab/lab.conf -o out usb
    fails 2 '^mkbootmedia: all: --output: ' mkbootmedia all -f lab/lab.conf -o -
    fails 2 '^mkbootmedia: all: --kernel: no such option|^mkbootmedia: all: -k: no such option' \
        mkbootmedia all -f lab/lab.conf -o out -k x
    change lab/lab.conf '/^url/d'
    fails 2 '^mkbootmedia: all: --url: is missing' mkbootmedia all -f lab/lab.conf -o out
    change lab/lab.conf '/^outputs/d'
    fails 2 '^mkbootmedia: all: .*lab.conf.* names no outputs' mkbootmedia all -f lab/lab.conf -o out
    printf 'outputs = { "usb" }\n' >lab/empty.conf
    fails 2 '^mkbootmedia: .*(no entries|no entry|--kernel: is missing)' \
        mkbootmedia all -f lab/empty.conf -o out
    printf 'outputs = "usb" uki = true sign_key = "node1.key"\nentry a { kernel = vmlinuz }\n' >lab/half.conf
    fails 2 '^mkbootmedia: .*(--sign-cert|sign_cert)' mkbootmedia all -f lab/half.conf -o out
    echo >file
    fails 1 '^mkbootmedia: file: ' mkbootmedia all -f "$SHARE/lab/lab.conf" -o file
    fails 1 '^mkbootmedia: none/out: ' mkbootmedia all -f "$SHARE/lab/lab.conf" -o none/out
    [ ! -e out ]
}

@test "all: an output that cannot be made leaves the older ones as they are" {
    change lab/lab.conf 's/^outputs.*/outputs = { "usb", "net" }/'
    mkdir -p out/net
    echo foreign >out/net/foreign
    fails 1 '^mkbootmedia: out/net: writing: the folder holds files' \
        mkbootmedia all -q -f lab/lab.conf -o out
    [ "$(cat out/net/foreign)" = foreign ]
    [ "$(ls -A out/net)" = foreign ]
    [ ! -e out/manifest.json ]
    # one manifest of before stays with the outputs of before
    rm out/net/foreign
    mkbootmedia all -q -f lab/lab.conf -o out
    cp out/manifest.json before
    rm -r out/net
    mkdir out/net
    echo foreign >out/net/foreign
    fails 1 '^mkbootmedia: out/net: writing: the folder holds files' \
        mkbootmedia all -q -f lab/lab.conf -o out
    cmp before out/manifest.json
}

@test "all: a manifest.json that is somebody else's is not replaced" {
    change lab/lab.conf 's/^outputs.*/outputs = "usb"/'
    mkdir out
    for text in '{}' 'mine' '{ "generator": "other" }' ''; do
        echo "$text" >out/manifest.json
        fails 1 '^mkbootmedia: out/manifest.json: ' mkbootmedia all -q -f lab/lab.conf -o out
        [ "$(cat out/manifest.json)" = "$text" ]
        [ "$(ls -A out)" = manifest.json ]
    done
    # nor that of a tree
    net -f lab/lab.conf -o net
    before=$(served net)
    fails 1 '^mkbootmedia: net/manifest.json: ' mkbootmedia all -q -f lab/lab.conf -o net
    diff <(echo "$before") <(served net)
}

@test "paths are relative to the spec file, from wherever" {
    net -f lab/lab.conf -o one
    (cd lab && "$MKBOOTMEDIA" net -q -f lab.conf -o ../two)
    (cd lab && "$MKBOOTMEDIA" net -q -f ./lab.conf -o ../three)
    (cd / && "$MKBOOTMEDIA" net -q -f "$BATS_TEST_TMPDIR/lab/lab.conf" -o "$BATS_TEST_TMPDIR/four")
    mkdir -p 'a b'
    mv lab "a b/l:b"
    net -f 'a b/l:b/lab.conf' -o five
    ln -s "a b/l:b/lab.conf" link.conf # a link's own folder counts
    fails 1 '^mkbootmedia: link.conf:[0-9]+: reading: ' mkbootmedia net -q -f link.conf -o six
    for tree in two three four five; do diff <(served one) <(served $tree); done
}

@test "the command line wins over the spec" {
    initrd other.img 700 9
    tiny_kernel other 9
    net -f lab/lab.conf -o net -k other -i other.img --cmdline 'loud' --title 'Other' --label OTHER \
        --timeout 3 --console ttyS1 --url http://10.9.9.9:81/x --server 10.9.9.8 \
        --subnet 10.9.9.0/25 --interface lan7 --server-path /elsewhere --pxe grub
    whole net
    grep -qx 'set wait 3000' net/boot.ipxe
    grep -q '^# OTHER: ' net/boot.ipxe
    grep -q 'set base http://10.9.9.9:81/x$' net/boot.ipxe
    grep -qF -- "menuentry --id debian -- 'Other' {" net/grub/grub.cfg
    grep -qF -- "menuentry --id old -- 'The old one' {" net/grub/grub.cfg
    # lists are replaced, not added to
    [ "$(jq -c '.entries[0].arguments' net/manifest.json)" = '["console=ttyS1","loud"]' ]
    [ "$(jq -c '.entries[1].arguments' net/manifest.json)" = '["console=ttyS1"]' ]
    [ "$(jq -r '.entries[0].initrds | length' net/manifest.json)" = 1 ]
    cmp other "net/$(jq -r '.entries[0].kernel' net/manifest.json)"
    cmp other.img "net/$(jq -r '.entries[0].initrds[0]' net/manifest.json)"
    cmp lab/vmlinuz-old "net/$(jq -r '.entries[1].kernel' net/manifest.json)"
    grep -qx 'interface=lan7' net/dhcp/dnsmasq.conf
    grep -qx 'tftp-root=/elsewhere' net/dhcp/dnsmasq.conf
    grep -q '10.9.9.8' net/dhcp/dhcpd.conf
    grep -q '"10.9.9.0/25"' net/dhcp/kea-dhcp4.json
    grep -q 'listen 81;' net/http/nginx.conf
    # before and behind -f is the same
    mkbootmedia net -q -k other -i other.img --cmdline 'loud' --title 'Other' --label OTHER \
        --timeout 3 --console ttyS1 --url http://10.9.9.9:81/x --server 10.9.9.8 \
        --subnet 10.9.9.0/25 --interface lan7 --server-path /elsewhere --pxe grub -f lab/lab.conf -o net2
    diff <(served net) <(served net2)
}

@test "lists of the command line: each option puts away only its own, then collects" {
    net -f lab/lab.conf -o net --console tty1 --console ttyS2,9600 -i lab/initrd.img -i lab/microcode.img
    [ "$(jq -c '.entries[0].arguments' net/manifest.json)" = \
        '["console=tty1","console=ttyS2,9600","quiet","note=a b"]' ]
    cmp lab/initrd.img <(head -c 5000 "net/$(jq -r '.entries[0].initrds[0]' net/manifest.json)")
    cmp lab/microcode.img <(head -c 1001 "net/$(jq -r '.entries[0].initrds[1]' net/manifest.json)")
    mkbootmedia iso -q -f lab/lab.conf -o iso.iso --add lab/node1.key:/other
    [ "$(bsdtar -tf iso.iso docs other 2>/dev/null || true)" = other ]
    mkbootmedia iso -q -f lab/lab.conf -o iso.iso
    [ "$(bsdtar -tf iso.iso docs/notes.txt)" = docs/notes.txt ]
}

@test "options of entries speak of the default entry, wherever it stands" {
    change lab/lab.conf 's/^default.*/default = "old"/'
    net -f lab/lab.conf -o net --cmdline loud --title New
    [ "$(jq -c '[.entries[] | .title, .arguments[2:]]' net/manifest.json)" = \
        '["Debian, in RAM",["quiet","note=a b"],"New",["loud"]]' ]
    grep -qx 'set default entry-old' net/boot.ipxe
    grep -qx 'set default=old' net/grub/grub.cfg
    # no default: the first
    change lab/lab.conf '/^default/d'
    net -f lab/lab.conf -o net
    grep -qx 'set default entry-debian' net/boot.ipxe
}

@test "a spec without entries: the command line names the one" {
    printf 'label = "NONE"\nurl = "http://10.0.0.1/boot"\nfirmware = bios\n' >none.conf
    net -f none.conf -k lab/vmlinuz -o net
    grep -q '^# NONE: ' net/boot.ipxe
    [ "$(jq -c '[.entries[].name]' net/manifest.json)" = '["linux"]' ]
    for command in usb iso net; do
        fails 2 "^mkbootmedia: $command: --kernel: is missing" \
            mkbootmedia $command -q -f none.conf -o none
    done
}

@test "hosts: of sections and of inventories" {
    printf 'cmdline,mac,hostname\r\n"x=""a, b"" ip=dhcp",02-00-00-00-00-AA,a.lab\r\n,0200000000bb,\r\n' \
        >lab/more.csv
    change lab/lab.conf 's/^hosts.*/hosts = { "inventory.csv", "more.csv" }/'
    net -f lab/lab.conf -o net
    whole net
    [ "$(ls net/hosts)" = "$(for mac in 01 02 03 aa bb; do
        printf '02-00-00-00-00-%s.cfg\n02-00-00-00-00-%s.ipxe\n' $mac $mac
    done)" ]
    [ "$(jq -c '.hosts[] | select(.mac == "02-00-00-00-00-aa") | [.hostname, .entry, .arguments]' \
        net/manifest.json)" = \
        '["a.lab","debian",["hostname=a.lab","systemd.hostname=a.lab","x=a, b","ip=dhcp"]]' ]
    [ "$(jq -c '.hosts[] | select(.mac == "02-00-00-00-00-bb") | [.hostname, .entry, .arguments]' \
        net/manifest.json)" = '[null,"debian",[]]' ]
    [ "$(jq -c '.hosts[] | select(.mac == "02-00-00-00-00-03") | [.hostname, .entry, .arguments]' \
        net/manifest.json)" = '["node3","old",["hostname=node3","systemd.hostname=node3","debug"]]' ]
    # for a stick they mean nothing, and that is said
    mkbootmedia usb -f lab/lab.conf -o lab.img 2>err
    grep -q '^mkbootmedia: note: usb: settings of hosts are for net only$' err
}

# wrong LINE REGEX: the spec lab/bad.conf, for every command alike; nothing is made
wrong() {
    local line=$1 regex=$2 command
    for command in usb iso net plan all; do
        case $command in
        plan) set -- plan -f lab/bad.conf net ;;
        *) set -- "$command" -q -f lab/bad.conf -o none ;;
        esac
        fails 1 "^mkbootmedia: lab/bad.conf:$line: (reading: )?$regex" mkbootmedia "$@" || return 1
    done
    [ ! -e none ]
}

@test "what is wrong in a spec has its line, for every command" {
    sed 's/^label/lable/' lab/lab.conf >lab/bad.conf
    wrong 1 "no such option 'lable'$"
    sed 's/    title/    tittle/' lab/lab.conf >lab/bad.conf
    wrong 13 "no such option 'tittle'$"
    sed 's/^entry old/entry debian/' lab/lab.conf >lab/bad.conf
    wrong 18 "entry 'debian' is there already, on line 12$"
    sed 's/00:02" {/00:01" {/' lab/lab.conf >lab/bad.conf
    wrong 27 'host 02-00-00-00-00-01 is there already, in lab/bad.conf:23$'
    sed 's/00:02" {/00:0z" {/' lab/lab.conf >lab/bad.conf
    wrong 27 "host '02:00:00:00:00:0z' is not the address of a network card"
    sed 's/"microcode.img"/"none.img"/' lab/lab.conf >lab/bad.conf
    wrong 15 'initrd: lab/none.img: No such file or directory$'
    sed 's/entry    = "old"/entry = "none"/' lab/lab.conf >lab/bad.conf
    wrong 27 "host 02-00-00-00-00-02: no such entry 'none'$"
    sed 's/^timeout.*/timeout = "soon"/' lab/lab.conf >lab/bad.conf
    wrong 2 "timeout: 'soon' is not a number of seconds"
    sed 's/notes.txt:.docs/none.txt:\/docs/' lab/lab.conf >lab/bad.conf
    wrong 10 'add: (lab/)?none.txt: No such file or directory$'
    sed 's/tty0/tty;0/' lab/lab.conf >lab/bad.conf
    wrong 3 "console: .*tty;0.* not a console"
    sed 's/"inventory.csv"/"none.csv"/' lab/lab.conf >lab/bad.conf
    wrong 8 'hosts: lab/none.csv: No such file or directory$'
}

@test "what is wrong in an inventory has its line" {
    printf '02:00:00:00:00:01,,,\n' >>lab/inventory.csv
    fails 1 '^mkbootmedia: lab/lab.conf:23: reading: host 02-00-00-00-00-01 is there already, in lab/inventory.csv:3$' \
        mkbootmedia net -q -f lab/lab.conf -o none
    printf 'mac,hostname\n\n\n02:00:00:00:00:09,a b\n' >lab/inventory.csv
    fails 1 "^mkbootmedia: lab/inventory.csv:4: reading: hostname: 'a b' is not a host name" \
        mkbootmedia net -q -f lab/lab.conf -o none
    printf 'mac,cmdline\n02:00:00:00:00:09,"a ""b"\n' >lab/inventory.csv
    fails 1 '^mkbootmedia: lab/inventory.csv:2: cmdline: checking: the text has a double quote without its partner$' \
        mkbootmedia net -q -f lab/lab.conf -o none
    [ ! -e none ]
}

@test "texts of a spec are checked like those of the command line, with their line" {
    sed 's/"The old one"/"The\\told one"/' lab/lab.conf >lab/bad.conf
    fails 1 '^mkbootmedia: lab/bad.conf:1[89]: title: checking: the text holds a control character$' \
        mkbootmedia net -q -f lab/bad.conf -o none
    sed "s/'quiet.*/'a=\"b'/" lab/lab.conf >lab/bad.conf
    fails 1 '^mkbootmedia: lab/bad.conf:1[26]: cmdline: checking: .*a double quote without its partner$' \
        mkbootmedia net -q -f lab/bad.conf -o none
    sed 's/"single"/"a\\377"/' lab/lab.conf >lab/bad.conf
    fails 1 '^mkbootmedia: lab/bad.conf:(27|30): cmdline: checking: the text is not valid UTF-8$' \
        mkbootmedia net -q -f lab/bad.conf -o none
    sed "s/\"single\"/\"$(printf 'a%.0s' {1..2100})\"/" lab/lab.conf >lab/bad.conf
    fails 1 '^mkbootmedia: lab/bad.conf:(27|30): cmdline: checking: [0-9]+ bytes, but .* takes at most 2047$' \
        mkbootmedia net -q -f lab/bad.conf -o none
    [ ! -e none ]
}

@test "a spec file that is none" {
    mkfifo fifo
    : >empty
    head -c 3000 /dev/urandom >noise
    for command in usb iso net all; do
        fails 1 '^mkbootmedia: none.conf: opening: No such file or directory$' \
            mkbootmedia $command -f none.conf -o none
        fails 1 '^mkbootmedia: lab: opening: is ' mkbootmedia $command -f lab -o none
        fails 1 '^mkbootmedia: fifo: opening: is not a regular file$' \
            timeout 20 "$MKBOOTMEDIA" $command -f fifo -o none
        fails 1 '^mkbootmedia: empty: opening: is empty$' mkbootmedia $command -f empty -o none
        fails 1 '^mkbootmedia: noise(:[0-9]+)?: ' mkbootmedia $command -f noise -o none
        fails 1 '^mkbootmedia: lab/vmlinuz(:[0-9]+)?: ' mkbootmedia $command -f lab/vmlinuz -o none
        fails 2 "^mkbootmedia: $command: --spec: " mkbootmedia $command -f '' -o none
    done
    [ ! -e none ]
}

@test "a spec file, its inventory and its hosts' files are inputs: never written to" {
    for file in lab.conf inventory.csv vmlinuz-old microcode.img notes.txt; do
        cp -p "lab/$file" kept
        for command in usb iso; do
            fails 1 "^mkbootmedia: lab/$file: writing: is one of the input files" \
                mkbootmedia $command -q -f lab/lab.conf -o "lab/$file"
        done
        cmp "lab/$file" kept
    done
    # all would name its output so
    cp lab/lab.conf lab/lab.img
    fails 1 '^mkbootmedia: lab/lab.img: writing: is one of the input files' \
        mkbootmedia all -q -f lab/lab.img -o lab
    cmp lab/lab.conf lab/lab.img
}

@test "20,000 hosts and 200 entries are read in their order, quickly" {
    {
        echo 'url = "http://10.0.0.1/boot" firmware = bios hosts = "many.csv"'
        for i in {1..200}; do echo "entry e$i { kernel = vmlinuz title = \"Entry $i\" }"; done
    } >lab/many.conf
    awk 'BEGIN { print "entry,mac"; for (i = 0; i < 20000; i++) printf "e%d,0200%08x\n", i % 200 + 1, i }' \
        >lab/many.csv
    timeout 10 "$MKBOOTMEDIA" plan --json -f lab/many.conf net >plan
    [ "$(jq -r '[.entries[].title] | .[0], .[199]' plan)" = "Entry 1
Entry 200" ]
}
