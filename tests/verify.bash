# What the tests of verify share: bytes that change, and manifests that are made up.

# keys NAME...: a key and a certificate each, NAME.key and NAME.pem.
keys() {
    local name
    for name; do
        openssl req -x509 -newkey rsa:2048 -nodes -keyout "$name.key" -out "$name.pem" \
            -subj "/CN=$name" -days 9 2>/dev/null
    done
}

# inside IMAGE [PATH]: prints the manifest inside, or another file.
inside() {
    if esp=$(esp "$1") && mtype -i "$esp" "::/${2:-.disk/manifest.json}" 2>/dev/null; then return; fi
    bsdtar -xOf "$1" "${2:-.disk/manifest.json}"
}

# flip FILE OFFSET: turns one bit of that byte.
flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "\\x$(printf %02x $((byte ^ 4)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# cut_out FILE OFFSET SIZE: prints those bytes.
cut_out() { tail -c +$(($2 + 1)) "$1" | head -c "$3" || :; }

# changed IMAGE MANIFEST COPY [BYTE]: a copy, with what may change as zeros, or as that byte.
changed() {
    local offset len
    cp --sparse=always "$(readlink -f "$1")" "$3"
    while read -r offset len; do
        for ((; len; len--)); do printf "${4:-\\0}"; done |
            dd of="$3" bs=1 seek="$offset" conv=notrunc status=none
    done < <(jq -r '.changing[] | "\(.[0]) \(.[1])"' "$2")
}

# text_only: a manifest without the line ends that fill its room.
text_only() { jq --indent 1 .; }

# sealed: a text with the sum of a manifest behind it.
sealed() {
    cat >"$BATS_TEST_TMPDIR/body"
    cat "$BATS_TEST_TMPDIR/body"
    printf ',\n "sum": "%s"\n}\n' "$(sha256sum <"$BATS_TEST_TMPDIR/body" | cut -c1-64)"
}

# made_up MANIFEST FILTER: it, changed by jq, with the sum that it has then.
made_up() { jq --indent 1 "del(.sum) | $2" "$1" | head -c -3 | sealed; }

# places MANIFEST: offsets of bytes that must not change, and what they are of: the ends of all
# regions, files of each kind, and ends of what has to be zero.
places() {
    jq -r '
        [.changing[] | {from: .[0], to: (.[0] + .[1])}] as $changing |
        def fixed: . as $at | all($changing[]; $at < .from or $at >= .to);
        def ends($what): [.from, .to - 1] | unique | .[] | select(fixed) | "\(.) \($what)";
        [.files[] | select(.size > 0) | {from: .place, to: (.place + .size), what: .path, own: (.sha256 | not)}] as $files |
        [.regions[] | {from: .offset, to: (.offset + .size), what}] as $regions |
        [.spare[] | {from: .[0], to: (.[0] + .[1])}] as $spare |
        ([{from: 0, to: 0}] + ($files + $regions + $spare | sort_by(.from)) + [{from: .size, to: .size}]) as $all |
        [range($all | length - 1) | {from: $all[.].to, to: $all[. + 1].from} | select(.from < .to)] as $gaps |
        ($regions[] | ends(.what)),
        ([$files[] | select(.own | not)] | to_entries[] |
            select(.key % 25 == 0 or (.value.what | test("vmlinuz|initrd|BOOTX64"))) | .value | ends(.what)),
        ($gaps | to_entries[] | select(.key % 30 == 0 or .key == ($gaps | length - 1)) | .value | ends("zeros"))
    ' "$1"
}

# soil_file FILE: old bytes all over it.
soil_file() {
    local size
    size=$(stat -c %s "$1")
    tr '\0' '\377' </dev/zero | head -c "$size" >"$1"
}
