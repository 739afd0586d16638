#!/usr/bin/env bats
# What stands beside an image: its map, its manifest, a signature. None of another image ever does.

bats_require_minimum_version 1.5.0
load lib

setup_file() {
    export SHARE=$BATS_FILE_TMPDIR
    cp "$(kernel)" "$SHARE/vmlinuz"
    initrd "$SHARE/initrd.img" 5000
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=lab -keyout "$SHARE/key" -out "$SHARE/crt" 2>/dev/null
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    BOOT=(-k "$SHARE/vmlinuz" -i "$SHARE/initrd.img")
    SIGN=(--sign-key "$SHARE/key" --sign-cert "$SHARE/crt")
    mkdir out
}

there() { [ "$(ls -A out)" = "$(printf '%s\n' "$@")" ]; }

@test "made again without them: those of the image before go, and are named" {
    for command in usb iso; do
        mkbootmedia $command "${BOOT[@]}" --bmap --manifest "${SIGN[@]}" -o out/lab.img
        there lab.img lab.img.bmap lab.img.manifest.json lab.img.manifest.json.p7s
        mkbootmedia $command "${BOOT[@]}" --bmap --timeout 3 -o out/lab.img 2>err
        there lab.img lab.img.bmap
        diff err - <<END
mkbootmedia: note: out/lab.img.manifest.json: removed: it is of the image before
mkbootmedia: note: out/lab.img.manifest.json.p7s: removed: it is of the image before
END
        truncate -s 300M disk
        mkbootmedia write --yes --allow-file out/lab.img disk
        mkbootmedia $command -q "${BOOT[@]}" -o out/lab.img 2>err
        [ ! -s err ]
        there lab.img
        mkbootmedia write --yes --allow-file out/lab.img disk
    done
}

@test "made by bmaptool: goes too" {
    mkbootmedia usb "${BOOT[@]}" -o out/lab.img
    bmaptool create -o out/lab.img.bmap out/lab.img
    mkbootmedia usb "${BOOT[@]}" -o out/lab.img
    there lab.img
}

@test "no map, no manifest: somebody else's stays" {
    printf 'my notes' | tee out/lab.img.bmap out/lab.img.manifest.json >out/lab.img.manifest.json.p7s
    mkbootmedia usb "${BOOT[@]}" -o out/lab.img 2>err
    [ ! -s err ]
    for name in bmap manifest.json manifest.json.p7s; do
        [ "$(cat out/lab.img.$name)" = 'my notes' ]
    done
    rm out/*
    mkdir out/lab.img.bmap
    mkfifo out/lab.img.manifest.json
    mkbootmedia usb "${BOOT[@]}" -o out/lab.img
    there lab.img lab.img.bmap lab.img.manifest.json
}

@test "somebody else's manifest keeps its signature" {
    echo '{"mine": true}' >out/lab.img.manifest.json
    openssl cms -sign -binary -in out/lab.img.manifest.json -signer "$SHARE/crt" -inkey "$SHARE/key" -outform DER \
        -out out/lab.img.manifest.json.p7s
    mkbootmedia usb "${BOOT[@]}" -o out/lab.img 2>err
    [ ! -s err ]
    there lab.img lab.img.manifest.json lab.img.manifest.json.p7s
    rm out/lab.img.manifest.json
    mkbootmedia usb "${BOOT[@]}" -o out/lab.img
    there lab.img
}

@test "one that cannot be read: the image stays, too" {
    mkbootmedia usb "${BOOT[@]}" --bmap -o out/lab.img
    cp out/lab.img before
    cp "$MKBOOTMEDIA" program
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" . program
    chmod 777 out
    chmod 644 "$SHARE"/* out/lab.img
    chmod 600 out/lab.img.bmap
    fails 1 '^mkbootmedia: out/lab.img.bmap: reading, for it may be of the image before: Permission denied$' \
        setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/nonexistent ./program usb -q "${BOOT[@]}" \
        --timeout 3 -o out/lab.img
    cmp before out/lab.img
    there lab.img lab.img.bmap
}

@test "an update of an image file" {
    mkbootmedia usb "${BOOT[@]}" --size 300M --bmap --manifest -o out/lab.img
    mkbootmedia update --allow-file --timeout 3 --dry-run out/lab.img >/dev/null
    there lab.img lab.img.bmap lab.img.manifest.json
    mkbootmedia update --allow-file --timeout 3 out/lab.img
    there lab.img
    mkbootmedia verify out/lab.img
}

@test "one that is an input stays, and is not replaced" {
    mkbootmedia usb "${BOOT[@]}" --manifest -o out/lab.img
    cp out/lab.img.manifest.json before
    mkbootmedia usb "${BOOT[@]}" --add out/lab.img.manifest.json:/old.json -o out/lab.img
    cmp before out/lab.img.manifest.json
    cp out/lab.img image
    fails 1 '^mkbootmedia: out/lab.img.manifest.json: writing: is one of the input files$' \
        mkbootmedia usb "${BOOT[@]}" --add out/lab.img.manifest.json:/old.json --manifest -o out/lab.img
    cmp before out/lab.img.manifest.json
    cmp image out/lab.img
}

@test "symbolic links stay, their files are new" {
    mkdir maps
    ln -s ../maps/a out/lab.img.bmap
    mkbootmedia usb "${BOOT[@]}" --bmap -o out/lab.img
    mkbootmedia usb "${BOOT[@]}" --bmap --timeout 3 -o out/lab.img
    [ -L out/lab.img.bmap ]
    [ ! -L maps/a ]
    truncate -s 300M disk
    mkbootmedia write --yes --allow-file out/lab.img disk
}

@test "a name that cannot be is found before the image is replaced" {
    local name
    mkbootmedia usb "${BOOT[@]}" -o out/lab.img
    cp out/lab.img image
    mkdir out/lab.img.bmap out/lab.img.manifest.json.p7s
    for option in --bmap '--manifest '; do
        # shellcheck disable=SC2086 # words
        fails 1 "^mkbootmedia: out/lab.img.(bmap|manifest.json.p7s): writing: is a directory, not a file$" \
            mkbootmedia usb "${BOOT[@]}" $option "${SIGN[@]}" --timeout 3 -o out/lab.img
        cmp image out/lab.img
        there lab.img lab.img.bmap lab.img.manifest.json.p7s
    done
    name=$(printf '%0240d' 1)
    fails 1 'manifest.json.p7s: writing: File name too long$' \
        mkbootmedia usb "${BOOT[@]}" --manifest "${SIGN[@]}" -o "out/$name"
    [ ! -e "out/$name" ]
    mkbootmedia usb "${BOOT[@]}" --manifest -o "out/${name:9}"
}

# Before each system call that changes a name: one image, and nothing of the other.
@test "killed at each change of a name" {
    local call n status of whole=0 old=0
    mkbootmedia usb "${BOOT[@]}" --bmap --manifest "${SIGN[@]}" -o out/lab.img
    mkdir before
    cp out/* before
    mkbootmedia usb "${BOOT[@]}" --timeout 3 --bmap --manifest "${SIGN[@]}" -o after.img
    for call in unlink rename; do
        n=0
        while :; do
            rm -rf out
            cp -r before out
            n=$((n + 1)) status=0
            strace -f -qq -e trace=$call -o trace -e inject=$call:signal=KILL:when=$n \
                "$TOP/build/mkbootmedia" usb "${BOOT[@]}" --timeout 3 --bmap --manifest "${SIGN[@]}" \
                -o out/lab.img || status=$?
            [ $status != 0 ] || break
            [ $status = 137 ]
            if cmp -s out/lab.img before/lab.img; then
                of=before/lab.img old=$((old + 1))
            else
                cmp out/lab.img after.img
                of=after.img whole=$((whole + 1))
            fi
            for suffix in bmap manifest.json manifest.json.p7s; do
                [ ! -e out/lab.img.$suffix ] || cmp out/lab.img.$suffix $of.$suffix
            done
        done
    done
    echo "$old old, $whole new"
    [ $old -ge 4 ]
    [ $whole -ge 3 ]
    there lab.img lab.img.bmap lab.img.manifest.json lab.img.manifest.json.p7s
}
