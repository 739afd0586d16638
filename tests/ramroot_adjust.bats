#!/usr/bin/env bats
# The RAM root: every adjustment of the tree and what happens without it; the media that hold one.

bats_require_minimum_version 1.5.0
load lib
load ramroot
load ramroot_run

setup_file() { small_source; }
setup() { room; }

# with PATH TEXT: the small tree with this file, as a tar; PATH ends in '/' for a folder.
with() {
    tar -cf in/with.tar --owner=0 --group=0 -b 1 -C "$SHARE/small" --exclude="./$1" .
    mkdir -p "in/new/$(dirname "$1")"
    printf '%s' "$2" >"in/new/$1"
    tar -rf in/with.tar --owner=0 --group=0 -b 1 -C in/new "./$1"
    SMALL=in/with.tar
}

@test "host name: kept without the option, else in hostname and hosts" {
    made
    [ "$(in_image out/root.img etc/hostname)" = template ]
    made --hostname node7.lab.example
    [ "$(in_image out/root.img etc/hostname)" = node7.lab.example ]
    in_image out/root.img etc/hosts >in/hosts
    grep -q '^127\.0\.0\.1 localhost' in/hosts
    grep -qx $'127.0.1.1\tnode7.lab.example node7' in/hosts
    none grep -q template in/hosts
    # a link stays what it is
    cp -r "$SHARE/small" in/link
    ln -sf /run/hosts in/link/etc/hosts
    ramroot in/link --hostname node8 -o out/root.img
    [ "$(in_image out/root.img etc/hostname)" = node8 ]
    fails 2 'hostname' mkbootmedia ramroot "$SMALL" --hostname 'a b' -o out/new
    fails 2 'hostname' mkbootmedia ramroot "$SMALL" --hostname $'a\nb' -o out/new
    fails 2 'hostname' mkbootmedia ramroot "$SMALL" --hostname '' -o out/new
    [ ! -e out/new ]
}

# root_hash: root's password in what was made.
root_hash() { in_image out/root.img etc/shadow | sed -n 's/^root:\([^:]*\):.*/\1/p'; }

# shellcheck disable=SC2016 # dollar signs, not variables
@test "root's password: kept, a text, from a file, a hash, locked" {
    local hash
    made
    [ "$(root_hash)" = '*' ]
    made --root-password 'password:se cret:x'
    hash=$(root_hash)
    [ "${#hash}" -gt 20 ]
    # crypt(3), asked by somebody else
    [ "$(perl -e 'print crypt $ARGV[0], $ARGV[1]' 'se cret:x' "$hash")" = "$hash" ]
    printf 'from a file\n' >in/password
    made --root-password file:in/password
    hash=$(root_hash)
    [ "$(perl -e 'print crypt $ARGV[0], $ARGV[1]' 'from a file' "$hash")" = "$hash" ]
    hash=$(openssl passwd -6 -salt abcdefgh lab)
    made --root-password "hash:$hash"
    [ "$(root_hash)" = "$hash" ]
    made --root-password locked
    [[ $(root_hash) = [!*]* ]] || [ "$(root_hash)" = '*' ]
    # nobody else's is touched, nor who may read it
    [ "$(in_image out/root.img etc/shadow | tail -n 1)" = 'nobody:*:19000::::::' ]
    listed out/root.img etc/shadow | grep -q '^-rw-r----- 0/0'
    for bad in 'word' 'password:' 'file:in/none' 'hash:a:b' $'hash:a\nroot2::0:' $'password:a\nb' ''; do
        echo "$bad"
        none mkbootmedia ramroot "$SMALL" --root-password "$bad" -o out/new
        [ ! -e out/new ]
    done
}

@test "the same password gives the same bytes" {
    made --root-password password:lab
    mv out/root.img in/first
    made --root-password password:lab
    cmp out/root.img in/first
}

@test "an SSH key: added to those that are there, private to root" {
    echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxhYgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA lab' >in/one.pub
    echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxhYwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA two' >in/two.pub
    made
    none in_image out/root.img root/.ssh/authorized_keys
    for mode in tmpfs overlay; do
        made --mode $mode --ssh-key in/one.pub
        in_image out/root.img root/.ssh/authorized_keys | cmp - in/one.pub
        listed out/root.img root/.ssh/authorized_keys | grep -q '^-rw------- 0/0'
        listed out/root.img root/.ssh | grep -q '^drwx------ 0/0'
    done
    made --ssh-key in/one.pub --ssh-key in/two.pub
    in_image out/root.img root/.ssh/authorized_keys | cmp - <(cat in/one.pub in/two.pub)
    fails 1 '^mkbootmedia: in/none' mkbootmedia ramroot "$SMALL" --ssh-key in/none -o out/new
    # where root is a link: keys that are there are not lost
    cp -r "$SHARE/small" in/moved
    rmdir in/moved/root
    mkdir -p in/moved/home/root
    ln -s home/root in/moved/root
    ramroot in/moved --ssh-key in/one.pub -o out/root.img
    in_image out/root.img home/root/.ssh/authorized_keys | cmp - in/one.pub
    mkdir -m 711 in/moved/home/root/.ssh
    ramroot in/moved --ssh-key in/one.pub -o out/root.img
    listed out/root.img home/root/.ssh | grep -q '^drwx--x--x '
    cp in/two.pub in/moved/home/root/.ssh/authorized_keys
    fails 1 '^mkbootmedia: in/moved: .*home/root/.ssh/authorized_keys' \
        mkbootmedia ramroot in/moved --ssh-key in/one.pub -o out/new
    printf -- '-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n' >in/private
    fails 1 '^mkbootmedia: in/private' mkbootmedia ramroot "$SMALL" --ssh-key in/private -o out/new
    [ ! -e out/new ]
}

@test "fstab: what names disks goes, unless it is to be kept" {
    made --fstab keep
    in_image out/root.img etc/fstab | cmp - "$SHARE/small/etc/fstab"
    made --fstab clear
    none grep -q '^/dev/sda1' <(in_image out/root.img etc/fstab)
    made
    none grep -q '^/dev/sda1' <(in_image out/root.img etc/fstab)
    fails 2 'fstab' mkbootmedia ramroot "$SMALL" --fstab maybe -o out/new
}

@test "SELinux: off by default, since labels of a tar are rarely right; as asked" {
    local text=$'# a comment\nSELINUX=enforcing\nSELINUXTYPE=targeted\n'
    with etc/selinux/config "$text"
    made --selinux keep
    [ "$(in_image out/root.img etc/selinux/config)" = "${text%$'\n'}" ]
    for word in permissive disabled; do
        made --selinux $word
        diff <(in_image out/root.img etc/selinux/config) <(sed "s/enforcing/$word/" <<<"${text%$'\n'}")
    done
    SMALL=$SHARE/small.tar
    made --selinux permissive
    none grep -q etc/selinux/config <(listed out/root.img)
    fails 2 'selinux' mkbootmedia ramroot "$SMALL" --selinux maybe -o out/new
}

@test "getty: what is on the screen stays there, unless it is to be kept as it is" {
    local dropin=etc/systemd/system/getty@.service.d/noclear.conf
    made
    none grep -q noclear <(listed out/root.img) # there is no systemd
    with usr/lib/systemd/system/getty@.service $'[Service]\nTTYVTDisallocate=yes\n'
    for options in '' '--getty noclear'; do
        # shellcheck disable=SC2086 # words
        made $options
        in_image out/root.img $dropin | grep -qx 'TTYVTDisallocate=no'
        listed out/root.img $dropin | grep -q '^-rw-r--r-- 0/0'
    done
    made --getty keep
    none grep -q noclear <(listed out/root.img)
    fails 2 'getty' mkbootmedia ramroot "$SMALL" --getty maybe -o out/new
}

@test "/boot: its kernels are not needed in RAM; they stay when asked" {
    local kernel
    kernel=boot/vmlinuz-$(kernel_version)
    for mode in tmpfs overlay; do
        made --mode $mode
        none grep -q boot/vmlinuz <(listed out/root.img)
        listed out/root.img boot | grep -q '^drwxr-xr-x 0/0'
        made --mode $mode --boot keep
        in_image out/root.img "$kernel" | cmp - "$SHARE/small/$kernel"
    done
}

@test "overlays: laid over one after the other, owned by root, through the tree's links" {
    mkdir -p in/one/etc in/one/opt/new in/two/etc
    echo one >in/one/etc/motd
    echo one >in/one/etc/hostname
    echo tool >in/one/opt/new/tool
    chmod 755 in/one/opt/new/tool
    ln -s tool in/one/opt/new/link
    echo two >in/two/etc/motd
    [ "$(id -u)" != 0 ] || chown -R 1000:1000 in/one in/two
    for mode in tmpfs overlay; do
        made --mode $mode --overlay in/one --overlay in/two
        [ "$(in_image out/root.img etc/motd)" = two ]
        [ "$(in_image out/root.img etc/hostname)" = one ]
        listed out/root.img opt/new/tool | grep -q '^-rwxr-xr-x 0/0'
        listed out/root.img opt/new | grep -q '^drwxr-xr-x 0/0'
    done
    # a folder behind what is in it, with a mode of its own
    mkdir -p in/deep/srv/secret
    echo key >in/deep/srv/secret/key
    chmod 700 in/deep/srv/secret
    tar -cf in/deep.tar --owner=7 --group=8 --no-recursion -C in/deep srv/secret/key srv/secret
    for mode in tmpfs overlay; do
        made --mode $mode --overlay in/deep.tar
        listed out/root.img srv/secret | grep -q '^drwx------ 7/8'
    done
    # what is laid over one name of a file leaves its other names alone
    cp -r "$SHARE/small" in/links
    echo both >in/links/etc/motd
    ln in/links/etc/motd in/links/etc/other
    for mode in tmpfs overlay; do
        ramroot in/links --mode $mode --overlay in/one -o out/root.img
        unpacked out/root.img in/tree
        [ "$(cat in/tree/etc/motd in/tree/etc/other | tr '\n' ' ')" = 'one both ' ]
        [ $mode = overlay ] || loaded out/root.img in/tree
        [ "$(cat in/tree/etc/motd in/tree/etc/other | tr '\n' ' ')" = 'one both ' ]
    done
    # lib is a link in a merged tree
    cp -r "$SHARE/small" in/merged
    mv in/merged/lib/modules in/merged/usr/lib/
    rmdir in/merged/lib
    ln -s usr/lib in/merged/lib
    mkdir -p in/lib/lib/firmware
    echo firmware >in/lib/lib/firmware/file
    ramroot in/merged --overlay in/lib -o out/root.img
    unpacked out/root.img in/tree
    [ -L in/tree/lib ] && [ -e in/tree/usr/lib/firmware/file ]
    # an adjustment wins over it
    made --overlay in/one --hostname third
    [ "$(in_image out/root.img etc/hostname)" = third ]
    fails 1 '^mkbootmedia: in/none' mkbootmedia ramroot "$SMALL" --overlay in/none -o out/new
    mkdir -p in/bad/etc/hostname
    fails 1 '^mkbootmedia: in/bad: .*etc/hostname' mkbootmedia ramroot "$SMALL" --overlay in/bad -o out/new
    [ ! -e out/new ]
}

@test "media: -r makes what ramroot makes, and takes the tree's kernel" {
    ramroot "$SMALL" -o out/root.img --kernel-out out/vmlinuz
    mkbootmedia usb -q -r "$SMALL" -o out/usb.img
    mkbootmedia iso -q -r "$SMALL" -o out/lab.iso
    mkbootmedia net -q -r "$SMALL" --url http://10.0.0.1/boot -o out/net
    bsdtar -tf out/lab.iso >in/list
    initrd=$(grep -E 'boot/.*(initrd|root).*img$' in/list | head -n 1)
    bsdtar -xOf out/lab.iso "$initrd" | cmp - out/root.img
    bsdtar -xOf out/lab.iso "$(grep -E 'boot/.*vmlinuz$' in/list | head -n 1)" | cmp - out/vmlinuz
    find out/net/payload -type f -exec sha256sum {} + | cut -d ' ' -f 1 >in/sums
    cp out/root.img in/padded # iPXE wants multiples of 4
    truncate -s %4 in/padded
    grep -qx "$(sha256sum <in/padded | cut -d ' ' -f 1)" in/sums
    grep -qx "$(sha256sum <out/vmlinuz | cut -d ' ' -f 1)" in/sums
    mkbootmedia plan -r "$SMALL" usb >in/plan
    grep -q vmlinuz in/plan
}

@test "inspect says of a medium what plan said before: the root, and the memory that it takes" {
    local kind options
    while read -r kind options; do
        # shellcheck disable=SC2086 # words
        mkbootmedia plan -r "$SMALL" $options --json "$kind" >in/plan
        # shellcheck disable=SC2086
        mkbootmedia "$kind" -q -r "$SMALL" $options -o "out/lab.$kind"
        mkbootmedia inspect --json "out/lab.$kind" >in/inspect
        filter='{mode, image, unpacked, peak, ram}'
        jq -e ".entries[0].root | $filter" in/plan >in/want
        jq -e ".entries[0].root | $filter" in/inspect | diff in/want -
        grep -q ' 0$' in/want && return 1
        mkbootmedia inspect "out/lab.$kind" | grep -A1 '^ *root .*unpacked$' | grep -q '^ *memory .*least'
    done <<END
usb --mode tmpfs
iso --mode overlay --compress gzip
iso --mode tmpfs --fetch
usb --mode overlay --fetch
END
    jq -e '.entries[0].root | .source == "medium" and .compress == "zstd"' in/inspect
    # an initramfs of somebody else's
    bsdtar --format newc -cf in/initrd -C "$SHARE/small" etc
    mkbootmedia iso -q -k "$(kernel)" -i in/initrd -o out/other.iso
    mkbootmedia inspect --json out/other.iso | jq -e '.entries[0].root == null'
}

@test "--fetch: the root image is a file of its own, the first stage is small" {
    mkbootmedia net -q -r "$SMALL" --fetch --url http://10.0.0.1/boot -o out/net
    root=$(find out/net/payload -type f -name '*root*' | head -n 1)
    [ -n "$root" ]
    mkbootmedia iso -q -r "$SMALL" --fetch -o out/lab.iso
    bsdtar -tvf out/lab.iso | awk '/initrd/ { if ($5 > 8388608) exit 1 }'
    fails 2 '^mkbootmedia: ' mkbootmedia iso -k "$(kernel)" --fetch -o out/new
}
