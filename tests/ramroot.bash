# What the tests of the RAM root share: trees, odd and hostile archives, and looking into what was
# made. `load ramroot` after `load lib`; the boots source it too.

# kernel_version: of the kernel that the tests boot.
kernel_version() { "$TOP/tools/kernel" | sed -n '2s,.*/,,p'; }

# modules_to TREE NAME...: these modules of the kernel, all that they need, and its list of what is
# built in, in TREE/lib/modules.
modules_to() {
    local tree=$1 from version file name more
    local -A files=()
    shift
    from=$("$TOP/tools/kernel" | sed -n 2p)
    version=${from##*/}
    mkdir -p "$tree/lib/modules/$version"
    cp "$from"/modules.{builtin,builtin.modinfo,order} "$tree/lib/modules/$version/"
    while IFS= read -r file; do
        name=${file##*/} name=${name%.ko}
        files[${name//-/_}]=$file
    done < <(cd "$from" && find kernel -name '*.ko')
    while [ $# -gt 0 ]; do
        file=${files[${1//-/_}]-}
        if [ -n "$file" ] && [ ! -e "$tree/lib/modules/$version/$file" ]; then
            (cd "$from" && cp --parents -t "$tree/lib/modules/$version" "$file")
            IFS=, read -ra more < <(modinfo -F depends "$from/$file")
            set -- "$@" "${more[@]}"
        elif [ -z "$file" ] && ! grep -q "/${1//_/[-_]}\.ko" "$from/modules.builtin"; then
            echo "modules_to: $1: no such module" >&2
            return 1
        fi
        shift
    done
}

# small_tree FOLDER: a root file system of BusyBox with the tests' kernel and the modules of mode
# overlay: everything that is asked of a tree, in ten megabytes. It is not merged: lib and usr/lib
# are two folders. The kernel's configuration is beside it, as in every distribution: else the
# program would unpack the kernel each time to look for it there.
small_tree() {
    local tree=$1 program
    mkdir -p "$tree"/{bin,boot,dev,etc/ssh,lib,mnt,proc,root,run,sbin,sys,tmp,usr/bin,usr/lib,var/log}
    chmod 1777 "$tree/tmp"
    cp "$("$TOP/tools/kernel" | sed -n 1p)" "$tree/boot/vmlinuz-$(kernel_version)"
    printf 'CONFIG_%s=y\n' RD_GZIP RD_XZ RD_ZSTD SQUASHFS_ZLIB SQUASHFS_XZ SQUASHFS_ZSTD \
        >"$tree/boot/config-$(kernel_version)"
    modules_to "$tree" loop squashfs overlay
    cp "$(command -v busybox)" "$tree/bin/busybox"
    for program in sh ls cat mount umount mkdir poweroff reboot getty login stty hostname unshare sync; do
        ln -s busybox "$tree/bin/$program"
    done
    ln -s ../bin/busybox "$tree/sbin/init"
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' >"$tree/etc/passwd"
    printf 'root:*:19000:0:99999:7:::\nnobody:*:19000::::::\n' >"$tree/etc/shadow"
    chmod 640 "$tree/etc/shadow"
    printf 'root:x:0:\nshadow:x:42:\n' >"$tree/etc/group"
    printf '/dev/sda1 / ext4 defaults 0 1\ntmpfs /tmp tmpfs mode=1777 0 0\n' >"$tree/etc/fstab"
    echo template >"$tree/etc/hostname"
    printf '127.0.0.1 localhost\n127.0.1.1 template\n' >"$tree/etc/hosts"
}

# member NAME TYPE [LINK [CONTENT]]: a member of a tar, as bytes: TYPE 0 file, 1 hard link, 2 symbolic
# link, 5 folder. Nothing is checked: names may be hostile. SIZE= in the environment lies about it.
member() {
    perl -e '
        my ($name, $type, $link, $content) = (@ARGV, "", "");
        my $size = $ENV{SIZE} // length $content;
        my $octal = $size < 8 ** 11 ? sprintf "%011o\0", $size
            : pack "CxxxQ>", 0x80, $size;                       # base 256
        my $head = pack "a100 a8 a8 a8 a12 a12 a8 a1 a100 a6 a2 a32 a32 a8 a8 a155 x12", $name,
            $type eq "5" ? "0000755\0" : "0000644\0", "0000000\0", "0000000\0", $octal,
            "14000000000\0", " " x 8, $type, $link, "ustar\0", "00", "", "", "0000000\0", "0000000\0", "";
        substr $head, 148, 8, sprintf "%06o\0 ", unpack "%32C*", $head;
        print $head, $content, "\0" x (-length($content) % 512);
    ' -- "$@"
}

# with_members TAR OUT COMMAND...: a tar with what the command prints behind its last member.
with_members() {
    local tar=$1 out=$2
    shift 2
    head -c -1024 "$tar" >"$out" # of a tar that was made with -b 1
    "$@" >>"$out"
    head -c 1024 /dev/zero >>"$out"
}

# zeros GIBIBYTES: so many, compressed by zstd: frames of one gibibyte, one behind the other.
zeros() {
    local frame=$BATS_FILE_TMPDIR/.zeros.zst i
    [ -e "$frame" ] || head -c 1G /dev/zero | zstd -q -1 >"$frame"
    for ((i = 0; i < $1; i++)); do cat "$frame"; done
}

# root_place FILE: where in it, and how many bytes, the root image is: the member root.img of an
# uncompressed cpio.
root_place() {
    perl -e '
        open my $in, "<:raw", $ARGV[0] or die "$ARGV[0]: $!\n";
        for (my ($at, $block) = (0); sysseek($in, $at, 0), sysread $in, $block, 1 << 16; $at += (1 << 16) - 256) {
            while ($block =~ /07070[12]([0-9a-fA-F]{104})root\.img\0/g) {
                my $start = $at + $-[0];
                my @field = map { hex } unpack "(A8)13", $1;
                next if $start % 4;
                # behind 110 of header and the name, padded to 4
                print $start + (110 + $field[11] + 3 & ~3), " $field[6]\n";
                exit 0;
            }
            last if length $block < 1 << 16;
        }
        die "$ARGV[0]: no root image is in it\n";
    ' -- "$1"
}

# root_image INITRAMFS: the root image that is in it.
root_image() {
    local place
    place=$(root_place "$1") || return
    dd if="$1" bs=1M iflag=skip_bytes,count_bytes skip="${place% *}" count="${place#* }" status=none
}

# unpacked INITRAMFS FOLDER: the root image's files, as other programs read it. Needs root for what
# only root may make.
unpacked() {
    local image=$2.image
    root_image "$1" >"$image" || return
    rm -rf "$2"
    case $(head -c 4 "$image") in
    hsqs) unsquashfs -quiet -no-progress -dest "$2" "$image" >/dev/null ;;
    *) mkdir "$2" && plain "$image" |
        tar --warning=no-unknown-keyword --xattrs --xattrs-include='*' --acls --numeric-owner -xpf - -C "$2" ;;
    esac
    rm -f "$image"
}

# loaded INITRAMFS FOLDER: the same of mode tmpfs, as the first stage unpacks it.
loaded() {
    local image=$2.image format
    root_image "$1" >"$image" || return
    rm -rf "$2"
    mkdir "$2"
    case $(head -c 4 "$image" | od -An -tx1 | tr -d ' ') in
    28b52ffd) format=zstd ;;
    fd377a58) format=xz ;;
    1f8b*) format=gzip ;;
    *) format=none ;;
    esac
    "$TOP/build/firststage/rootload" unpack --size "$(stat -c %s "$image")" --compress $format \
        --sha256 "$(sha256sum <"$image" | cut -d ' ' -f 1)" --into "$2" "$image" >/dev/null
    rm -f "$image"
}

# stage_file INITRAMFS PATH: a file of the first stage, which stands before the root image, behind the
# archive with its configuration.
stage_file() {
    local at
    at=$(perl -e '
        open my $in, "<:raw", $ARGV[0] or die "$ARGV[0]: $!\n";
        sysread $in, my $block, 1 << 16;
        $block =~ /(?:\x28\xb5\x2f\xfd|\xfd7zXZ\0|\x1f\x8b\x08)/ or die "$ARGV[0]: no first stage\n";
        print $-[0];
    ' "$1") || return
    tail -c "+$((at + 1))" "$1" >"$BATS_TEST_TMPDIR/.stage"
    { plain "$BATS_TEST_TMPDIR/.stage" 2>/dev/null || :; } | bsdtar -xOf - "$2" # what is behind it is no zstd
}

# with_extra INITRAMFS FOLDER: gives what was unpacked there what its image could not hold.
with_extra() {
    stage_file "$1" etc/mkbootmedia.extra >"$2.extra" &&
        "$TOP/build/firststage/rootload" extra --into "$2" "$2.extra"
}

# plain FILE: its bytes without their compression.
plain() {
    case $(head -c 4 "$1" | od -An -tx1 | tr -d ' ') in
    28b52ffd) zstd -dc "$1" ;;
    fd377a58) xz -dc "$1" ;;
    1f8b*) gzip -dc "$1" ;;
    *) cat "$1" ;;
    esac
}

# in_image INITRAMFS PATH: the content of one file of the root image.
in_image() {
    root_image "$1" >"$BATS_TEST_TMPDIR/.image" || return
    case $(head -c 4 "$BATS_TEST_TMPDIR/.image") in
    hsqs) unsquashfs -cat "$BATS_TEST_TMPDIR/.image" "$2" ;;
    *) # of a path that is there twice the later is what counts
        rm -rf "$BATS_TEST_TMPDIR/.file" && mkdir "$BATS_TEST_TMPDIR/.file" &&
            plain "$BATS_TEST_TMPDIR/.image" | bsdtar -xf - -C "$BATS_TEST_TMPDIR/.file" "$2" &&
            cat "$BATS_TEST_TMPDIR/.file/$2"
        ;;
    esac
}

# listed INITRAMFS [PATH]: type, mode, owner of each file of the root image, or of one.
listed() {
    root_image "$1" >"$BATS_TEST_TMPDIR/.image" || return
    {
        case $(head -c 4 "$BATS_TEST_TMPDIR/.image") in
        hsqs) unsquashfs -lln "$BATS_TEST_TMPDIR/.image" | sed 's, squashfs-root/, ,' ;;
        *) plain "$BATS_TEST_TMPDIR/.image" | tar --warning=no-unknown-keyword --numeric-owner -tvf - ;;
        esac
    } | awk -v path="${2-}" '{ $3 = $4 = $5 = ""; sub(/^\.\//, "", $6) } !path || $6 == path || $6 == path "/" {
        sub(/\+$/, "", $1); gsub(/  +/, " "); print }'
}

tree_digest() { "$TOP/tests/lab/rootfs/usr/local/sbin/tree-digest" "$@"; }
