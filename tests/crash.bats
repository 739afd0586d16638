#!/usr/bin/env bats
# Runs that are killed, interrupted, crowded or cut off: under the output's name there is the older
# output or the whole new one, and the next run leaves nothing else behind.

bats_require_minimum_version 1.5.0
load lib

setup_file() {
    export SHARE=$BATS_FILE_TMPDIR
    kernel=$(kernel)
    cp "$kernel" "$SHARE/vmlinuz"
    initrd "$SHARE/large.img" 300000000
    initrd "$SHARE/small.img" 100000
    "$MKBOOTMEDIA" usb -k "$SHARE/vmlinuz" -i "$SHARE/large.img" -o "$SHARE/usb"
    "$MKBOOTMEDIA" iso -k "$SHARE/vmlinuz" -i "$SHARE/large.img" -o "$SHARE/iso"
    seq 100000 >"$SHARE/old" # what is to be replaced
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    mkdir out
    cp "$SHARE/old" out/new.img
    LARGE=(-k "$SHARE/vmlinuz" -i "$SHARE/large.img" -o out/new.img)
    SMALL=(-k "$SHARE/vmlinuz" -i "$SHARE/small.img")
    DRAFT=out/.new.img.mkbootmedia
}

# The older output as it was, or the new one as it is when nothing disturbs.
old_or_whole() {
    cmp -s out/new.img "$SHARE/old" || cmp "out/new.img" "$SHARE/$1"
}

only_the_output() { [ "$(ls -A out)" = new.img ]; }

# kill_at SECONDS COMMAND: starts it, kills it then; succeeds if it was still running
kill_at() {
    "$MKBOOTMEDIA" "$2" "${LARGE[@]}" &
    local pid=$! status=0
    sleep "$1"
    kill -KILL $pid 2>/dev/null
    wait $pid || status=$?
    [ $status = 137 ]
}

# kills COMMAND: 20 times, spread over the time that a run takes
kills() {
    local start now took=1000000000000 killed=0 drafts=0 i
    for i in 1 2 3; do # the shortest: a run that waits for other writers would be killed too late
        sync
        start=$(date +%s%N)
        mkbootmedia "$1" "${LARGE[@]}"
        now=$(date +%s%N)
        [ $((now - start)) -gt $took ] || took=$((now - start))
    done
    cmp out/new.img "$SHARE/$1"
    for i in {1..20}; do
        cp "$SHARE/old" fresh && mv fresh out/new.img
        if kill_at "$(awk "BEGIN {print $took / 1e9 * $i / 20}")" "$1"; then
            killed=$((killed + 1))
        fi
        if [ -e "$DRAFT" ]; then
            drafts=$((drafts + 1))
        fi
        old_or_whole "$1"
        [ -z "$(ls -A out | grep -vx -e new.img -e "${DRAFT#out/}")" ]
    done
    echo "a run takes $((took / 1000000)) ms; $killed runs were killed, $drafts left a temporary file"
    [ $killed -ge 10 ]
    [ $drafts -ge 3 ]
    mkbootmedia "$1" "${LARGE[@]}"
    cmp out/new.img "$SHARE/$1"
    only_the_output
}

@test "kill -9 at 20 points of a usb run" { kills usb; }

@test "kill -9 at 20 points of an iso run" { kills iso; }

@test "what a killed run has left is cleaned by a smaller one and by another medium" {
    head -c 400000000 /dev/zero >"$DRAFT"
    mkbootmedia iso "${SMALL[@]}" -o out/new.img
    only_the_output
    mkbootmedia iso "${SMALL[@]}" -o other.img
    cmp other.img out/new.img
}

# signalled COMMAND SIGNAL...: sent when the temporary file is being written
signalled() {
    local command=$1 signal pid status
    shift
    for signal; do
        env --default-signal "$MKBOOTMEDIA" "$command" "${LARGE[@]}" &
        pid=$! status=0
        until [ -s "$DRAFT" ] || ! kill -0 $pid; do sleep 0.005; done
        kill -"$signal" $pid
        wait $pid || status=$?
        echo "$signal: $status"
        [ $status = $((128 + $(kill -l "$signal"))) ]
        cmp out/new.img "$SHARE/old"
        only_the_output
    done
}

@test "SIGINT, SIGTERM, SIGHUP remove the temporary file" {
    signalled usb INT TERM HUP
    signalled iso INT TERM HUP
}

@test "a signal that was ignored stays ignored (nohup)" {
    env --ignore-signal=HUP "$MKBOOTMEDIA" iso "${LARGE[@]}" &
    local pid=$!
    until [ -s "$DRAFT" ] || ! kill -0 $pid; do sleep 0.005; done
    kill -HUP $pid
    wait $pid
    cmp out/new.img "$SHARE/iso"
    only_the_output
}

@test "two runs at once for the same output" {
    local i first second
    for i in 1 2 3 4 5; do
        cp "$SHARE/old" out/new.img
        "$MKBOOTMEDIA" usb "${LARGE[@]}" 2>err.1 &
        first=$!
        sleep "0.0$((i * 2))"
        "$MKBOOTMEDIA" iso "${LARGE[@]}" 2>err.2 &
        second=$!
        local status_1=0 status_2=0
        wait $first || status_1=$?
        wait $second || status_2=$?
        cat err.1 err.2
        [ $((status_1 + status_2)) -le 1 ]
        [ "$status_1" = 0 ] || grep -qx 'mkbootmedia: out/new.img: writing: another mkbootmedia is writing it' err.1
        [ "$status_2" = 0 ] || grep -qx 'mkbootmedia: out/new.img: writing: another mkbootmedia is writing it' err.2
        cmp -s out/new.img "$SHARE/usb" || cmp out/new.img "$SHARE/iso"
        only_the_output
    done
}

@test "runs for different outputs in one folder do not meet" {
    local pids=() i
    for i in 1 2 3 4; do
        "$MKBOOTMEDIA" iso "${SMALL[@]}" -o "out/$i.img" &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i"; done
    for i in 2 3 4; do cmp out/1.img out/$i.img; done
    [ "$(ls -A out | wc -l)" = 5 ]
}

@test "an output that is a symbolic link stays one" {
    mkdir far
    cp "$SHARE/old" far/real.img
    ln -s ../far/real.img out/link.img
    mkbootmedia usb "${SMALL[@]}" -o out/link.img
    [ "$(readlink out/link.img)" = ../far/real.img ]
    mkbootmedia usb "${SMALL[@]}" -o plain.img
    cmp plain.img far/real.img
    [ "$(ls -A far)" = real.img ]
    [ "$(ls -A out)" = "link.img
new.img" ]
}

@test "a file that is open for reading keeps its old bytes" {
    exec 7<out/new.img
    mkbootmedia iso "${SMALL[@]}" -o out/new.img
    cmp "$SHARE/old" <(cat <&7)
    exec 7<&-
}

@test "-o - writes the same bytes as a file" {
    for command in usb iso; do
        mkbootmedia $command "${LARGE[@]:0:4}" -o - | cmp - "$SHARE/$command"
    done
    only_the_output
}

@test "-o - into a pipe that nobody reads is an error" {
    for command in usb iso; do
        # shellcheck disable=SC2016
        fails 1 '^mkbootmedia: standard output: writing: Broken pipe$' \
            bash -c '"$@" | true; exit ${PIPESTATUS[0]}' sh "$MKBOOTMEDIA" $command "${SMALL[@]}" -o -
        fails 1 '^mkbootmedia: standard output: writing: Broken pipe$' \
            bash -c '"$@" | head -c 1000000 >/dev/null; exit ${PIPESTATUS[0]}' sh \
            "$MKBOOTMEDIA" $command "${SMALL[@]}" -o -
    done
}

@test "an input that becomes shorter meanwhile is an error" {
    cp "$SHARE/large.img" shrinks.img
    "$MKBOOTMEDIA" iso -k "$SHARE/vmlinuz" -i shrinks.img -o - 2>err | {
        head -c 30000000 >/dev/null
        truncate -s 100M shrinks.img
        cat >/dev/null
    }
    [ "${PIPESTATUS[0]}" = 1 ]
    [ "$(cat err)" = 'mkbootmedia: shrinks.img: reading: the file has become shorter' ]
}
