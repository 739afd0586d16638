#!/usr/bin/env bats
# rootload, the program of the first stage, where it needs no machine of its own. What it does with
# images is in tests/lab.

load lib

setup() {
    rootload=$TOP/build/firststage/rootload
    mkdir -p "$BATS_TEST_TMPDIR/root/bin"
    cd "$BATS_TEST_TMPDIR/root"
}

# refused PROGRAM WHY
refused() {
    run "$rootload" runnable --into . "$1"
    echo "$output"
    [ "$status" = 1 ]
    [[ $output == *"$2"* ]]
}

@test "a program whose loader is not in the root is none that starts" {
    cp /bin/true bin/init
    refused /bin/init '/lib64/ld-linux-x86-64.so.2: looking for it: No such file'
    mkdir lib64
    cp -L /lib64/ld-linux-x86-64.so.2 lib64/
    "$rootload" runnable --into . /bin/init
    chmod -x lib64/*
    refused /bin/init '/lib64/ld-linux-x86-64.so.2: not a program'
}

@test "a static program is one that starts, and so is a link to it, as links are in the root" {
    cp /bin/busybox bin/
    ln -s /bin/busybox bin/init
    "$rootload" runnable --into . /bin/init
    ln -sf /bin/nothing bin/init
    refused /bin/init '/bin/init: looking for it: No such file'
}

@test "a script starts when its interpreter is there" {
    printf '#! /bin/sh -e\necho\n' >bin/init
    chmod +x bin/init
    refused /bin/init '/bin/sh: looking for it: No such file'
    cp /bin/busybox bin/sh
    "$rootload" runnable --into . /bin/init
}

@test "what is for another machine, damaged or no program at all does not start" {
    cp /bin/busybox bin/init
    printf '\xb7' | dd of=bin/init bs=1 seek=18 conv=notrunc status=none # e_machine: AArch64
    refused /bin/init '/bin/init: not for x86-64'
    head -c 100 /bin/busybox >bin/init
    refused /bin/init '/bin/init: damaged'
    printf 'echo\n' >bin/init
    refused /bin/init '/bin/init: neither ELF nor a script'
    : >bin/init
    refused /bin/init '/bin/init: neither ELF nor a script'
    chmod -x bin/init
    refused /bin/init '/bin/init: not a program'
    refused /bin '/bin: not a program'
}

@test "a command is run so that Ctrl-C can end it, whatever is ignored" {
    run bash -c "trap '' INT; exec '$rootload' run sh -c 'kill -INT \$\$; echo alive'"
    [ "$status" = 130 ]
    [ -z "$output" ]
    run "$rootload" run /nothing/here
    [ "$status" = 1 ]
    [[ $output == *'/nothing/here: starting: No such file'* ]]
}
