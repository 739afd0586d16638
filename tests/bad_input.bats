#!/usr/bin/env bats
# What bad input gets: the exit status (1, or 2 for wrong usage), one line on stderr that says which
# file, doing what, why; an older output untouched, nothing new beside it. And what only looks bad
# works: any file name, any place.

bats_require_minimum_version 1.5.0
load lib

setup_file() {
    export SHARE=$BATS_FILE_TMPDIR
    cp "$(kernel)" "$SHARE/vmlinuz"
    initrd "$SHARE/initrd.img" 5000
    # for runs as another user
    cp "$MKBOOTMEDIA" "$SHARE/program"
    chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$SHARE/program"
    chmod a+r "$SHARE"/*
}

setup() {
    export LC_ALL=C.UTF-8
    K=$SHARE/vmlinuz I=$SHARE/initrd.img
    cd "$BATS_TEST_TMPDIR"
    mkdir in out
    chmod a+rx . in
    echo 'an older output, larger than nothing' >out/old.img
    touch -d 2001-02-03 out/old.img
}

teardown() {
    for device in "${DEVICES[@]}"; do losetup -d "$device"; done
    for folder in "${TMPFS[@]}"; do umount "$folder"; done
}

# The older output and its folder, as they are to stay.
state() {
    ls -A out
    stat -c '%i %s %y %a' out/old.img
    sha256sum out/old.img
}

# refused STATUS REGEX [OPTION]...: for usb and iso alike, with an older output in the way.
refused() {
    local status=$1 regex=$2 before command
    shift 2
    for command in usb iso; do
        before=$(state)
        fails "$status" "^mkbootmedia: $regex" mkbootmedia $command "$@" -o out/old.img || return 1
        diff <(echo "$before") <(state) || return 1
    done
}

# le16 N, le32 N: little-endian fields for printf %b
le16() { printf '\\x%02x\\x%02x' $(($1 & 255)) $(($1 >> 8)); }

# pe_header MACHINE: a PE header without sections, with an optional header of 240 bytes (PE32+)
pe_header() {
    printf 'PE\0\0%b\0\0' "$(le16 "$1")"
    head -c 12 /dev/zero
    printf '\xf0\0\x06\x02\x0b\x02'
    head -c 238 /dev/zero
}

# pe_file MACHINE FILE: the head of an EFI program, and some bytes
pe_file() {
    { printf 'MZ' && noise 58 && printf '\x40\0\0\0' && pe_header "$1" && noise 5000; } >"$2"
}

# A user who may not do everything; prints nothing of its own.
nobody() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
    else
        "$@"
    fi
}

# in_namespace SCRIPT [ARG]...: with mounts of its own
in_namespace() {
    local script=$1 user=()
    shift
    [ "$(id -u)" = 0 ] || user=(-r)
    unshare -m "${user[@]}" bash -euc "$script" sh "$@"
}

@test "kernel: missing, a folder, empty, a device, a FIFO" {
    refused 1 'in/none: opening: No such file or directory' -k in/none
    refused 1 'in: opening: is a directory, not a file' -k in
    : >in/empty
    refused 1 'in/empty: opening: is empty' -k in/empty
    refused 1 '/dev/zero: opening: is not a regular file' -k /dev/zero
    mkfifo in/fifo
    refused 1 'in/fifo: opening: is not a regular file' -k in/fifo
    refused 1 'in/none/x: opening: No such file' -k in/none/x
    refused 1 '.*/vmlinuz/x: opening: Not a directory' -k "$K/x"
    ln -s loop in/loop
    refused 1 'in/loop: opening: Too many levels of symbolic links' -k in/loop
    refused 1 ': opening: No such file' -k ''
}

@test "initrd: missing, a folder, empty, a device, a FIFO; the second one too" {
    refused 1 'in/none: opening: No such file or directory' -k "$K" -i in/none
    refused 1 'in/none: opening: No such file or directory' -k "$K" -i "$I" -i in/none
    refused 1 'in: opening: is a directory, not a file' -k "$K" -i in
    : >in/empty
    refused 1 'in/empty: opening: is empty' -k "$K" -i "$I" -i in/empty
    refused 1 '/dev/null: opening: is not a regular file' -k "$K" -i /dev/null
    mkfifo in/fifo
    refused 1 'in/fifo: opening: is not a regular file' -k "$K" -i in/fifo
}

@test "files that may not be read" {
    cp "$K" in/kernel
    cp "$I" in/initrd
    chmod 000 in/kernel in/initrd
    mkdir -m 000 in/locked
    chmod a+rwx out
    for command in usb iso; do
        fails 1 '^mkbootmedia: in/kernel: opening: Permission denied$' \
            nobody "$SHARE/program" $command -k in/kernel -o out/new.img
        fails 1 '^mkbootmedia: in/initrd: opening: Permission denied$' \
            nobody "$SHARE/program" $command -k "$K" -i in/initrd -o out/new.img
        fails 1 '^mkbootmedia: in/initrd: opening: Permission denied$' \
            nobody "$SHARE/program" $command -k "$K" --add in/initrd -o out/new.img
        fails 1 '^mkbootmedia: in/locked: reading the folder: Permission denied$' \
            nobody "$SHARE/program" $command -k "$K" --add in/locked -o out/new.img
    done
    [ "$(ls -A out)" = old.img ]
}

@test "a kernel that is none: text, archives, noise" {
    seq 1000 >in/text
    refused 1 'in/text: reading the kernel: is a text file, not a kernel' -k in/text
    printf x >in/one
    refused 1 'in/one: reading the kernel: is a text file' -k in/one
    gzip -c "$K" >in/gzip
    refused 1 'in/gzip: reading the kernel: is a gzip file' -k in/gzip
    refused 1 '.*initrd.img: reading the kernel: is a gzip file' -k "$I"
    refused 1 '/bin/true: reading the kernel: is an ELF file' -k /bin/true
    noise 9000 >in/noise
    refused 1 'in/noise: reading the kernel: is not a kernel: ' -k in/noise
    truncate -s 9000 in/zeros
    refused 1 'in/zeros: reading the kernel: is not a kernel: ' -k in/zeros
    refused 1 '.*gcdx64.efi.signed: reading the kernel: is an EFI program without a Linux boot header' \
        -k /usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed
}

@test "a kernel that is truncated, wherever" {
    local size n need
    size=$(stat -c %s "$K")
    # what its header tells of: signatures are behind that
    need=$((($(od -An -tu1 -j 497 -N 1 "$K") + 1) * 512 + $(od -An -tu4 -j 500 -N 4 "$K") * 16))
    [ "$need" -le "$size" ]
    for n in 300 512 615 616 4095 4096 70000 $((need / 2)) $((need - 1)); do
        head -c "$n" "$K" >in/kernel
        refused 1 'in/kernel: reading the kernel: is (truncated: |a text file|not a kernel)' -k in/kernel ||
            { echo "cut at $n"; return 1; }
    done
}

@test "a kernel of another architecture" {
    # arch/arm64/kernel/head.S with CONFIG_EFI: "MZ", a branch, text_offset, image_size, flags,
    # "ARM\x64", the PE header at 0x40
    {
        printf 'MZ\x40\xfa\xff\xbf\x51\x14\0\0\0\0\0\0\0\0\0\0\xa0\x01\0\0\0\0\x0a\0\0\0\0\0\0\0'
        head -c 24 /dev/zero
        printf 'ARM\x64\x40\0\0\0'
        pe_header 0xaa64
        noise 5000
    } >in/arm64
    refused 1 'in/arm64: reading the kernel: is a kernel for arm64; the boot loaders here are for x86' \
        -k in/arm64
    # the same without an EFI stub: two instructions in front, no PE header
    { printf '\x4d\x5a\0\x91' && tail -c +5 in/arm64 | head -c 56 && noise 4 && noise 5000; } >in/plain
    printf '\0\0\0\0' | dd of=in/plain bs=1 seek=60 conv=notrunc status=none
    refused 1 'in/plain: reading the kernel: is a kernel for arm64' -k in/plain
    pe_file 0x01c2 in/arm && refused 1 'in/arm: reading the kernel: is a kernel for 32-bit arm' -k in/arm
    pe_file 0x5064 in/riscv && refused 1 'in/riscv: reading the kernel: is a kernel for RISC-V' -k in/riscv
    pe_file 0x6264 in/la && refused 1 'in/la: reading the kernel: is a kernel for LoongArch' -k in/la
    pe_file 0x0ebc in/ebc && refused 1 'in/ebc: reading the kernel: .*another architecture' -k in/ebc
}

@test "an initramfs of unknown format is a warning" {
    seq 1000 >in/text
    for command in usb iso; do
        rm -f out/new.img
        mkbootmedia $command -k "$K" -i in/text -o out/new.img 2>err
        [ "$(cat err)" = 'mkbootmedia: warning: in/text: reading the initramfs: no format that Linux unpacks' ]
        [ -s out/new.img ]
    done
}

@test "labels that FAT or ISO 9660 cannot hold" {
    for label in lower 'ABCDEFGHIJKL' 'A.B' 'Ä' '' ' A' 'A/B' 'NO NAME'; do
        before=$(state)
        fails 1 '^mkbootmedia: --label: ' mkbootmedia usb -k "$K" --label "$label" -o out/old.img
        [ "$before" = "$(state)" ]
    done
    for label in "$(printf 'A%.0s' {1..33})" 'Ä' '' 'A ' 'A\B' 'A$B' 'A`B'; do
        before=$(state)
        fails 1 '^mkbootmedia: --label: ' mkbootmedia iso -k "$K" --label "$label" -o out/old.img
        [ "$before" = "$(state)" ]
    done
}

@test "control characters and what is not UTF-8 in texts" {
    local bad
    for bad in $'A\nB' $'A\tB'; do
        refused 2 "(usb|iso): --label: '.*' holds a control character" -k "$K" --label "$bad"
    done
    refused 2 "(usb|iso): --label: '.*' is not valid UTF-8" -k "$K" --label $'A\xff'
    for bad in $'a\nb' $'a\rb' $'a\tb' $'a\eb' $'a\x7fb' $'\n'; do
        refused 1 '--cmdline: checking: the text holds a control character$' -k "$K" --cmdline "$bad"
        refused 1 '--title: checking: the text holds a control character$' -k "$K" --title "$bad"
        refused 1 '.*: adding to the medium: the path .* holds a control character$' \
            -k "$K" --add "$I:/$bad"
        refused 2 '(usb|iso): --console: .* is not a console such as' -k "$K" --console "$bad"
    done
    for bad in $'\xff' $'\xc0\x80' $'\xed\xa0\x80' $'caf\xe9'; do
        refused 1 '--cmdline: checking: the text is not valid UTF-8$' -k "$K" --cmdline "$bad"
        refused 1 '--title: checking: the text is not valid UTF-8$' -k "$K" --title "$bad"
        refused 1 '.*: adding to the medium: the path .* is not valid UTF-8$' -k "$K" --add "$I:/$bad"
    done
    refused 1 '--cmdline: checking: .*a double quote without its partner' -k "$K" --cmdline 'a "b c'
    refused 1 '--cmdline: checking: .* takes at most 2047' -k "$K" --cmdline "$(printf 'a%.0s' {1..2100})"
    refused 2 '(usb|iso): --title: .* is empty' -k "$K" --title ''
}

@test "a newline in a file's name does not break the message's line" {
    local name=$'in/a\nb\e[31m'
    refused 1 'in/a\\012b\\033\[31m: opening: No such file or directory' -k "$name"
    refused 1 'in/a\\012b\\033\[31m: opening: No such file or directory' -k "$K" -i "$name"
    echo text >"$name"
    refused 1 'in/a\\012b\\033\[31m: reading the kernel: is a text file' -k "$name"
    fails 2 '^mkbootmedia: a\\012b: no such command' mkbootmedia $'a\nb'
    fails 2 '^mkbootmedia: usb: .*a\\012b' mkbootmedia usb $'a\nb' -k "$K" -o out/old.img
    fails 1 '^mkbootmedia: none\\012/x: ' mkbootmedia usb -k "$K" -o $'none\n/x'
}

@test "added files: missing, names that the medium cannot hold, the same path twice" {
    refused 1 'in/none: opening: No such file or directory' -k "$K" --add in/none
    refused 1 '.*: adding to the medium: .* part' -k "$K" --add "$I:/../x"
    refused 1 '.*: adding to the medium: .* part' -k "$K" --add "$I:/a//b"
    refused 1 'boot/linux/vmlinuz: adding to the medium: two files want this path' \
        -k "$K" --add "$I:/boot/linux/vmlinuz"
    refused 1 'x: adding to the medium: two files want this path' -k "$K" --add "$I:/x" --add "$K:/x"
    fails 1 '^mkbootmedia: .*FAT cannot hold' mkbootmedia usb -k "$K" --add "$I:/a:b" -o out/old.img
    fails 1 '^mkbootmedia: (BOOT/LINUX|boot/linux)/vmlinuz: .* two files want this path' \
        mkbootmedia usb -k "$K" --add "$I:/BOOT/LINUX/vmlinuz" -o out/old.img
    refused 1 'x/y: adding to the medium: two files want this path' -k "$K" --add "$I:/x" --add "$I:/x/y"
    refused 1 'x/y/z: adding to the medium: two files want this path' \
        -k "$K" --add "$I:/X" --add "$I:/x-y" --add "$I:/x/y/z"
    mkdir in/deep
    ln -s . in/deep/loop
    refused 1 'in/deep/loop/.*: (opening|reading the folder): ' -k "$K" --add in/deep
}

@test "4 GiB: too large for FAT, not for the ISO" {
    truncate -s 4294967296 in/large
    printf '\x1f\x8b' | dd of=in/large conv=notrunc status=none
    before=$(state)
    mkbootmedia usb -k "$K" -i in/large -o out/old.img 2>err && return 1
    grep -v '^mkbootmedia: warning: ' err >lines
    cat lines
    [ "$(wc -l <lines)" = 1 ]
    grep -qE '^mkbootmedia: in/large: .*4 GiB - 1 .*mkbootmedia iso' lines
    [ "$before" = "$(state)" ]
    mkbootmedia iso --dry-run -q -k "$K" -i in/large 2>err
    none grep -v '^mkbootmedia: warning: ' err
    mkbootmedia plan -k "$K" -i in/large iso 2>/dev/null | grep -qE ' 4096.0 MiB +boot/linux/initrd.img +< in/large$'
}

# full_disk FSTYPE OPTIONS: runs in a mount namespace, in $BATS_TEST_TMPDIR
full_disk='
program=$1 kernel=$2 command=$3
mkdir -p full
mount -t tmpfs -o size=12m none full
echo older >full/out.img
before=$(stat -c "%i %s %y" full/out.img)
status=0
"$program" $command -k "$kernel" -i big --firmware bios -o full/out.img 2>err >out.txt || status=$?
cat err
[ $status = 1 ]
[ "$(wc -l <err)" = 1 ]
grep -qE "^mkbootmedia: full/out.img: writing.*: No space left on device$" err
[ "$(cat full/out.img)" = older ]
[ "$before" = "$(stat -c "%i %s %y" full/out.img)" ]
[ "$(ls -A full)" = out.img ]
'

@test "no space: tmpfs" {
    initrd big 20000000
    in_namespace "$full_disk" "$MKBOOTMEDIA" "$K" usb
    in_namespace "$full_disk" "$MKBOOTMEDIA" "$K" iso
}

@test "no space: ext4" {
    truncate -s 24M disk
    mkfs.ext4 -q -m 0 disk
    initrd big 30000000
    local script=${full_disk/mount -t tmpfs -o size=12m none full/mount -o loop disk full; rmdir full/lost+found || true}
    in_namespace "$script" "$MKBOOTMEDIA" "$K" usb
    in_namespace "$script" "$MKBOOTMEDIA" "$K" iso
}

@test "a limit on the size of files" {
    before=$(state)
    for command in usb iso; do
        # usb needs a memory file as large as the image, which the limit is for too
        fails 1 '^mkbootmedia: (out/old.img: writing|.*: making a memory file): File too large$' \
            bash -c 'trap "" XFSZ; ulimit -f 4000; exec "$@"' sh \
            "$MKBOOTMEDIA" $command -k "$K" -o out/old.img
        [ "$before" = "$(state)" ]
        # the signal's default: no message, but no debris either
        bash -c 'ulimit -f 4000; exec "$@"' sh "$MKBOOTMEDIA" $command -k "$K" -o out/old.img || true
        [ "$before" = "$(state)" ]
    done
}

@test "outputs that are no file, or nowhere" {
    refused_output() {
        for command in usb iso; do
            fails 1 "^mkbootmedia: $2" mkbootmedia $command -k "$K" -o "$1"
        done
    }
    truncate -s 64M disk
    device=$(losetup --show -f disk)
    DEVICES+=("$device")
    refused_output "$device" "$device: writing: is a block device"
    cmp -n 67108864 disk /dev/zero
    refused_output out 'out: writing: is a directory, not a file'
    refused_output out/ 'out/: writing: is a directory, not a file'
    refused_output out/none/ 'out/none/: writing: is not the name of a file'
    refused_output none/x 'none/x: writing into its folder: No such file or directory'
    refused_output out/old.img/x 'out/old.img/x: writing: Not a directory'
    refused_output /dev/null '/dev/null: writing: is not a regular file'
    mkfifo fifo
    refused_output fifo 'fifo: writing: is not a regular file'
    refused_output "out/$(printf 'x%.0s' {1..256})" 'out/x*: writing: File name too long'
    [ "$(ls -A out)" = old.img ]
}

@test "a name of 255 bytes and a path that is nearly too long work" {
    mkbootmedia usb -k "$K" -o "out/$(printf 'x%.0s' {1..255})"
    [ "$(ls -A out | wc -l)" = 2 ]
}

@test "a folder that may not be written into" {
    chmod 555 out
    before=$(state)
    for command in usb iso; do
        fails 1 '^mkbootmedia: out/old.img: writing into its folder: Permission denied$' \
            nobody "$SHARE/program" $command -k "$K" -o out/old.img
    done
    chmod 755 out
    [ "$before" = "$(state)" ]
    in_namespace '
        mount --bind out out && mount -o remount,bind,ro out
        status=0
        "$1" usb -k "$2" -o out/old.img 2>err || status=$?
        cat err
        [ $status = 1 ] && [ "$(wc -l <err)" = 1 ]
        grep -qx "mkbootmedia: out/old.img: writing into its folder: Read-only file system" err
    ' "$MKBOOTMEDIA" "$K"
    [ "$before" = "$(state)" ]
}

@test "an output that is an input, by any name" {
    cp "$K" in/kernel
    cp "$I" in/initrd
    ln -s ../in/kernel out/symlink
    ln in/kernel out/hardlink
    ln in/initrd out/initrd
    ln -s . in/same
    sums=$(sha256sum in/kernel in/initrd)
    for command in usb iso; do
        for name in in/kernel out/symlink out/hardlink in/same/kernel "$PWD/in/kernel"; do
            fails 1 "^mkbootmedia: $name: writing: is one of the input files" \
                mkbootmedia $command -k in/kernel -i in/initrd -o "$name"
        done
        fails 1 '^mkbootmedia: out/initrd: writing: is one of the input files' \
            mkbootmedia $command -k in/kernel -i in/initrd -o out/initrd
        fails 1 '^mkbootmedia: out/initrd: writing: is one of the input files' \
            mkbootmedia $command -k in/kernel --add in/initrd -o out/initrd
        fails 1 '^mkbootmedia: out/old.img: writing: is one of the input files' \
            mkbootmedia $command -k in/kernel --add out -o out/old.img
    done
    [ "$sums" = "$(sha256sum in/kernel in/initrd)" ]
    [ -L out/symlink ]
}

@test "stdout: not to a terminal, not with --json" {
    for command in usb iso; do
        run script -qec "'$MKBOOTMEDIA' $command -k '$K' -o -" /dev/null
        [ "$status" = 2 ]
        [ "${#output}" -lt 200 ]
        [[ $output == *"$command: --output: stdout is a terminal"* ]]
        fails 2 "^mkbootmedia: $command: --json: " mkbootmedia $command -k "$K" -o - --json
    done
}

@test "wrong usage names the option, exit 2" {
    refused 2 '(usb|iso): --nosuch: no such option' -k "$K" --nosuch
    refused 2 '(usb|iso): -x: no such option' -k "$K" -x
    fails 2 '^mkbootmedia: usb: --firmware: needs a value' mkbootmedia usb -k "$K" -o x --firmware
    fails 2 '^mkbootmedia: usb: --output: needs a value' mkbootmedia usb -k "$K" -o
    refused 2 "(usb|iso): --firmware: 'bios,efi' is not a list" -k "$K" --firmware bios,efi
    refused 2 "(usb|iso): --firmware: '' is not a list" -k "$K" --firmware ''
    refused 2 '(usb|iso): --kernel: is missing'
    refused 2 '(usb|iso): --dry-run: takes no value' -k "$K" --dry-run=yes
    refused 2 "(usb|iso): 'more': an operand that is not expected" -k "$K" more
    for value in '' x 5s -2 99999999999999999999 1.5 86401; do
        refused 2 "(usb|iso): --timeout: '$value' is not a number of seconds" -k "$K" --timeout "$value"
    done
    fails 2 '^mkbootmedia: usb: --output: is missing' mkbootmedia usb -k "$K"
    fails 2 "^mkbootmedia: usb: --output: '' is empty" mkbootmedia usb -k "$K" -o ''
    fails 2 '^mkbootmedia: usb: --hybrid: no such option' mkbootmedia usb -k "$K" --hybrid gpt -o x
    fails 2 '^mkbootmedia: iso: --size: no such option' mkbootmedia iso -k "$K" --size 1G -o x
    fails 2 "^mkbootmedia: iso: --hybrid: 'mbr' is not" mkbootmedia iso -k "$K" --hybrid mbr -o x
    for value in '' 0 -1 1X 1GB 1.5G G 65T 99999999999999999999; do
        fails 2 "^mkbootmedia: usb: --size: '$value' is not a size" \
            mkbootmedia usb -k "$K" -o x --size "$value"
    done
    fails 2 '^mkbootmedia: plan: which output' mkbootmedia plan -k "$K"
    fails 2 '^mkbootmedia: plan: which output' mkbootmedia plan -k "$K" usb iso
    fails 2 "^mkbootmedia: plan: 'cd': no such output" mkbootmedia plan -k "$K" cd
    fails 2 '^mkbootmedia: frobnicate: no such command' mkbootmedia frobnicate
    fails 2 '^mkbootmedia: completion: ' mkbootmedia completion x
    run -2 --separate-stderr mkbootmedia
    [ -z "$output" ]
    [ ! -e x ]
}

@test "a console that is none" {
    for console in '' 'ttyS0,' 'ttyS0,fast' 'tty 0' '/dev/ttyS0' "tty0'" 'tty0;reboot' '$root'; do
        refused 2 '(usb|iso): --console: .* is not a console such as tty0 or ttyS0,115200' \
            -k "$K" --console "$console"
    done
}

@test "--size: too small is said with what is needed, and that is enough" {
    fails 1 '^mkbootmedia: --size: .* too few: the content needs [0-9]+ MiB$' \
        mkbootmedia usb -k "$K" -o out/new.img --size 1M
    need=$(mkbootmedia usb -k "$K" -o out/new.img --size 5M 2>&1 | grep -o '[0-9]* MiB$')
    fails 1 '^mkbootmedia: --size: ' \
        mkbootmedia usb -k "$K" -o out/new.img --size $((${need% MiB} - 1))M
    [ "$(ls -A out)" = old.img ]
    mkbootmedia usb -k "$K" -o out/new.img --size "${need% MiB}M"
    [ "$(stat -c %s out/new.img)" = $((${need% MiB} * 1048576)) ]
}

@test "SOURCE_DATE_EPOCH that is no time" {
    for value in garbage 12x -1 1.5 253402300800 99999999999999999999; do
        export SOURCE_DATE_EPOCH=$value
        refused 1 "SOURCE_DATE_EPOCH: reading: '$value' is no number of seconds" -k "$K"
    done
}

# hidden PLACE STATUS REGEX OPTION...: a tmpfs over a folder, or /dev/null over a program
hidden() {
    local place=$1
    shift
    # shellcheck disable=SC2016
    in_namespace '
        if [ -d "$1" ]; then mount -t tmpfs none "$1"; else mount --bind /dev/null "$(realpath "$1")"; fi
        program=$2 status=0
        shift 2
        "$program" "$@" >stdout 2>err || status=$?
        cat err
        [ $status = 1 ] && [ ! -s stdout ] && [ "$(wc -l <err)" = 1 ]
    ' "$place" "$MKBOOTMEDIA" "${@:2}"
    grep -qE "^mkbootmedia: $1" err
    [ "$(ls -A out)" = old.img ]
}

@test "a loader or program that is missing names its package" {
    for command in usb iso; do
        args=($command -k "$K" -o out/old.img)
        hidden /usr/lib/shim '--firmware: Secure Boot: shim is not installed; install shim-signed' \
            "${args[@]}" --firmware secureboot
        hidden /usr/lib/grub/x86_64-efi-signed \
            '--firmware: Secure Boot: a signed GRUB is not installed; install grub-efi-amd64-signed' \
            "${args[@]}" --firmware secureboot
        hidden /usr/lib/grub/i386-pc '--firmware: BIOS: .* not installed; install grub-pc-bin' \
            "${args[@]}" --firmware bios
        hidden /usr/lib/grub/i386-efi '--firmware: 32-bit UEFI: .*; install grub-efi-ia32-bin' \
            "${args[@]}" --firmware ia32
        hidden "$(command -v grub-mkimage)" 'grub-mkimage: not found; install grub-common' "${args[@]}"
        hidden "$(command -v mkfs.fat)" 'mkfs.fat: not found; install dosfstools' "${args[@]}"
    done
}

@test "folders of loaders and templates have to be there" {
    refused 1 'in/none: .*: No such file or directory' -k "$K" --loaders in/none
    refused 1 'in/none: .*: No such file or directory' -k "$K" --templates in/none
    : >in/file
    refused 1 'in/file: .*: Not a directory' -k "$K" --loaders in/file
    refused 1 'in/file: .*: Not a directory' -k "$K" --templates in/file
}

@test "templates of the user's: what is wrong in them has its line" {
    mkdir in/templates
    printf 'a\nb {{nosuch}}\n' >in/templates/grub.cfg
    refused 1 'in/templates/grub.cfg:2: rendering: no such name: \{\{nosuch\}\}' \
        -k "$K" --templates in/templates
    printf '{{#entries}}\n' >in/templates/grub.cfg
    refused 1 'in/templates/grub.cfg:1: rendering: a section without its end' \
        -k "$K" --templates in/templates
}

@test "a shim that is damaged is not taken for one" {
    mkdir in/loaders
    : >in/loaders/shimx64.efi
    cp /usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed in/loaders
    refused 1 'in/loaders/shimx64.efi: opening: is empty' -k "$K" --loaders in/loaders
}

@test "stdout that is closed or full is said" {
    for command in usb iso; do
        fails 1 '^mkbootmedia: standard output: writing: No space left on device$' \
            bash -c '"$@" >/dev/full' sh "$MKBOOTMEDIA" $command -k "$K" -o -
        fails 1 '^mkbootmedia: standard output: writing' \
            bash -c '"$@" >/dev/full' sh "$MKBOOTMEDIA" plan -k "$K" $command
        fails 1 '^mkbootmedia: standard output: writing' \
            bash -c '"$@" >/dev/full' sh "$MKBOOTMEDIA" plan -k "$K" $command --json
        fails 1 '^mkbootmedia: standard output: writing: Bad file descriptor$' \
            bash -c '"$@" >&-' sh "$MKBOOTMEDIA" $command -k "$K" -o -
    done
}

@test "stdin, stdout and stderr that are closed harm no file" {
    for command in usb iso; do
        mkbootmedia $command -k "$K" -i "$I" -o out/a.img
        "$MKBOOTMEDIA" $command -k "$K" -i "$I" -o out/b.img <&- >&- 2>&-
        cmp out/a.img out/b.img
    done
}

@test "any file name works, for every input" {
    local name n=0 text
    cd in
    for name in 'with blank' "quote'" 'double"' '$root' '`id`' 'back\slash' 'semi;colon' 'ÄÖ-日本.img' \
        -k --help '{{label}}' '%s%n' ' ' $'tab\there' $'new\nline' 'a=b,c' '*' '#x' $'\xff\xfe'; do
        cp -- "$K" "./$name"
        cp -- "$I" "./$name.i"
        for command in usb iso; do
            ! mkbootmedia $command "-k$name" --initrd="$name.i" --add="$name.i:/added" \
                -o "../out/$name.img" 2>&1 | grep . || { printf 'name: %q\n' "$name"; return 1; }
            # not a trace of the name in the image
            text=$(mkbootmedia plan --json -k "./$name" -i "./$name.i" --add "./$name.i:/added" $command |
                jq -r '.files[] | select(.path | test("^boot/linux/|^added$")) | "\(.path) \(.offset) \(.size)"')
            [ "$(wc -l <<<"$text")" = 3 ]
            while read -r path offset size; do
                case $path in
                boot/linux/vmlinuz) cmp -n "$size" -i "$offset:0" -- "../out/$name.img" "$K" ;;
                *) cmp -n "$size" -i "$offset:0" -- "../out/$name.img" "$I" ;;
                esac
            done <<<"$text"
            n=$((n + 1))
        done
        rm -- "./$name" "./$name.i" "../out/$name.img"
    done
    [ $n = 38 ]
    [ "$(ls -A ../out)" = old.img ]
}

# What an independent review of the program once found.

@test "the temporary name beside the output is an input" {
    cp "$K" in/.lab.img.mkbootmedia
    fails 1 '^mkbootmedia: in/lab.img: writing: .*its temporary name, is one of the input files$' \
        mkbootmedia usb -k in/.lab.img.mkbootmedia -o in/lab.img
    cmp "$K" in/.lab.img.mkbootmedia
    [ ! -e in/lab.img ]
}

@test "a template is an input too" {
    echo '# mine' >in/grub.cfg
    fails 1 '^mkbootmedia: in/grub.cfg: writing: is one of the input files$' \
        mkbootmedia usb -k "$K" --templates in -o in/grub.cfg
    [ "$(cat in/grub.cfg)" = '# mine' ]
}

@test "a file of the temporary name that is somebody else's is replaced, not written to" {
    : >precious
    ln precious out/.new.img.mkbootmedia
    mkbootmedia usb -k "$K" -i "$I" -o out/new.img
    [ ! -s precious ]
    [ "$(ls -A out)" = "$(printf '%s\n' new.img old.img)" ]
}

# The bytes of the boot header that say 64 bit: xloadflags at 0x236; the machine of the EFI stub.
@test "a 32-bit kernel is not for Secure Boot" {
    local pe
    cp "$K" in/k32
    printf '\x00' | dd of=in/k32 bs=1 seek=$((0x236)) conv=notrunc status=none
    pe=$(od -An -tu4 -j 60 -N 4 "$K")
    printf '\x4c\x01' | dd of=in/k32 bs=1 seek=$((pe + 4)) conv=notrunc status=none
    refused 1 '--firmware: (Secure Boot|UEFI): the kernel is a 32-bit one' -k in/k32 \
        --firmware bios,secureboot
    mkbootmedia plan --json -k in/k32 usb | jq -e '.firmware == ["bios", "ia32"]'
}

@test "32-bit UEFI and a kernel without CONFIG_EFI_MIXED: a warning, and a no" {
    cp "$K" in/k
    # neither the handover flag nor the section by which newer loaders know it
    printf '\x0b' | dd of=in/k bs=1 seek=$((0x236)) conv=notrunc status=none
    sed -i 's/\.compat/.nomore/' in/k
    mkbootmedia usb -k in/k -i "$I" --firmware bios,ia32 -o out/ia32.img 2>err
    [ "$(wc -l <err)" = 1 ]
    grep -q '^mkbootmedia: warning: in/k: 32-bit UEFI will not boot it' err
    mkbootmedia inspect --json out/ia32.img | jq -e '[.boots[] | select(.firmware == "ia32") |
        .boots == "no" and (.reasons | tostring | test("CONFIG_EFI_MIXED"))] == [true]'
}

@test "templates with sections in sections without end" {
    mkdir in/deep
    printf '{{#label}}%.0s' {1..100000} >in/deep/grub.cfg
    refused 1 'in/deep/grub.cfg:1: rendering: too many sections' -k "$K" --templates in/deep
}

@test "a time that no calendar has" {
    # most file systems have no such times
    mkdir late
    mount -t tmpfs none late
    TMPFS+=("$PWD/late")
    cp "$I" late/late
    touch -d @99999999999999999 late/late
    mkbootmedia plan -k "$K" -i late/late usb >plan
    grep -q '9999-12-31 23:59:59 UTC' plan
}

@test "the menu of a foreign image forges no line of the report" {
    mkbootmedia usb -k "$K" -i "$I" -o out/foreign.img
    printf "menuentry 'a\nforged yes' {\n linux /boot/linux/vmlinuz\n}\n" >grub.cfg
    mcopy -o -i "$(esp out/foreign.img)" grub.cfg ::/boot/grub/grub.cfg
    mkbootmedia inspect out/foreign.img >report
    grep -q 'a\\012forged yes' report
    none grep -q '^forged' report
}

@test "options of one output are none of the other's" {
    fails 2 '^mkbootmedia: plan: --size: is for usb only' mkbootmedia plan --size 1G -k "$K" iso
    fails 2 '^mkbootmedia: plan: --hybrid: is for iso only' \
        mkbootmedia plan --hybrid gpt -k "$K" usb
}

@test "a symbolic link to nothing yet is followed; the old file's mode stays" {
    ln -s "$PWD/out/new.img" in/link
    mkbootmedia usb -k "$K" -i "$I" -o in/link
    [ -L in/link ]
    [ -s out/new.img ]
    chmod 600 out/new.img
    mkbootmedia usb -k "$K" -i "$I" -o out/new.img
    [ "$(stat -c %a out/new.img)" = 600 ]
}

# warned OUTPUT OPTION...: what a plan for this output warns of.
warned() {
    mkbootmedia plan "$@" 2>&1 >/dev/null | grep 'warning: .* MiB of initramfs' || true
}

@test "an initramfs that is too large for a loader: a warning with the arithmetic" {
    { printf '\x1f\x8b\x08'; } >in/large
    truncate -s 900M in/large
    # GRUB on BIOS has what lies between the kernel and 896 MiB.
    line=$(warned -k "$K" -i in/large --firmware bios usb)
    [ "$(wc -l <<<"$line")" = 1 ]
    [[ $line =~ \ 900\ MiB\ of\ initramfs\ will\ not\ load\ by\ GRUB\ on\ BIOS:\ it\ has\ ([0-9]+)\ MiB.*\(896\ MiB\ less\ 16\ MiB.*and\ ([0-9]+)\ MiB ]]
    difference=$((896 - 16 - BASH_REMATCH[2] - BASH_REMATCH[1]))
    [ "$difference" -ge -1 ] && [ "$difference" -le 1 ]
    warned -k "$K" -i in/large --firmware uefi usb | grep -q 'may not load by GRUB on UEFI.*: 800 MiB is what'
    # iPXE has more.
    [ -z "$(warned -k "$K" -i in/large --firmware bios --url http://10.0.0.1 net)" ]
    warned -k "$K" -i in/large --firmware bios --pxe grub --url http://10.0.0.1 net |
        grep -q 'will not load by GRUB on BIOS'
    truncate -s 2100M in/large
    warned -k "$K" -i in/large --firmware bios --url http://10.0.0.1 net |
        grep -q '2100 MiB of initramfs may not load by iPXE on BIOS'
    rm in/large
}
