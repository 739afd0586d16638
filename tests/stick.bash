# What the tests of updates share: files that act as sticks, and what is on them. The disk's first
# sectors and its ESP are read by sfdisk and mtools.

# stick FILE IMAGE [SIZE]: a disk full of old bytes that the image was written to.
stick() {
    rm -f "$1"
    head -c "${3:-160M}" /dev/zero | tr '\0' '\377' >"$1"
    mkbootmedia write -q --yes --allow-file "$2" "$1"
}

update() { mkbootmedia update -q --allow-file "$@"; }

# get FILE PATH OUT: a file of the stick's ESP.
get() { mcopy -n -o -i "$(esp "$1")" "::/$2" "$3"; }

# put FILE FROM PATH
put() { mcopy -o -i "$(esp "$1")" "$2" "::/$3"; }

# on_stick FILE PATH: its bytes.
on_stick() { mtype -i "$(esp "$1")" "::/$2"; }

# same FILE PATH REFERENCE
same() { on_stick "$1" "$2" | cmp - "$3"; }

# whole FILE: table and copy, FAT and core image are sound, whichever content it has.
whole() {
    local start size
    sfdisk -V "$1" | grep -q 'No errors'
    read -r start size < <(partition "$1" "$ESP")
    dd if="$1" of=.esp bs=1M skip=$((start >> 20)) count=$((size >> 20)) conv=sparse status=none
    fsck.fat -n .esp
    core_sound "$1"
}

# core_of FILE: where the core image is that its MBR starts, in bytes.
core_of() { echo $((512 * $(od -An -t u8 -j 92 -N 8 "$1"))); }

# core_sound FILE: the sector that the MBR starts says that the next one follows it.
core_sound() {
    local core
    core=$(core_of "$1")
    [ $((512 * $(od -An -t u8 -j $((core + 500)) -N 8 "$1"))) = $((core + 512)) ]
}

# good FILE: whole, and as it was made.
good() {
    whole "$1" && mkbootmedia verify -q "$1"
}

# manifest FILE [JQ]
manifest() { on_stick "$1" .disk/manifest.json | jq -er "${2:-.}"; }

# forge FILE JQ: changes the stick's manifest, and its sum.
forge() {
    local sum
    on_stick "$1" .disk/manifest.json | jq --indent 1 "del(.sum) | $2" >.forged
    truncate -s -3 .forged # "\n}\n"
    sum=$(sha256sum <.forged)
    printf ',\n "sum": "%s"\n}\n' "${sum%% *}" >>.forged
    put "$1" .forged .disk/manifest.json
}
