# What the bats files of the RAM root share beyond what the boots do too: the small tree as a tar, and
# runs of the program with it. `load ramroot_run` after `load ramroot`.

# small_source: the small tree in $SHARE/small, as it is and as a tar. For setup_file.
small_source() {
    export LC_ALL=C.UTF-8 SHARE=$BATS_FILE_TMPDIR
    export SOURCE_DATE_EPOCH=1700000000
    small_tree "$SHARE/small"
    find "$SHARE/small" -exec touch -hd @1690000000 {} +
    tar --owner=0 --group=0 -b 1 -C "$SHARE/small" -cf "$SHARE/small.tar" .
    # for runs as another user
    cp "$MKBOOTMEDIA" "$SHARE/program"
    chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$SHARE/program"
}

# room: folders for what goes in and what comes out. For setup.
room() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir in out
    chmod a+rx . in
    SMALL=$SHARE/small.tar
}

ramroot() { mkbootmedia ramroot -q "$@"; }

# refused STATUS REGEX ROOTFS [OPTION]...: with an older output in the way, in both modes, within a
# minute. A diagnostic is one line without control characters, whatever is in the archive.
refused() {
    local status=$1 regex=$2 rootfs=$3 mode
    shift 3
    echo 'an older output' >out/root.img
    for mode in tmpfs overlay; do
        fails "$status" "^mkbootmedia: $regex" timeout 60 "$MKBOOTMEDIA" ramroot "$rootfs" --mode $mode \
            "$@" -o out/root.img || return 1
        none grep -q $'[\e\r\b]' "$BATS_TEST_TMPDIR/.err" || return 1
        [ "$(ls -A out)" = root.img ] && [ "$(cat out/root.img)" = 'an older output' ] || return 1
    done
}

# made [OPTION]...: a RAM root of the small tree in out/root.img, with these options.
made() { ramroot "$SMALL" -o out/root.img "$@"; }
