#!/usr/bin/env bats
# Whole media, read back by programs that others wrote: sfdisk, fsck.fat, mtools, xorriso, isoinfo,
# bsdtar, blkid, sbverify. The tests of image/ alone are fat_layout.bats and iso_layout.bats.

bats_require_minimum_version 1.5.0
load lib

SIZES=(1 511 2047 2048 2049 4097)

# Every kind of size, as initramfs files and as added files; one of them is large.
setup_file() {
    export SHARE=$BATS_FILE_TMPDIR LC_ALL=C.UTF-8 TZ=UTC
    cd "$SHARE"
    kernel=$(kernel)
    cp "$kernel" vmlinuz
    initrd large.img 300000000
    BOOT=(-k vmlinuz -i large.img)
    mkdir add
    for size in "${SIZES[@]}"; do
        initrd "$size.img" "$size" "$size"
        noise "$size" "add$size" >"add/file of $size bytes"
        BOOT+=(-i "$size.img")
    done
    : >add/empty
    BOOT+=(--add add:/extra)
    for command in usb iso; do
        mkbootmedia $command "${BOOT[@]}" -o $command.img --json >$command.json 2>$command.err
    done
}

setup() {
    cd "$BATS_FILE_TMPDIR"
    OWN=$BATS_TEST_TMPDIR
}

# What is on the medium in the plan: path, offset, size, source, separated by tabs. An empty file may
# be nowhere.
files() { jq -r '.files[] | [.path, .offset // 0, .size, .source // "-"] | @tsv' "$1"; }

# where_it_says IMAGE PLAN: each file's bytes stand at its offset, those of the source
where_it_says() {
    local path offset size source n=0
    while IFS=$'\t' read -r path offset size source; do
        [ "$size" = 0 ] || [ $offset -gt 0 ]
        [ $((offset % 4096)) = 0 ] || { echo "$path is at $offset"; return 1; }
        n=$((n + 1))
        if [ -f "$source" ]; then
            [ "$(stat -c %s "$source")" = "$size" ]
            cmp -n "$size" -i "$offset:0" "$1" "$source" || { echo "$path"; return 1; }
        fi
    done < <(files "$2")
    [ $n -ge 10 ]
}

# same_tree IMAGE PLAN FOLDER [FILTER]: the folder has the files of the plan, and no others
same_tree() {
    local path offset size source count
    while IFS=$'\t' read -r path offset size source; do
        [ -f "$source" ] || source=- # made in memory
        [ "$(stat -c %s "$3/$path")" = "$size" ] || { echo "size of $path"; return 1; }
        cmp -n "$size" -i "$offset:0" "$1" "$3/$path" || { echo "$path"; return 1; }
        [ "$source" = - ] || cmp "$source" "$3/$path" || { echo "$path"; return 1; }
    done < <(files "$2" | grep -v "${4:-^$}")
    count=$(files "$2" | grep -vc "${4:-^$}")
    [ "$(find "$3" -type f | wc -l)" = "$count" ] || { echo "files that were not asked for"; return 1; }
}

# fsck_esp IMAGE: fsck.fat finds nothing to say about the ESP
fsck_esp() {
    local start size
    read -r start size < <(partition "$1" "$ESP")
    dd if="$1" of="$OWN/esp" bs=1M iflag=skip_bytes,count_bytes skip="$start" count="$size" \
        conv=sparse status=none
    fsck.fat -n -v "$OWN/esp" >"$OWN/fsck"
    none grep -iE 'wrong|differ|uninit|orphan|bad|dirty|auto|warning' "$OWN/fsck"
}

gpt_valid() {
    run sfdisk --verify "$1"
    echo "$output"
    [ "$status" = 0 ] && [[ $output == *'No errors detected.'* ]]
}

# probe IMAGE OFFSET SIZE TAG: what blkid says of a file system there
probe() { blkid -p -O "$2" -S "$3" -s "$4" -o value "$1"; }

# report IMAGE: what xorriso says of boot records and tables, blanks squeezed
report() {
    xorriso -indev "$1" -report_el_torito plain -report_system_area plain 2>"$OWN/xorriso" |
        tr -s ' ' >"$OWN/report"
    cat "$OWN/report"
    none grep -E 'FAILURE|WARNING|SORRY|FATAL' "$OWN/xorriso"
}

@test "usb: partition table" {
    gpt_valid usb.img
    sfdisk --json usb.img >"$OWN/table"
    jq -e '.partitiontable | .label == "gpt" and .sectorsize == 512 and .firstlba == 34' "$OWN/table"
    jq -e --arg bios "$BIOS_BOOT" --arg esp "$ESP" '.partitiontable.partitions |
        length == 2 and .[0].type == $bios and .[1].type == $esp and
        .[0].start == 2048 and all(.[]; .start % 2048 == 0)' "$OWN/table"
    # what the plan said
    jq -e --slurpfile plan usb.json '.partitiontable |
        .id == .id and ([.partitions[] | [.start * 512, .size * 512, .type, .uuid, .name]] ==
        [$plan[0].partitions[] | [.offset, .size, .type, .guid, .name]])' "$OWN/table"
    # protective MBR: one partition of type ee over all of it, none active
    [ "$(od -An -tx1 -j 446 -N 66 usb.img | tr -d ' \n' | cut -c 9-10)" = ee ]
    [ "$(od -An -tx1 -j 510 -N 2 usb.img | tr -d ' ')" = 55aa ]
}

@test "usb: the ESP is FAT32, clean, with label and id" {
    local start size
    read -r start size < <(partition usb.img "$ESP")
    fsck_esp usb.img
    [ "$(probe usb.img "$start" "$size" TYPE)" = vfat ]
    [ "$(probe usb.img "$start" "$size" VERSION)" = FAT32 ]
    [ "$(probe usb.img "$start" "$size" LABEL)" = MKBOOTMEDIA ]
    [[ $(probe usb.img "$start" "$size" UUID) =~ ^[0-9A-F]{4}-[0-9A-F]{4}$ ]]
    minfo -i "$(esp usb.img)" | tr -d '\n' | grep -qE "hidden sectors: $((start / 512))([^0-9]|$)"
}

@test "usb: mtools reads every file back as it was" {
    mkdir "$OWN/tree"
    mcopy -s -n -m -i "$(esp usb.img)" ::/ "$OWN/tree"
    same_tree usb.img usb.json "$OWN/tree"
    [ -f "$OWN/tree/extra/file of 4097 bytes" ]
    [ "$(stat -c %s "$OWN/tree/extra/empty")" = 0 ]
    cmp "$OWN/tree/boot/linux/initrd2.img" 1.img
    cmp "$OWN/tree/boot/linux/initrd7.img" 4097.img
}

@test "usb, iso: contents stand where the plan says" {
    where_it_says usb.img usb.json
    where_it_says iso.img iso.json
}

@test "plan: valid JSON, the same as what was made; regions touch and cover all" {
    local command
    for command in usb iso; do
        mkbootmedia plan --json "${BOOT[@]}" -k vmlinuz -i large.img \
            $(printf -- '-i %s.img ' "${SIZES[@]}") --add add:/extra $command 2>/dev/null >"$OWN/plan"
        diff <(jq -S 'del(.output)' "$OWN/plan") <(jq -S 'del(.output)' $command.json)
        jq -e --argjson size "$(stat -c %s $command.img)" '. as $plan | .size == $size and
            (reduce .regions[] as $r (0; if . == $r.offset then . + $r.size else -1 end)) == $size and
            all(.regions[]; .size > 0) and
            all(.files[]; . as $f | if .size == 0 then .offset >= 0 or .offset == null else any($plan.regions[];
                .offset <= $f.offset and $f.offset + $f.size <= .offset + .size) end)' "$OWN/plan"
        # zeros are zeros
        jq -r '.regions[] | select(.from == "zeros") | "\(.offset) \(.size)"' "$OWN/plan" |
            while read -r offset size; do cmp -n "$size" -i "$offset:0" $command.img /dev/zero; done
        mkbootmedia plan -k vmlinuz -i 511.img $command 2>/dev/null >"$OWN/text"
        grep -qE '^ +[0-9]+ +511 B +boot/linux/initrd.img  < 511.img$' "$OWN/text"
    done
    # progress goes to stderr, as JSON lines
    grep -v '^mkbootmedia: warning' usb.err | jq -e . >/dev/null
}

@test "iso: partition table, El Torito, system area" {
    gpt_valid iso.img
    report iso.img
    grep -qE '^El Torito boot img : 1 BIOS y none 0x0000 0x00 4 [0-9]+$' "$OWN/report"
    grep -qx 'El Torito img path : 1 /boot/grub/eltorito.img' "$OWN/report"
    grep -qx 'El Torito img opts : 1 boot-info-table grub2-boot-info' "$OWN/report"
    grep -qE '^System area summary: .*grub2-mbr.* GPT$' "$OWN/report"
    # the EFI entry points at the ESP, and has its size
    read -r start size < <(partition iso.img "$ESP")
    grep -qx "El Torito boot img : 2 UEFI y none 0x0000 0x00 $((size / 512)) $((start / 2048))" "$OWN/report"
    grep -qx "GPT start and size : 2 $((start / 512)) $((size / 512))" "$OWN/report"
    isoinfo -d -i iso.img >"$OWN/info"
    for line in 'Volume id: MKBOOTMEDIA' 'Joliet with UCS level 3 found' \
        'Rock Ridge signatures version 1 found' 'Logical block size is: 2048'; do
        grep -qx "$line" "$OWN/info"
    done
    grep -q '^El Torito VD version 1 found' "$OWN/info"
    [ "$(blkid -p -s TYPE -o value iso.img)" = iso9660 ]
    [ "$(blkid -p -s LABEL -o value iso.img)" = MKBOOTMEDIA ]
    [ $(($(stat -c %s iso.img) % 2048)) = 0 ]
}

@test "iso: the ESP is FAT16, clean" {
    local start size
    read -r start size < <(partition iso.img "$ESP")
    fsck_esp iso.img
    [ "$(probe iso.img "$start" "$size" VERSION)" = FAT16 ]
    mdir -b -/ -i "$(esp iso.img)" ::/ | sed 's|^::/||' | grep -v '/$' | sort >"$OWN/names"
    diff "$OWN/names" - <<-'LIST'
	EFI/BOOT/BOOTIA32.EFI
	EFI/BOOT/BOOTX64.EFI
	EFI/BOOT/grub.cfg
	EFI/BOOT/grubx64.efi
	EFI/BOOT/mmx64.efi
	boot/grub/grub.cfg
	LIST
}

# The menu on the ESP has the same path as the one of the ISO: left out where one tree is looked at.
@test "iso: xorriso and bsdtar read every file back as it was" {
    xorriso -osirrox on -report_about WARNING -return_with WARNING 32 -indev iso.img \
        -extract / "$OWN/xorriso.tree"
    mkdir "$OWN/bsdtar.tree"
    bsdtar -xpf iso.img -C "$OWN/bsdtar.tree"
    diff -r "$OWN/xorriso.tree" "$OWN/bsdtar.tree"
    [ -z "$(find "$OWN/bsdtar.tree" -type f ! -perm 0444 -o -type d ! -path "$OWN/bsdtar.tree" ! -perm 0555)" ]
    chmod -R u+w "$OWN"
    rm "$OWN/bsdtar.tree"/boot/grub/{grub.cfg,eltorito.img} "$OWN/bsdtar.tree"/boot.cat* \
        "$OWN/bsdtar.tree"/boot/boot.cat* 2>/dev/null || true
    same_tree iso.img iso.json "$OWN/bsdtar.tree" '^boot/grub/grub.cfg	'
    rm -rf "$OWN/xorriso.tree"
}

@test "iso: isoinfo finds the files, in all three hierarchies" {
    isoinfo -R -f -i iso.img | sort >"$OWN/rock"
    isoinfo -J -f -i iso.img | sort >"$OWN/joliet"
    isoinfo -f -i iso.img | sort >"$OWN/bare"
    grep -qx '/extra/file of 2049 bytes' "$OWN/rock"
    grep -qx '/extra/file of 2049 bytes' "$OWN/joliet"
    grep -qE '^/EXTRA/FILE_OF_2049_BYTES' "$OWN/bare"
    [ "$(wc -l <"$OWN/rock")" = "$(wc -l <"$OWN/bare")" ]
    isoinfo -R -x '/extra/file of 4097 bytes' -i iso.img | cmp - 'add/file of 4097 bytes'
    isoinfo -J -x /boot/linux/initrd3.img -i iso.img | cmp - 511.img
    isoinfo -R -x /EFI/BOOT/BOOTX64.EFI -i iso.img | cmp - /usr/lib/shim/shimx64.efi.signed
}

@test "loaders: signed as they were, by whom they should be" {
    local command file
    for command in usb iso; do
        rm -rf "$OWN/efi"
        mkdir "$OWN/efi"
        mcopy -s -n -i "$(esp $command.img)" ::/EFI "$OWN/efi"
        cd "$OWN/efi/EFI/BOOT"
        [ ! -e fbx64.efi ]
        for file in BOOTX64.EFI grubx64.efi mmx64.efi; do
            # the signature's own certificates: proves that the image is what was signed
            sbattach --detach signature $file
            openssl pkcs7 -inform DER -in signature -print_certs -out certificates.pem
            sbverify --cert certificates.pem $file || sbverify --list $file | grep -q Microsoft
            sbverify --list $file >$file.list 2>&1
        done
        grep -q 'Microsoft Corporation UEFI CA' BOOTX64.EFI.list
        grep -q 'Debian Secure Boot' grubx64.efi.list
        grep -q 'Debian Secure Boot' mmx64.efi.list
        [ "$(od -An -tx2 -j $(($(od -An -tu4 -j 60 -N 4 BOOTIA32.EFI) + 4)) -N 2 BOOTIA32.EFI)" = ' 014c' ]
        cd - >/dev/null
    done
}

@test "iso: its files copied to a FAT make a stick with all that is needed" {
    mkdir "$OWN/tree"
    bsdtar -xf iso.img -C "$OWN/tree" --exclude large --exclude initrd.img
    chmod -R u+w "$OWN/tree"
    mformat -C -F -i "$OWN/stick" -T 200000 -h 255 -s 63 ::
    mcopy -s -i "$OWN/stick" "$OWN/tree"/* "$OWN/tree/.disk" ::/
    mkdir "$OWN/back" "$OWN/esp.tree"
    mcopy -s -n -i "$OWN/stick" ::/ "$OWN/back"
    mcopy -s -n -i "$(esp iso.img)" ::/EFI "$OWN/esp.tree"
    [ "$(find "$OWN/esp.tree" -type f | wc -l)" = 5 ]
    diff -r "$OWN/esp.tree/EFI" "$OWN/back/EFI"
    # the file by which GRUB finds it
    [ -f "$OWN/back/$(jq -r .marker iso.json)" ]
    grep -q "^search .*$(jq -r .marker iso.json)" "$OWN/back/boot/grub/grub.cfg"
    [ -f "$OWN/back/boot/linux/vmlinuz" ]
}

@test "400 added files, deep and long names" {
    local deep=$OWN/many/deep i
    mkdir -p "$OWN/many/docs"
    for i in {1..400}; do echo "$i" >"$OWN/many/docs/a document with number $i.txt"; done
    for i in {1..12}; do deep="$deep/a folder that has a rather long name, level $i of twelve"; done
    mkdir -p "$deep"
    noise 3000 >"$deep/$(printf 'x%.0s' {1..200}).bin"
    echo ü >"$deep/Übergrößenträger 日本語 $(printf 'é%.0s' {1..60})"
    for command in usb iso; do
        mkbootmedia $command -k vmlinuz --add "$OWN/many/docs:/docs" --add "$OWN/many/deep:/deep" -o "$OWN/$command"
    done
    gpt_valid "$OWN/usb"
    fsck_esp "$OWN/usb"
    mkdir "$OWN/usb.tree" "$OWN/iso.tree"
    mcopy -s -n -i "$(esp "$OWN/usb")" ::/docs ::/deep "$OWN/usb.tree"
    diff -r "$OWN/many" "$OWN/usb.tree"
    bsdtar -xf "$OWN/iso" -C "$OWN/iso.tree" docs deep
    diff -r "$OWN/many" "$OWN/iso.tree"
    xorriso -osirrox on -indev "$OWN/iso" -extract /deep "$OWN/deep.tree" 2>/dev/null
    diff -r "$OWN/many/deep" "$OWN/deep.tree"
    chmod -R u+w "$OWN"
}

@test "a folder goes where --add says: root, under its name, renamed" {
    mkdir -p "$OWN/d/sub"
    echo 1 >"$OWN/d/sub/1"
    mkbootmedia iso -k vmlinuz --add "$OWN/d:/" --add "$OWN/d:/x/" --add "$OWN/d:/y" \
        --add "$OWN/d/sub/1" --add "$OWN/d/sub/1:/z" --add 511.img:/w/ -o "$OWN/iso"
    isoinfo -R -f -i "$OWN/iso" | sort >"$OWN/list"
    for path in /d/sub/1 /x/d/sub/1 /y/sub/1 /1 /z /w/511.img; do grep -qx "$path" "$OWN/list"; done
}

@test "iso: a sparse file of 4.1 GiB" {
    local size=4402341478 mark
    truncate -s $size "$OWN/huge.img"
    printf '\x1f\x8b' | dd of="$OWN/huge.img" conv=notrunc status=none
    # where extents may meet, and the end
    for mark in 4294965247 4294967290 4402341474; do
        printf 'mark' | dd of="$OWN/huge.img" bs=1 seek=$mark conv=notrunc status=none
    done
    mkbootmedia plan --json -k vmlinuz -i "$OWN/huge.img" iso 2>/dev/null >"$OWN/plan"
    # through a pipe: dd knows holes
    mkbootmedia iso -q -k vmlinuz -i "$OWN/huge.img" -o - 2>/dev/null |
        dd of="$OWN/iso" bs=1M iflag=fullblock conv=sparse status=none
    truncate -s "$(jq .size "$OWN/plan")" "$OWN/iso"
    gpt_valid "$OWN/iso"
    xorriso -indev "$OWN/iso" -lsl /boot/linux/initrd.img 2>/dev/null | grep -q " $size "
    read -r offset < <(files "$OWN/plan" | awk -F'\t' '$1 == "boot/linux/initrd.img" {print $2}')
    for mark in 0 4294965247 4294967290 4402341474; do
        cmp -n 4 -i "$mark:$((mark + offset))" "$OWN/huge.img" "$OWN/iso"
    done
    bsdtar -xOf "$OWN/iso" boot/linux/initrd.img | cmp - "$OWN/huge.img"
}

@test "--hybrid" {
    for layout in auto gpt; do
        mkbootmedia iso -k vmlinuz --hybrid $layout -o "$OWN/$layout"
        gpt_valid "$OWN/$layout"
        report "$OWN/$layout"
        grep -qE '^System area summary: MBR protective-msdos-label grub2-mbr .*GPT$' "$OWN/report"
        grep -qE '^MBR partition : 1 0x00 0xee 1 ' "$OWN/report"
    done
    report "$OWN/auto"
    grep -qx 'MBR partition : 2 0x80 0x00 0 1' "$OWN/report"
    report "$OWN/gpt"
    [ "$(grep -c '^MBR partition :' "$OWN/report")" = 1 ]
    mkbootmedia iso -k vmlinuz --hybrid isohybrid -o "$OWN/isohybrid"
    report "$OWN/isohybrid"
    sectors=$(($(stat -c %s "$OWN/isohybrid") / 512))
    grep -qx "MBR partition : 1 0x80 0x00 0 $sectors" "$OWN/report"
    grep -qE '^MBR partition : 2 0x00 0xef [0-9]+ [0-9]+$' "$OWN/report"
    read -r _ _ _ _ _ _ start size < <(grep '^MBR partition : 2' "$OWN/report")
    grep -qE "^GPT start and size : 2 $start $size$" "$OWN/report"
    mdir -b -i "$OWN/isohybrid@@$((start * 512))" ::/EFI/BOOT/BOOTX64.EFI
}

@test "--size" {
    mkbootmedia usb -k vmlinuz -i 511.img --size 1G -o "$OWN/usb"
    [ "$(stat -c %s "$OWN/usb")" = 1073741824 ]
    [ "$(du -k "$OWN/usb" | cut -f 1)" -lt 40000 ]
    gpt_valid "$OWN/usb"
    fsck_esp "$OWN/usb"
    read -r start size < <(partition "$OWN/usb" "$ESP")
    [ $((start + size)) -gt $((1020 * 1048576)) ]
    # as small as the content asks
    mkbootmedia usb -k vmlinuz -i 511.img -o "$OWN/small"
    [ "$(stat -c %s "$OWN/small")" -lt 45000000 ]
}

@test "--firmware bios: no EFI anywhere" {
    for command in usb iso; do
        mkbootmedia $command -k vmlinuz --firmware bios -o "$OWN/$command"
        gpt_valid "$OWN/$command"
    done
    [ -z "$(mdir -b -/ -i "$(esp "$OWN/usb")" ::/ | grep -i efi)" ]
    report "$OWN/iso"
    [ "$(grep -c '^El Torito boot img' "$OWN/report")" = 1 ]
    grep -q '^El Torito boot img : 1 BIOS' "$OWN/report"
    [ -z "$(partition "$OWN/iso" "$ESP")" ]
    [ -z "$(isoinfo -R -f -i "$OWN/iso" | grep -i '^/efi')" ]
}

@test "--firmware uefi: nothing for BIOS" {
    for command in usb iso; do
        mkbootmedia $command -k vmlinuz --firmware uefi -o "$OWN/$command"
        gpt_valid "$OWN/$command"
        fsck_esp "$OWN/$command"
        cmp -n 440 "$OWN/$command" /dev/zero
        mdir -b -i "$(esp "$OWN/$command")" ::/EFI/BOOT/BOOTX64.EFI
        [ -z "$(partition "$OWN/$command" "$BIOS_BOOT")" ]
    done
    report "$OWN/iso"
    [ "$(grep -c '^El Torito boot img' "$OWN/report")" = 1 ]
    grep -q '^El Torito boot img : 1 UEFI' "$OWN/report"
    [ -z "$(isoinfo -R -f -i "$OWN/iso" | grep i386-pc)" ]
    # 32-bit UEFI alone
    mkbootmedia usb -k vmlinuz --firmware ia32 -o "$OWN/ia32"
    [ "$(mdir -b -i "$(esp "$OWN/ia32")" ::/EFI/BOOT/)" = ::/EFI/BOOT/BOOTIA32.EFI ]
}

@test "without signed loaders grub-mkimage makes the one for UEFI" {
    # shellcheck disable=SC2016
    unshare -m bash -euc 'mount -t tmpfs none /usr/lib/shim
        "$1" usb -q -k vmlinuz -o "$2/usb"; "$1" iso -q -k vmlinuz -o "$2/iso"' sh "$MKBOOTMEDIA" "$OWN"
    for command in usb iso; do
        gpt_valid "$OWN/$command"
        fsck_esp "$OWN/$command"
        [ "$(mdir -b -i "$(esp "$OWN/$command")" ::/EFI/BOOT/ | sort | tr '\n' ' ')" = \
            '::/EFI/BOOT/BOOTIA32.EFI ::/EFI/BOOT/BOOTX64.EFI ' ]
    done
}
