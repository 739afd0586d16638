#!/usr/bin/env bats
# The texts that are rendered for a medium, against tests/golden/, with the marker's id and the
# kernel's version masked. After a wanted change: UPDATE=1 bats tests/golden.bats, then read the diff.

bats_require_minimum_version 1.5.0
load lib

setup_file() {
    export SHARE=$BATS_FILE_TMPDIR
    cp "$(kernel)" "$SHARE/vmlinuz"
    initrd "$SHARE/initrd.img" 5000
}

setup() {
    GOLDEN=$BATS_TEST_DIRNAME/golden
    cd "$BATS_TEST_TMPDIR"
}

# medium COMMAND [OPTION]...: makes one and takes its texts out: menu, esp.cfg, theme.txt, loopback.cfg
medium() {
    local command=$1
    shift
    mkbootmedia "$command" -k "$SHARE/vmlinuz" "$@" -o image 2>messages
    mkbootmedia plan --json -k "$SHARE/vmlinuz" "$@" "$command" >plan 2>/dev/null
    if [ "$command" = usb ]; then
        mcopy -n -i "$(esp image)" ::/boot/grub/grub.cfg menu
        return
    fi
    bsdtar -xOf image boot/grub/grub.cfg >menu
    bsdtar -xOf image boot/grub/theme/theme.txt >theme.txt
    bsdtar -xOf image boot/grub/loopback.cfg >loopback.cfg
    mcopy -n -i "$(esp image)" ::/boot/grub/grub.cfg esp.cfg
    mcopy -n -i "$(esp image)" ::/EFI/BOOT/BOOTIA32.EFI ia32.efi
}

# golden FILE NAME: the file is the golden one, and a script that GRUB can read
golden() {
    local marker version
    marker=$(jq -r .marker plan)
    version=$(jq -r '.entries[0].version | split(" ")[0]' plan)
    grep -qF "$marker" "$1" || [[ $1 == loopback.cfg || $1 == theme.txt ]]
    sed "s|$marker|.disk/ID.mkbootmedia|g; s|$version|VERSION|g" "$1" >masked
    if [ -n "${UPDATE-}" ]; then cp masked "$GOLDEN/$2"; fi
    diff -u "$GOLDEN/$2" masked
    if [[ $2 == *.cfg ]]; then grub-script-check "$1"; fi
}

# The arguments of the line that begins with WORD, as a shell splits it: GRUB's quotes are the shell's.
arguments() {
    line=$(sed -n "s/^ *until \($1 .*\); do$/\1/p" menu)
    eval "$1() { printf '%s\n' \"\$@\"; }; $line"
}

@test "screen and serial console" {
    medium iso -i "$SHARE/initrd.img" --console tty0 --console ttyS0,115200n8 --cmdline 'quiet splash'
    golden menu screen-serial.cfg
    golden esp.cfg esp.cfg
    golden loopback.cfg loopback.cfg
    golden theme.txt theme.txt
}

@test "no initramfs, no arguments, screen only, waits for ever" {
    medium iso --timeout -1 --title 'Memory test'
    golden menu no-initrd.cfg
    none grep initrd menu
}

@test "several initramfs files, serial only, boots at once" {
    medium iso -i "$SHARE/initrd.img" -i "$SHARE/initrd.img" -i "$SHARE/initrd.img" --console ttyS1 \
        --timeout 0
    golden menu initrds-serial.cfg
    [ "$(arguments initrd)" = "/boot/linux/initrd.img
/boot/linux/initrd2.img
/boot/linux/initrd3.img" ]
}

@test "a console for which GRUB has no driver" {
    medium iso --console hvc0 --console ttyAMA0,115200 --console ttyS9
    golden menu other-consoles.cfg
}

@test "quotes, dollars, braces, UTF-8 in title and arguments" {
    local title='It'\''s $HOME "x" \n {{title}} `id` ; } Übung 日本 # %s'
    medium iso -i "$SHARE/initrd.img" --title "$title" --label 'A_%-1' \
        --cmdline 'a="b c" it'\''s $root ${prefix} \x ;reboot {} | & < > # ü {{words}} "" end'
    golden menu quotes.cfg
    [ "$(arguments linux)" = '/boot/linux/vmlinuz
a=b c
it'\''s
$root
${prefix}
\x
;reboot
{}
|
&
<
>
#
ü
{{words}}

end' ]
    eval "entry() { printf '%s' \"\$1\"; }; $(sed -n "s/^menuentry --id linux -- \(.*\) {$/entry \1/p" menu)" >got
    [ "$(cat got)" = "$title" ]
    [ "$(wc -l <messages)" -ge 1 ] # of what GRUB does to \ and '
}

@test "usb" {
    medium usb -i "$SHARE/initrd.img" --console tty0 --console ttyS0,115200 --title Stick --label LAB
    golden menu usb.cfg
}

@test "any label that is accepted leaves the theme one that GRUB can read" {
    # gui strings of a theme end at the next quote
    for label in 'A"B' 'A%B' "A'B" 'A\B'; do
        rm -f image
        medium iso --label "$label" || continue
        [ "$(grep -c '"' theme.txt)" -gt 0 ]
        none grep -E '^ *[a-z_-]+ = "[^"]*"[^"]+' theme.txt
        grub-script-check menu
    done
}

@test "what a GRUB image runs first" {
    medium iso --firmware ia32
    golden esp.cfg esp.cfg
    LC_ALL=C grep -aqF "search.file /$(jq -r .marker plan) root" ia32.efi
    LC_ALL=C grep -aqF 'set prefix=($root)/boot/grub' ia32.efi
}

@test "templates of the user's win, others stay" {
    mkdir own
    printf 'echo {{label}} {{#entries}}{{id}}{{/entries}}\n# /{{marker}}\n' >own/grub.cfg
    medium iso --templates own
    [ "$(head -n 1 menu)" = 'echo MKBOOTMEDIA linux' ]
    golden esp.cfg esp.cfg
    golden theme.txt theme.txt
}
