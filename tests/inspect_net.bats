# inspect of boot roots: ours and those of others; what each kind of client would come to.

bats_require_minimum_version 1.5.0
load lib

setup_file() {
    export LC_ALL=C.UTF-8 TZ=UTC K="$BATS_FILE_TMPDIR"
    cd "$K"
    cp "$(kernel)" vmlinuz
    initrd initrd.img 100000
    mkbootmedia net -k vmlinuz -i initrd.img --url http://10.0.0.1/boot -o ours
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# boots DIR: one line per client, "uefi pxe yes FIRST: reason; reason"
boots() {
    mkbootmedia inspect "$1" --json |
        jq -r '.boots[] | "\(.firmware) \(.medium) \(.boots) \(.first): \(.reasons | join("; "))"'
}

@test "our tree boots what DHCP is told to hand out" {
    diff <(boots "$K/ours") - <<'EOF'
bios pxe yes undionly.kpxe: 
uefi pxe yes snponly.efi: 
uefi http yes snponly.efi: 
secureboot pxe no snponly.efi: snponly.efi is not signed; shimx64.efi is there and would be started: DHCP has to name it
secureboot http no snponly.efi: snponly.efi is not signed
ia32 pxe yes grub/i386-efi/core.efi: 
ia32 http yes grub/i386-efi/core.efi: 
aarch64 pxe no null: dhcp/dnsmasq.conf names no file for it
aarch64 http no null: dhcp/dnsmasq.conf names no file for it
EOF
    mkbootmedia net -k "$K/vmlinuz" -i "$K/initrd.img" --pxe shim --url http://10.0.0.1/boot -o shim
    diff <(boots shim | head -4) - <<'EOF'
bios pxe yes grub/i386-pc/core.0: 
uefi pxe yes shimx64.efi: 
uefi http yes snponly.efi: 
secureboot pxe yes shimx64.efi: 
EOF
}

@test "manifest, generation, entries of both menus" {
    mkbootmedia inspect "$K/ours" --json >json
    [ "$(jq -r .manifest.id json)" = "$(jq -r .id "$K/ours/manifest.json")" ]
    [ "$(jq -r .manifest.files json)" = "$(jq '.files | length' "$K/ours/manifest.json")" ]
    [ "$(jq -c '[.kind, .size, .manifest.generation, .manifest.url, .menus[].kind]' json)" = \
        '["tree",null,1,"http://10.0.0.1/boot","ipxe","grub"]' ]
    title=$(jq -r '.entries[0].title' "$K/ours/manifest.json")
    for menu in boot.ipxe grub/grub.cfg; do
        [ "$(jq -r --arg m "$menu" --arg t "$title" '.entries[] | select(.menu == $m and .title == $t) |
            [.kernel.state, .arch, .initrds[0].state, .initrds[0].size] | join(" ")' json)" = \
            'there x86-64 there 100000' ]
    done
    mkbootmedia inspect "$K/ours" >text
    grep -x '  generation  1' text
    grep 'signed by  .*issued by Microsoft Corporation UEFI CA 2011' text
    none grep -P '[\x00-\x08\x0b-\x1f\x7f]' text
}

@test "a RAM root's memory is told" {
    mkdir -p root/bin root/sbin root/etc
    cp "$(command -v busybox)" root/bin/busybox
    ln -s ../bin/busybox root/sbin/init
    mkbootmedia net -k "$K/vmlinuz" -r root --modules none --url http://10.0.0.1/boot -o tree
    mkbootmedia inspect tree --json >json
    jq -e '[.entries[] | select(.root)] | length == 2 and all(.root.ram > 0)' json
    diff <(jq '.entries[0].root | .peak, .ram' tree/manifest.json) <(jq '.entries[0].root | .peak, .ram' json)
}

@test "what is missing or changed is named for those that it concerns" {
    cp -r "$K/ours" tree
    rm tree/payload/*/initrd.img
    boots tree | grep -cE '(bios|uefi|ia32) .* no .*: \$(\{base\}|tree)/payload/[0-9a-f]*/initrd.img, which the menu names, is missing$' | grep -x 5
    cp -r "$K/ours/." tree
    rm tree/undionly.kpxe tree/boot.ipxe
    boots tree | grep -x 'bios pxe no undionly.kpxe: undionly.kpxe, which dhcp/dnsmasq.conf names, is missing'
    boots tree | grep -x 'uefi pxe unknown snponly.efi: which script iPXE runs is not known: none is in the tree'
    rm tree/grub/grub.cfg
    boots tree | grep -x 'ia32 pxe no grub/i386-efi/core.efi: grub/grub.cfg is missing: GRUB would stop at its prompt'
    echo '{ "generator": "mkbootmedia"' >tree/manifest.json
    mkbootmedia inspect tree | grep 'the manifest does not end with its sum'
    head -c 100000 "$K/ours/snponly.efi" >tree/snponly.efi
    boots tree | grep -x 'uefi http no snponly.efi: snponly.efi is damaged: it is shorter than it says'
}

# installer: as Debian's installer is served by TFTP
installer() {
    mkdir -p tree/debian-installer/amd64/{pxelinux.cfg,boot-screens,grub}
    cd tree/debian-installer/amd64
    cp /usr/lib/PXELINUX/pxelinux.0 .
    cp /usr/lib/shim/shimx64.efi.signed bootnetx64.efi
    cp /usr/lib/grub/x86_64-efi-signed/grubnetx64-installer.efi.signed grubx64.efi
    cp "$K/vmlinuz" linux
    cp "$K/initrd.img" initrd.gz
    echo 'include debian-installer/amd64/boot-screens/menu.cfg' >pxelinux.cfg/default
    printf 'label install\n\tmenu label ^Install\n\tkernel debian-installer/amd64/linux\n\tappend initrd=debian-installer/amd64/initrd.gz --- quiet\n' \
        >boot-screens/menu.cfg
    printf "menuentry 'Install' {\n linux /debian-installer/amd64/linux vga=788\n initrd /debian-installer/amd64/initrd.gz\n}\n" \
        >grub/grub.cfg
    cd ../..
    ln -s debian-installer/amd64/pxelinux.0 pxelinux.0
    ln -s debian-installer/amd64/pxelinux.cfg pxelinux.cfg
    cd ..
}

@test "an installer's tree: pxelinux, and shim with GRUB, which has no http module" {
    installer
    boots tree | head -5 >lines
    di=debian-installer/amd64
    why="$di/grubx64.efi has no http module: started over HTTP it stops at its prompt"
    diff lines - <<EOF
bios pxe yes pxelinux.0: 
uefi pxe yes $di/bootnetx64.efi: 
uefi http no $di/bootnetx64.efi: $why
secureboot pxe yes $di/bootnetx64.efi: 
secureboot http no $di/bootnetx64.efi: $why
EOF
    rm tree/$di/initrd.gz
    boots tree | grep -x "bios pxe no pxelinux.0: $di/initrd.gz, which the menu names, is missing"
    boots tree | grep -x "uefi pxe no $di/bootnetx64.efi: /$di/initrd.gz, which the menu names, is missing"
    rm tree/$di/grubx64.efi
    boots tree | grep -x "uefi pxe no $di/bootnetx64.efi: $di/grubx64.efi, which shim starts, is missing"
}

@test "an iPXE script that leads to another server is not judged" {
    mkdir tree
    cp /usr/lib/ipxe/{undionly.kpxe,ipxe.efi} tree
    printf '#!ipxe\nkernel http://boot.example/vmlinuz a\ninitrd http://boot.example/i\nboot\n' >tree/autoexec.ipxe
    boots tree | grep -x 'bios pxe unknown undionly.kpxe: http://boot.example/vmlinuz is not checked: it may be on another server'
    cp "$K/vmlinuz" tree
    cp "$K/initrd.img" tree/i
    boots tree | grep -x 'bios pxe yes undionly.kpxe: '
}

@test "links that go round, lead nowhere or to a device; pipes; an empty folder" {
    mkdir tree
    ln -s . tree/self
    ln -s ../tree tree/again
    ln -s nothing tree/gone.efi
    ln -s /dev/zero tree/zero.efi
    mkfifo tree/pipe.efi
    : >tree/empty.efi
    printf 'no program' >tree/snponly.efi
    timeout 20 "$MKBOOTMEDIA" inspect tree --json >json
    [ "$(jq -c '[.loaders[].path]' json)" = '["empty.efi","snponly.efi"]' ]
    boots tree | grep -x 'uefi pxe no snponly.efi: snponly.efi is no EFI program'
    mkdir none
    [ "$(boots none | grep -c ' no null: no boot program for it has a usual name$')" = 9 ]
}

@test "hostile scripts: paths out of the tree, names that are no UTF-8, menus without end" {
    mkdir -p tree/grub
    echo secret >secret
    cp /usr/lib/ipxe/undionly.kpxe tree
    printf '#!ipxe\n:\x1b[31m\xff\nkernel ../secret\ninitrd /../../secret\nchain boot.ipxe\n' >tree/boot.ipxe
    mkbootmedia inspect tree >text
    grep -F '../secret  # missing' text
    none grep -P '\x1b' text
    mkbootmedia inspect tree --json | jq -e '.entries[0].kernel.state == "missing"'
    mkdir tree/d
    for i in $(seq 100); do printf '#!ipxe\nchain d/%s.ipxe\nchain %s.ipxe\n' "$((i + 1))" "$((i + 1))" >"tree/d/$i.ipxe"; done
    printf '#!ipxe\nchain d/1.ipxe\n' >tree/boot.ipxe
    [ "$(mkbootmedia inspect tree --json | jq '.menus | length')" -le 64 ]
}
