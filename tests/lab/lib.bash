# What the lab's files of boots share; each sources it first: what is booted, machines at a time,
# a TAP line for each. Nothing is retried.
#
#   MKBOOTMEDIA=PROGRAM   what makes the media (build/san/mkbootmedia)
#   LAB_CELLS=REGEX       only the cells whose line in the table matches, e.g. 'secureboot .*'
#   LAB_JOBS=N            machines at a time (2)
#   LAB_KEEP=DIR          media and serial logs stay there
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=$(realpath -m "${MKBOOTMEDIA:-$top/build/san/mkbootmedia}")
work=$(realpath -m "${LAB_KEEP:-$(mktemp -d)}")
PATH=$PATH:/usr/sbin:/sbin
mkdir -p "$work"

stop() {
    # shellcheck disable=SC2046 # a word per cell: its whole process group
    kill -- $(jobs -p | sed 's/^/-/') 2>/dev/null
    wait
    [ -n "${LAB_KEEP-}" ] || rm -rf "$work"
}
trap stop EXIT
trap 'exit 1' INT TERM HUP

bail() {
    echo "Bail out! $*"
    exit 1
}

# What the media are made of. A cell may change it before it calls medium.
find_payload() {
    kernel=$("$top/tools/kernel" | sed -n 1p)
    [ -r "$kernel" ] || bail "no kernel to boot"
    sha256=$("$top/tests/lab/initramfs" "$work/initramfs") || bail "no initramfs to boot"
    initrds=("$work/initramfs")
    timeout=1
}

# medium usb|iso|net OUT [OPTION...]; OUT '': the options say where it goes
medium() {
    local kind=$1 out=$2 arguments=()
    shift 2
    for initrd in "${initrds[@]}"; do
        arguments+=(-i "$initrd")
    done
    # shellcheck disable=SC2016 # the guest shall see the dollar sign
    "$program" "$kind" -k "$kernel" "${arguments[@]}" --timeout "$timeout" \
        --cmdline 'lab=cell quoted="a b" dollar=$x' \
        --console ttyS0,115200 --console tty0 "$@" ${out:+-o "$out"}
}

# What a good serial log holds, a line each; every line is looked for as a whole.
expected() {
    cat <<END
LAB-WORD lab=cell
LAB-WORD quoted=a b
LAB-WORD dollar=\$x
LAB-SHA256 $sha256
LAB-FIRMWARE $1
LAB-SECUREBOOT $2
LAB-DONE
END
}

# faults LOG LAB-FIRMWARE LAB-SECUREBOOT: prints what is wrong with a log, a line each.
faults() {
    local log=$1 line
    while IFS= read -r line; do
        grep -qxF -- "$line" "$log" || echo "missing: $line"
    done < <(expected "$2" "$3")
    grep -q '^LAB-CMDLINE \(.* \)\{0,1\}console=ttyS0,115200 console=tty0\( \|$\)' "$log" ||
        echo "missing: LAB-CMDLINE with console=ttyS0,115200 console=tty0 in this order"
}

# boot LOG OPTION... IMAGE: runs a machine (tests/lab/qemu); prints what it could not wait for.
boot() {
    local log=$1 status=0
    shift
    : >"$log.raw"
    "$top/tests/lab/qemu" --log "$log.raw" "$@" 2>&1 || status=$?
    tr -d '\r' <"$log.raw" >"$log" 2>/dev/null
    return "$status"
}

# report NAME FAULTS LOG: the TAP line of a cell, in one write so that two cells do not mix.
report() {
    if [ -z "$2" ]; then
        echo "ok - $1"
    else
        printf '%s\n' "not ok - $1
# ${2//$'\n'/$'\n'# }
# the end of its serial line:
$(tail -n 30 "$3" 2>&1 | tr -cd '\n\40-\176' | sed 's/^/#   /')"
    fi
}

# run_cells COMMAND <TABLE: calls it with the words of each line, some lines at a time.
run_cells() {
    local count words
    grep -E "${LAB_CELLS:-.}" | grep -v '^ *$' | tr -s ' ' >"$work/cells"
    count=$(wc -l <"$work/cells")
    [ "$count" -gt 0 ] || bail "no cell matches ${LAB_CELLS-}"
    echo "1..$count"
    set -m # a process group for each cell
    while read -ra words; do
        while [ "$(jobs -rp | wc -l)" -ge "${LAB_JOBS:-2}" ]; do
            wait -n
        done
        "$@" "${words[@]}" </dev/null &
    done <"$work/cells"
    wait
}
