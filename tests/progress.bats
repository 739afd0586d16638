#!/usr/bin/env bats
# How far the writing is: a bar on a terminal for what takes over a second, JSON lines with --json,
# nothing in a pipe. A reader that waits makes any work take that long.

bats_require_minimum_version 1.5.0
load lib

setup() {
    cd "$BATS_TEST_TMPDIR"
    kernel=$(kernel)
    cp "$kernel" vmlinuz
    initrd initrd.img 3000000
    COMMAND="$MKBOOTMEDIA usb -k vmlinuz -i initrd.img"
}

@test "a bar on a terminal, gone at the end" {
    script -qec "$COMMAND -o - | (sleep 2; cat >out.img)" typescript >/dev/null </dev/null
    tr '\r' '\n' <typescript >lines
    grep -qE '^- \[#+\.*\] +[0-9]+%  [0-9]+ MiB/s  [0-9]+ s left' lines
    grep -qE '\[#{32}\] 100%' lines
    sfdisk --verify out.img
}

@test "no bar for what is quick, none in a pipe, none with -q" {
    script -qec "$COMMAND -o quick.img" typescript >/dev/null </dev/null
    none grep -q '%' typescript
    $COMMAND -o - 2>err | (sleep 2 && cat >out.img)
    [ ! -s err ]
    cmp quick.img out.img
    script -qec "$COMMAND -q -o - | (sleep 2; cat >out.img)" typescript >/dev/null </dev/null
    none grep -q '%' typescript
}

@test "JSON lines on stderr, the document on stdout" {
    $COMMAND --json -o out.img >document 2>lines
    jq -e '.size > 0 and .output == "out.img"' document
    jq -es 'length > 0 and all(.[]; .progress.done <= .progress.total) and
        .[-1].progress.done == .[-1].progress.total' lines
}

@test "a message removes the bar first" {
    script -qec "$COMMAND -o - | (sleep 2; head -c 5000000 >/dev/null)" typescript >/dev/null </dev/null
    tr '\r' '\n' <typescript >lines
    grep -qE '%' lines
    grep -qE $'^(\e\\[K)?mkbootmedia: standard output: writing: Broken pipe' lines
}

# net: also what is already in place counts, and the hosts' files that are made meanwhile.
@test "a tree, with more in its hosts than in its payload" {
    { printf 'url = "http://10.0.0.1/boot"\nentry a { kernel = "vmlinuz" initrd = "initrd.img" }\n'
        printf 'host "02:00:00:00:%02x:%02x" { cmdline = "a" }\n' $(for i in {0..2999}; do
            echo $((i / 256)) $((i % 256)); done); } >lab.conf
    for run in first second; do
        "$MKBOOTMEDIA" net --json --no-sync -f lab.conf -o net >document 2>lines
        jq -e '.medium == "net"' document
        jq -es 'length > 0 and all(.[]; .progress.done <= .progress.total)' <(grep '^{' lines)
        rm net/hosts/*.cfg net/payload/*/vmlinuz # so that the next run has something to do
    done
    # slow enough for a bar
    script -qec "taskset 1 nice $MKBOOTMEDIA net -f lab.conf --no-sync -o other" typescript >/dev/null </dev/null
    none grep -qE '[0-9]{4,}%|#{33}' typescript
}
