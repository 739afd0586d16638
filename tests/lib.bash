# What the bats files share; each begins with `load lib`. The program under test is the one with
# the sanitizers. bats gives every test its own $BATS_TEST_TMPDIR and every file a $BATS_FILE_TMPDIR.

TOP=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
MKBOOTMEDIA=${MKBOOTMEDIA:-$TOP/build/san/mkbootmedia}
PATH=$PATH:/usr/sbin:/sbin
# The user's own cache of digests is left alone; that of tools/kernel is not.
export MKBOOTMEDIA_CACHE=${MKBOOTMEDIA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mkbootmedia}
export XDG_CACHE_HOME=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/cache

mkbootmedia() { "$MKBOOTMEDIA" "$@"; }

# The kernel that the tests boot.
kernel() { "$TOP/tools/kernel" | sed -n 1p; }

# noise SIZE [SEED]: incompressible bytes, the same ones every time.
noise() {
    head -c "$1" /dev/zero | openssl enc -aes-128-ctr -nosalt -pass "pass:${2:-1}" -pbkdf2
}

# initrd FILE SIZE [SEED]: a file that passes for an initramfs (gzip magic), SIZE bytes in all.
# As small as 1 byte, for the odd sizes.
initrd() {
    { printf '\x1f\x8b\x08\0\0\0\0\0\0\x03' && noise "$2" "${3:-1}"; } >"$1"
    truncate -s "$2" "$1"
}

# fails STATUS REGEX COMMAND...: exit STATUS, nothing on stdout, one line on stderr that matches. It is
# called so often that it starts nothing but the command.
fails() {
    local status=0 want=$1 regex=$2 out=$BATS_TEST_TMPDIR/.out err=$BATS_TEST_TMPDIR/.err lines
    shift 2
    "$@" >"$out" 2>"$err" </dev/null || status=$?
    local LC_ALL=C # names may be any bytes
    mapfile lines <"$err"
    echo "exit status $status, wanted $want; stdout:"
    [ ! -s "$out" ] || cat "$out"
    echo "stderr, wanted one line like $regex:"
    printf %s "${lines[@]}"
    [ "$status" = "$want" ] && [ ! -s "$out" ] && [ ${#lines[@]} = 1 ] &&
        [[ ${lines[0]} = *$'\n' && ${lines[0]%$'\n'} =~ $regex ]]
}

# none COMMAND...: fails if the command succeeds. (`! command` is nothing to bats: set -e ignores it.)
none() {
    if "$@"; then return 1; fi
}

# partition IMAGE TYPE: prints start and size in bytes of the first partition of that GPT type.
# The dump of sfdisk counts in sectors, 512 bytes in all our images.
partition() {
    sfdisk --dump "$1" | sed -n 's/.*start= *\([0-9]*\), size= *\([0-9]*\), type='"$2"'.*/\1 \2/Ip' |
        head -n 1 | while read -r start size; do echo "$((start * 512)) $((size * 512))"; done
}

# shellcheck disable=SC2034 # each is used by some bats file
ESP=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
# shellcheck disable=SC2034
BIOS_BOOT=21686148-6449-6E6F-744E-656564454649

# esp IMAGE: the name under which mtools knows its ESP (mdir -i "$(esp lab.img)" ::/).
esp() {
    local start size
    read -r start size < <(partition "$1" "$ESP") || return 1
    echo "$1@@$start"
}

