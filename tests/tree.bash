# What the bats files about trees share: `load tree` after `load lib`. Trees of a tiny kernel are made
# in a moment, for there is little to hash; where a tree must have all loaders it is the real one's.

# shellcheck disable=SC2034 # some bats files use it
URL=http://10.0.0.1/boot

# tiny_kernel FILE [SEED]: the least that passes for a kernel, one of 32 bit for BIOS: protocol 2.06,
# one sector of setup, initramfs up to 2 GiB, 2047 bytes of arguments.
tiny_kernel() {
    {
        head -c 497 /dev/zero
        printf '\x01'
        head -c 12 /dev/zero
        printf '\x55\xaa\0\0HdrS\x06\x02'
        head -c 36 /dev/zero
        printf '\xff\xff\xff\x7f\0\0\0\0\0\0\0\0\xff\x07\0\0'
        head -c 452 /dev/zero
        noise 3000 "${2:-1}"
    } >"$1"
}

# lab FOLDER: a small laboratory: two entries, three hosts of which two have files of their own.
lab() {
    mkdir -p "$1"
    tiny_kernel "$1/vmlinuz"
    tiny_kernel "$1/vmlinuz-old" 2
    initrd "$1/microcode.img" 1001
    initrd "$1/initrd.img" 5000 2
    echo 'key of node1' >"$1/node1.key"
    echo 'key of node2' >"$1/node2.key"
    echo 'notes' >"$1/notes.txt"
    printf 'mac,hostname,entry,cmdline\n02:00:00:00:00:03,node3,old,debug\n' >"$1/inventory.csv"
    cat >"$1/lab.conf" <<'EOF'
label       = "LAB"
timeout     = 7
console     = { "tty0", "ttyS0,115200" }
default     = "debian"
url         = "http://10.0.0.1/boot"
server_path = "/srv/boot"
outputs     = { "usb", "iso", "net" }
hosts       = { "inventory.csv" }
firmware    = "bios"
add         = { "notes.txt:/docs/notes.txt" }

entry debian {
    title   = "Debian, in RAM"
    kernel  = "vmlinuz"
    initrd  = { "microcode.img", "initrd.img" }
    cmdline = 'quiet note="a b"'
}
entry old {
    title   = "The old one"
    kernel  = "vmlinuz-old"
    initrd  = "initrd.img"
}
host "02:00:00:00:00:01" {
    hostname = "node1"
    files    = { "node1.key:/etc/key:0600" }
}
host "02:00:00:00:00:02" {
    entry    = "old"
    hostname = "node2"
    cmdline  = "single"
    files    = { "node2.key:/etc/key:0600", "notes.txt:/etc/notes" }
}
EOF
}

# settled FOLDER...: waits until files have been left alone so long that their digests are kept.
settled() {
    find "$@" -type f -newerct '3 seconds ago' | grep -q . || return 0
    sleep 3
}

# change FILE SED-EXPRESSION: fails if it changes nothing.
change() {
    sed "$2" "$1" >"$BATS_TEST_TMPDIR/.changed"
    none cmp -s "$1" "$BATS_TEST_TMPDIR/.changed"
    cp --remove-destination "$BATS_TEST_TMPDIR/.changed" "$1"
}

net() { mkbootmedia net -q "$@"; }

# served TREE: what clients can see: digest of every file, kind and mode of it and of every folder.
served() { "$TOP/tests/tree.pl" served "$1"; }

# state TREE: all of it, also what a run that changes nothing may not touch.
state() { (cd "$1" && find . -printf '%P %y %i %m %s %C@ %T@\n' | sort); }

# paths TREE: of the files that clients can see.
paths() { (cd "$1" && find . -name .mkbootmedia -prune -o -type f -printf '%P\n' | sort); }

# named TREE: the files of the payload that its scripts name.
named() {
    (cd "$1" && grep -rhoE 'payload/[0-9a-f]{16}/[a-z0-9.]+' boot.ipxe grub/grub.cfg hosts 2>/dev/null |
        sort -u)
}

# payload_whole TREE: every file of the payload has the bytes that its path names, and what scripts
# name is there.
payload_whole() { "$TOP/tests/tree.pl" payload "$1"; }

# whole TREE: what can be said of every tree that a run has completed.
whole() {
    (cd "$1" && sha256sum --quiet -c SHA256SUMS) || return 1
    payload_whole "$1" || return 1
    # SHA256SUMS has each file once, the manifest too, with its size; only older generations' payload
    # is more than that
    diff <(cut -c 67- "$1/SHA256SUMS") <(cut -c 67- "$1/SHA256SUMS" | LC_ALL=C sort -u) || return 1
    diff <(cut -c 67- "$1/SHA256SUMS" | grep -v ^payload/ | sort) \
        <(paths "$1" | grep -vE '^(payload/.*|SHA256SUMS|manifest.json)$') || return 1
    diff <(jq -r '.files[] | "\(.sha256)  \(.path)"' "$1/manifest.json" | LC_ALL=C sort -k 2) \
        <(cd "$1" && sha256sum SHA256SUMS | LC_ALL=C sort -k 2 - SHA256SUMS) || return 1
    [ -z "$(comm -23 <(jq -r '.files[] | "\(.size) \(.path)"' "$1/manifest.json" | sort) \
        <(find "$1" -type f -printf '%s %P\n' | sort))" ] || { echo 'sizes' && return 1; }
    # nothing of a run is left
    [ -z "$(find "$1" -path '*/.mkbootmedia/*' \( -name new -o -name '*journal' \))" ] || return 1
    # whatever the umask was
    [ -z "$(find "$1" -type f ! -perm 644)$(find "$1" -mindepth 1 -type d ! -perm 755)" ] ||
        { ls -lR "$1" && return 1; }
}
