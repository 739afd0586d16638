#!/usr/bin/env bats
# The menus of a tree, run as iPXE and as GRUB would: they come from the same entries and say and boot
# the same; and no text makes them say or do anything else.

bats_require_minimum_version 1.5.0
load lib
load tree
load menus

setup_file() {
    export SHARE=$BATS_FILE_TMPDIR
    lab "$SHARE/lab"
    settled "$SHARE"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    cp -r "$SHARE/lab" lab
}

lab_net() { net -f lab/lab.conf -o net "$@"; }

@test "both menus: the same lines, kernels, initramfs files, arguments; for each host and for none" {
    lab_net
    for mac in 02-00-00-00-00-01 02-00-00-00-00-02 02-00-00-00-00-03 02-00-00-00-00-99; do
        same_menus net $mac debian old
    done
    # and they are what the spec says
    ipxe_menu net 02-00-00-00-00-02 >got
    kernel=payload/$(sha256sum <lab/vmlinuz-old | cut -c -16)/vmlinuz
    initrd=payload/$(sha256sum <lab/initrd.img | cut -c -16)/initrd.img
    archive=$(jq -r '.hosts[1].files' net/manifest.json)
    diff got - <<EOF
menu LAB
item host node2: The old one
item entry-debian Debian, in RAM
item entry-old The old one
item shell iPXE shell
item restart Restart
timeout 7000
kernel $kernel
word console=tty0
word console=ttyS0,115200
word hostname=node2
word systemd.hostname=node2
word single
initrd $initrd
initrd $archive
boot
EOF
    ipxe_menu net 02-00-00-00-00-99 entry-debian | grep -qx 'word note=a b'
}

@test "that the menus' comparison would notice a difference" {
    lab_net
    cp -r net kept
    for file in boot.ipxe grub/grub.cfg hosts/02-00-00-00-00-02.ipxe hosts/02-00-00-00-00-02.cfg; do
        for word in single quiet 'The old' /initrd.img /vmlinuz; do
            grep -q "$word" "net/$file" || continue
            sed -i "s|$word|X|" "net/$file"
            if same_menus net 02-00-00-00-00-02 debian old >/dev/null 2>&1; then
                echo "$file: $word: nobody has noticed" && return 1
            fi
            cp "kept/$file" "net/$file"
        done
    done
    same_menus net 02-00-00-00-00-02 debian old
}

@test "time-outs: seconds in one, milliseconds in the other; at once; never" {
    lab_net --timeout 86400
    grep -qx 'set wait 86400000' net/boot.ipxe
    ipxe_menu net 02-00-00-00-00-99 | grep -qx 'timeout 86400000'
    grep -q 'set timeout=86400; fi' net/grub/grub.cfg
    lab_net --timeout -1
    ipxe_menu net 02-00-00-00-00-99 | grep -qx 'timeout 0'
    grep -q 'set timeout=-1; fi' net/grub/grub.cfg
    lab_net --timeout 0
    grep -q 'set timeout=0; fi' net/grub/grub.cfg
    # no menu at all: what boots is the host's, or the default
    ipxe_menu net 02-00-00-00-00-99 >got
    none grep -E '^(menu|item|timeout)' got
    diff <(grep -v '^boot' got) <(grub_menu net/grub/grub.cfg 02-00-00-00-00-99 | grep -v '^item')
    ipxe_menu net 02-00-00-00-00-02 >got
    none grep -E '^(menu|item|timeout)' got
    diff <(grep -v '^boot' got) <(grub_menu net/grub/grub.cfg 02-00-00-00-00-02 | grep -v '^item')
}

@test "entries for some firmware only: both menus show the same ones there" {
    change lab/lab.conf '/^firmware/d'
    cat >>lab/lab.conf <<'EOF'
entry b  { kernel = vmlinuz firmware = bios }
entry u  { kernel = vmlinuz firmware = uefi }
entry i  { kernel = vmlinuz firmware = ia32 }
entry bu { kernel = vmlinuz firmware = { bios, uefi } }
entry s  { kernel = vmlinuz firmware = secureboot }
EOF
    shown() { ipxe_menu net "${4-02-00-00-00-00-99}" '' "$1" "$2" | sed -n 's/^item entry-//p' | cut -d' ' -f1 | tr '\n' ' '; }
    shown_grub() { grub_menu net/grub/grub.cfg "${3-02-00-00-00-00-99}" '' "$1" "$2" | sed -n 's/^item //p' | cut -d' ' -f1 | tr '\n' ' '; }
    lab_net
    [ "$(shown pcbios i386)" = 'debian old b bu ' ]
    [ "$(shown_grub pc i386)" = 'debian old b bu ' ]
    [ "$(shown efi x86_64)" = 'debian old u bu ' ]
    [ "$(shown_grub efi x86_64)" = 'debian old u bu ' ]
    [ "$(shown efi i386)" = 'debian old i ' ]
    [ "$(shown_grub efi i386)" = 'debian old i ' ]
    # a default that is not for the firmware: another one, the same in both
    change lab/lab.conf 's/^default.*/default = "b"/'
    lab_net
    for where in 'pcbios i386 pc i386' 'efi x86_64 efi x86_64' 'efi i386 efi i386'; do
        # shellcheck disable=SC2086
        set -- $where
        diff <(ipxe_menu net 02-00-00-00-00-99 '' "$1" "$2" | grep -E '^(kernel|word|initrd)') \
            <(grub_menu net/grub/grub.cfg 02-00-00-00-00-99 '' "$3" "$4" | grep -E '^(kernel|word|initrd)')
    done
}

@test "a host's line is there whatever its entry is for" {
    change lab/lab.conf 's/^entry old {/entry old {\n firmware = ia32/; /^firmware/d'
    lab_net
    for where in 'pcbios i386' 'efi x86_64' 'efi i386'; do
        # shellcheck disable=SC2086
        ipxe_menu net 02-00-00-00-00-02 '' $where | grep -qx 'item host node2: The old one'
    done
}

@test "the stick's menu says and boots the same as the tree's" {
    lab_net
    mkbootmedia usb -q -f lab/lab.conf -o usb.img
    mkdir -p usb
    mcopy -n -i "$(esp usb.img)" ::/boot/grub/grub.cfg usb/grub.cfg
    for name in debian old; do
        diff <(grub_menu usb/grub.cfg none "$name" pc i386 | grep -E '^(item|word)') \
            <(grub_menu net/grub/grub.cfg none "$name" pc i386 | grep -E '^(item|word)')
        for kind in kernel initrd; do
            [ "$(grub_menu usb/grub.cfg none "$name" pc i386 | grep -c "^$kind")" = \
                "$(grub_menu net/grub/grub.cfg none "$name" pc i386 | grep -c "^$kind")" ]
        done
    done
}

@test "entries with names of iPXE's labels and commands" {
    local names=(start stay failed boot entry-debian goto menu item default linux 0 a--b e123456789012345678901234567890e)
    for name in "${names[@]}"; do
        echo "entry $name { kernel = vmlinuz title = 'Title of $name' cmdline = 'for=$name' }"
    done >>lab/lab.conf
    lab_net
    same_menus net 02-00-00-00-00-01 debian "${names[@]}"
    for name in "${names[@]}"; do
        ipxe_menu net 02-00-00-00-00-01 "entry-$name" | grep -qx "word for=$name"
    done
}

# Texts that mean something to iPXE, GRUB, a shell, printf, our templates, or to a menu.
ODD=('|| reboot' '&& reboot' '; reboot' 'a ; b || c && d' '#!ipxe' '# comment' '#' '-x' '--gap' '--'
    "'; reboot; '" "it's" "'" "''" '$root' '$' '$$' '$net_default_mac' '{' '}' '{{title}}' '{{#entries}}x{{/entries}}'
    '$(reboot)' '`reboot`' '\' 'a\' '\n' '\\' '%s%n' '%20' '%' '100%' '<a >b' 'a | b & c' '*' '?' '~' '!x'
    'a=b' '=' '  two  blanks  ' 'ü 日本 🙂' '[ -f x ]' 'goto failed' ':entry-old' ':start' 'a,b:c/d@e+f' '(hd0)/x'
    "$(printf 'long %.0s' {1..60})")

# Puts an entry for each odd text behind the spec: its title, and the value of an argument.
odd_entries() {
    local i text
    for i in "${!ODD[@]}"; do
        text=${ODD[i]//\\/\\\\}
        text=${text//\'/\\\'}
        printf "entry odd%d {\n    kernel  = vmlinuz\n    title   = '%s'\n    cmdline = 'x=\"%s\" \"%s\" end'\n}\n" \
            "$i" "$text" "$text" "$text"
        printf "host 0200000001%02x {\n    entry   = odd%d\n    cmdline = 'y=\"%s\"'\n}\n" "$i" "$i" "$text"
    done
}

@test "odd texts arrive as they are, in both menus, and do nothing" {
    local i text mac
    odd_entries >>lab/lab.conf
    lab_net 2>err
    grub-script-check net/grub/grub.cfg
    for i in "${!ODD[@]}"; do
        text=${ODD[i]}
        mac=$(printf '02-00-00-00-01-%02x' "$i")
        grub-script-check "net/hosts/$mac.cfg"
        ipxe_menu net "$mac" "entry-odd$i" >got || { cat got && return 1; }
        none grep -E '^(error|reboot|shell)' got
        diff <(grep -E '^item (host|entry-odd'"$i"') ' got) <(printf 'item %s\n' "host ${mac}: $text" "entry-odd$i $text")
        diff <(grep ^word got) <(printf 'word %s\n' console=tty0 console=ttyS0,115200 "x=$text" "$text" end)
        diff <(grub_menu net/grub/grub.cfg "$mac" "odd$i" | grep -E '^(word|kernel|item)') \
            <(grep -E '^(word|kernel|item)' got | sed 's/^item entry-/item /' | grep -vE '^item (shell|restart) ')
        diff <(ipxe_menu net "$mac" host | grep -E '^(word|kernel)') \
            <(grub_menu net/grub/grub.cfg "$mac" host | grep -E '^(word|kernel)')
        ipxe_menu net "$mac" | grep -qxF -- "word y=$text"
    done
    # and in the manifest, which is JSON
    diff <(jq -r '.entries[2:][] | .title, .arguments[2], .arguments[3]' net/manifest.json) \
        <(for text in "${ODD[@]}"; do printf '%s\nx=%s\n%s\n' "$text" "$text" "$text"; done)
    # labels, too: only printable ones are accepted
    for text in '|| reboot' "it's; reboot" '# x' '{{x}} %s' 'a\'; do
        lab_net --label "$text"
        ipxe_menu net 02-00-00-00-00-99 | grep -qxF -- "menu $text"
        grub-script-check net/grub/grub.cfg
        same_menus net 02-00-00-00-00-01 debian
    done
}

@test "what even a setting of iPXE's could not hold is refused, wherever it stands" {
    local text
    # shellcheck disable=SC2016
    for text in '${net0/mac}' 'a ${' '$${x}' '${${x}}' 'x=${cwduri}'; do
        for option in title cmdline label; do
            fails '1' "^mkbootmedia: --$option: .*\\$\\{" mkbootmedia net -q -k lab/vmlinuz \
                --url $URL "--$option=$text" -o none
        done
    done
    # quotes of Linux' hide it no better
    # shellcheck disable=SC2016
    for text in '$"{net0/mac}"' '"$"{x}' 'a=$"{x y}"' '"x=$""{y}"'; do
        fails 1 '^mkbootmedia: --cmdline: ' mkbootmedia net -q -k lab/vmlinuz --url $URL --cmdline "$text" -o none
        printf "host 020000000101 {\n cmdline = '%s'\n}\n" "$text" | cat "$SHARE/lab/lab.conf" - >lab/bad.conf
        fails 1 '^mkbootmedia: lab/bad.conf:3[0-9]: cmdline: ' mkbootmedia net -q -f lab/bad.conf -o none
        printf "entry x {\n kernel = vmlinuz\n cmdline = '%s'\n}\n" "$text" | cat "$SHARE/lab/lab.conf" - >lab/bad.conf
        fails 1 '^mkbootmedia: lab/bad.conf:3[0-9]: cmdline: ' mkbootmedia net -q -f lab/bad.conf -o none
    done
    for text in 'a b' 'a;b' '$a' '${a}' "a'" 'a_b' '#a' '-a' 'ü' "$(printf 'x%.0s' {1..65})" 'a
b'; do
        printf 'mac,hostname\n02:00:00:00:00:09,"%s"\n' "$text" >lab/inventory.csv
        fails 1 '^mkbootmedia: lab/inventory.csv:2: reading: hostname: ' mkbootmedia net -q -f lab/lab.conf -o none
    done
    [ ! -e none ]
    # a stick has no iPXE
    # shellcheck disable=SC2016
    mkbootmedia usb -q -k lab/vmlinuz --firmware bios --title '${x}' --cmdline 'a=${b}' -o usb.img
}

@test "a kernel's version is foreign text too" {
    local text
    # shellcheck disable=SC2016
    for text in '6.1;reboot' '||' '{{x}}' "it's" '${net0/mac}' $'6\x1b[2J' $'6\xff' '6"1'; do
        tiny_kernel kernel
        printf '\xd0\x01' | dd of=kernel bs=1 seek=$((0x20e)) conv=notrunc status=none
        printf '%s built\0' "$text" | dd of=kernel bs=1 seek=$((0x3d0)) conv=notrunc status=none
        if mkbootmedia net -q -k kernel --url $URL --firmware bios -o net 2>err; then
            ipxe_menu net none >got
            none grep -E '^(error|reboot)' got
            same_menus net none linux
            grub-script-check net/grub/grub.cfg
            none grep -qaP '[\x00-\x09\x0b-\x1f\x7f]' net/boot.ipxe net/grub/grub.cfg
            iconv -f utf-8 -t utf-8 net/boot.ipxe >/dev/null
            title=$(sed -n 's/^item entry-linux //p' got)
            [[ "Linux $text" == "$title"* ]] # whole, or cut where it is odd
        else
            [ "$(wc -l <err)" = 1 ]
            grep -q '^mkbootmedia: ' err
        fi
        rm -rf net
    done
}
