#!/usr/bin/env bats
# kill -9 before every system call by which a run changes the tree: what is there then boots, and the
# next run gives the tree that an undisturbed run gives. What is killed is the program without the
# sanitizers, which have nothing to say any more then; the next run is with them.

bats_require_minimum_version 1.5.0
load lib
load tree

PLAIN=$TOP/build/mkbootmedia

# What changes a file system.
CALLS='mkdir mkdirat rename renameat link linkat unlink unlinkat rmdir syncfs fsync ftruncate pwrite64'

setup_file() {
    export SHARE=$BATS_FILE_TMPDIR
    lab "$SHARE/lab"
    cp -r "$SHARE/lab" "$SHARE/lab2"
    # an update that adds, changes and drops a bit of everything
    sed -i 's/timeout *= 7/timeout = 8/; s/"single"/"double"/; s|^add.*|add = "notes.txt:/new/notes.txt"|
        $a host "02:00:00:00:00:04" { files = "notes.txt:/etc/notes" }
        /^hosts/d' "$SHARE/lab2/lab.conf"
    tiny_kernel "$SHARE/lab2/vmlinuz" 77
    echo 'another key' >"$SHARE/lab2/node1.key"
    # two generations before, so that the update collects one
    tiny_kernel "$SHARE/kernel.0" 99
    "$MKBOOTMEDIA" net -q -f "$SHARE/lab/lab.conf" -k "$SHARE/kernel.0" --keep 2 -o "$SHARE/old"
    "$MKBOOTMEDIA" net -q -f "$SHARE/lab/lab.conf" --keep 2 -o "$SHARE/old"
    cp -a "$SHARE/old" "$SHARE/new"
    "$MKBOOTMEDIA" net -q -f "$SHARE/lab2/lab.conf" --keep 2 -o "$SHARE/new"
    settled "$SHARE"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    UPDATE=(net -q -f "$SHARE/lab2/lab.conf" --keep 2)
}

# points COMMAND...: "CALL N" for each call of a run that changes something below the current folder;
# a fourth of those that only write to files that nobody sees yet, half of renames and links
points() {
    local call
    strace -y -o points -e trace="${CALLS// /,}" "$PLAIN" "$@" -o net
    for call in $CALLS; do
        grep "^$call(" points | grep -nE "$PWD|^[0-9]+:(rename|mkdir|rmdir|unlink)\(" |
            sed "s/^\([0-9]*\):.*/$call \1/" |
            case $call in pwrite64 | ftruncate) sed -n '2~4p' ;; renameat | linkat) sed -n '1~2p' ;; *) cat ;; esac
    done
}

# killed CALL N COMMAND...: runs it until just before its Nth call of CALL
killed() {
    local call=$1 n=$2 status=0
    shift 2
    strace -o /dev/null -e trace="$call" -e "inject=$call:signal=KILL:when=$n" \
        "$PLAIN" "$@" -o net 2>/dev/null || status=$?
    [ $status = 137 ]
} 2>/dev/null # bash says "Killed"

# scripts TREE: digest and path of all that names payload, and of the other files that clients ask for
scripts() { "$TOP/tests/tree.pl" scripts "$1"; }

# both OLD NEW: makes the lists that `either` wants: what may be there, the paths that must be
both() {
    scripts "$1" >old.scripts
    scripts "$2" >new.scripts
    sort -u old.scripts new.scripts >may
    comm -12 <(cut -c 67- old.scripts | sort) <(cut -c 67- new.scripts | sort) >must
}

# either: each file of net/ is one of the old tree or one of the new, and none that both have is
# missing; the payload that its scripts name is whole
either() { "$TOP/tests/tree.pl" either net may must; }

# kills AT-LEAST NEW COMMAND...: over all points, or each $every-th: begin makes the tree before, check looks at what a
# kill has left; the same command then brings NEW
kills() {
    local least=$1 new=$2 call n count=0
    shift 2
    whole "$new"
    served "$new" >wanted
    begin
    points "$@" >list
    diff wanted <(served net)
    while read -r call n; do
        begin
        killed "$call" "$n" "$@" || { echo "$call $n: not killed" && return 1; }
        count=$((count + 1))
        check || { echo "after a kill before $call $n" && return 1; }
        mkbootmedia "$@" --no-sync -o net 2>err && diff wanted <(served net) && tidy ||
            { cat err && echo "the run after a kill before $call $n" && return 1; }
    done < <(sed -n "1~${every-1}p" list)
    echo "$count kills"
    [ $count -ge "$least" ]
}

# Nothing is left beside the tree, nor of what was staged.
tidy() {
    local left=(.*.mkbootmedia net/.mkbootmedia/new net/.mkbootmedia/*journal)
    [[ ${left[*]} == '.*.mkbootmedia net/.mkbootmedia/new net/.mkbootmedia/*journal' && ! -e ${left[1]} ]]
}

@test "an update that is killed" {
    begin() { rm -rf net && cp -a "$SHARE/old" net; }
    check() { either; }
    both "$SHARE/old" "$SHARE/new"
    kills 40 "$SHARE/new" "${UPDATE[@]}"
}

@test "a first run that is killed: nothing is there, or all of it" {
    net -f "$SHARE/lab2/lab.conf" -o expected
    begin() { rm -rf net; }
    check() { [ ! -e net ] || diff wanted <(served net); }
    every=3 kills 10 expected "${UPDATE[@]}"
}

@test "a first run into an empty folder that is killed" {
    net -f "$SHARE/lab2/lab.conf" -o expected
    mkdir none
    begin() { rm -rf net && mkdir net; }
    check() { either; }
    both none expected
    every=4 kills 10 expected "${UPDATE[@]}"
}

@test "a way back that is killed: the next run goes on from either end" {
    local call n count=0
    cp -a "$SHARE/new" back
    mkbootmedia net -q --rollback -o back
    both "$SHARE/new" back
    rm -rf net && cp -a "$SHARE/new" net
    points net -q --rollback >list
    diff <(served back) <(served net)
    while read -r call n; do
        rm -rf net && cp -a "$SHARE/new" net
        killed "$call" "$n" net -q --rollback || { echo "$call $n: not killed" && return 1; }
        count=$((count + 1))
        either
        # a run with what the newer generation says brings that one
        mkbootmedia "${UPDATE[@]}" --no-sync -o net
        diff new.scripts <(scripts back) >/dev/null
        diff old.scripts <(scripts net) || { echo "after $call $n" && return 1; }
        payload_whole net
    done <list
    [ $count -ge 10 ]
}

@test "a way back that is killed and asked for again goes back once" {
    local call n
    for timeout in 11 12 13; do net -f "$SHARE/lab/lab.conf" -o old --timeout $timeout; done
    for call in 'renameat 1' 'renameat 2' 'renameat 3' 'renameat 4' 'renameat 5'; do
        rm -rf net
        cp -a old net
        # shellcheck disable=SC2086
        killed $call net -q --rollback || continue
        mkbootmedia net -q --rollback -o net
        grep -qx 'set wait 12000' net/boot.ipxe || { echo "after $call" && return 1; }
        whole net
    done
}

@test "killed twice, and then with yet another spec" {
    local n
    both "$SHARE/old" "$SHARE/new"
    for n in 1 4 7 10; do
        rm -rf net
        cp -a "$SHARE/old" net
        killed renameat "$n" "${UPDATE[@]}"
        killed renameat 2 "${UPDATE[@]}" || true # while it ends what the first has begun
        either
        mkbootmedia "${UPDATE[@]}" -o net --timeout 9
        whole net
        [ "$(grep -c 'set wait 9000' net/boot.ipxe)" = 1 ]
        mkbootmedia "${UPDATE[@]}" -o net
        diff new.scripts <(scripts net)
        whole net
    done
}

@test "a large initramfs: killed whenever" {
    local i pid
    cp -r "$SHARE/lab" lab
    initrd lab/initrd.img 60000000 7
    cp -a "$SHARE/old" expected
    net -f lab/lab.conf --keep 2 -o expected
    both "$SHARE/old" expected
    for i in 1 2 3 4 5 6; do
        rm -rf net
        cp -a "$SHARE/old" net
        "$MKBOOTMEDIA" net -q -f lab/lab.conf --keep 2 -o net &
        pid=$!
        sleep "0.$((i * 12 + 10))"
        kill -KILL $pid 2>/dev/null || true
        wait $pid || true
        either
    done
    net -f lab/lab.conf --keep 2 -o net
    diff <(served expected) <(served net)
    whole net
}
