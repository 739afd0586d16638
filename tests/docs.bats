#!/usr/bin/env bats
# What is said about the program is what it does: man pages, README, completion, make install, each
# compared with the program's own --help and sources, in both directions.

load lib
load ramroot

setup_file() {
    # Anybody's MAKEFLAGS (make check) would set prefix and jobs here too.
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES DESTDIR prefix
    "$MKBOOTMEDIA" completion >"$BATS_FILE_TMPDIR/completion"
}

setup() {
    cd "$TOP" || return
    MAN=$TOP/man/mkbootmedia.1
    CONF=$TOP/man/mkbootmedia.conf.5
}

# The commands, a line each, as --help lists them.
commands() { mkbootmedia --help | sed -n 's/^  \([a-z]*\)  *[A-Z].*/\1/p'; }

# The options of a command as --help shows them: "-k, --kernel FILE", a line each.
options() {
    mkbootmedia "$1" --help |
        sed -n 's/^  \(-., \|    \)\(--[a-z-]*\( [A-Z:/]\{1,\}\)\{0,1\}\) .*/\1\2/p' | sed 's/^ *//'
}

# Only the long names.
long_options() { options "$1" | grep -o -- '--[a-z-]*'; }

# section NAME [PAGE]: the text of a section of mkbootmedia(1), or of another man page.
section() { sed -n "/^\.Sh $1\$/,/^\.Sh /p" "${2:-$MAN}"; }

# "usb -k, --kernel FILE", sorted, of the man page: a .Ss of OPTIONS names its commands in brackets.
man_options() {
    section OPTIONS | awk '
        /^\.Ss / { sub(/^[^(]*\(/, ""); sub(/\)$/, ""); count = split($0, commands, ", ") }
        /^\.It .*Fl -/ {
            sub(/^\.It /, ""); gsub(/Fl -/, "--"); gsub(/Fl /, "-"); gsub(/ ,/, ","); gsub(/Ar /, "")
            for (i = 1; i <= count; i++) print commands[i], $0
        }' | sort
}

same() { diff -u --label "$1" <(printf '%s\n' "$2") --label "$3" <(printf '%s\n' "$4"); }

@test "the man page has the program's commands, in the same order" {
    run commands
    [ "${#lines[@]}" -ge 4 ]
    same --help "$output" "man page" "$(section COMMANDS | sed -n 's/^\.It Cm \([a-z]*\)$/\1/p')"
    same --help "$output" SYNOPSIS \
        "$(section SYNOPSIS | sed -n 's/^\.Cm \([a-z]*\)$/\1/p')"
}

@test "the man page has each command's options with letter and value, and no others" {
    program=$(for command in $(commands); do options "$command" | sed "s/^/$command /"; done | sort)
    [ "$(wc -l <<<"$program")" -ge 50 ]
    same --help "$program" "man page" "$(man_options)"
}

@test "each option that the man pages speak of exists" {
    all=$(for command in $(commands); do options "$command"; done)
    # mokutil --import is another program's.
    for option in $(grep -ohE 'Fl -[a-z][a-z-]*' "$MAN" "$CONF" | sed 's/Fl -/--/' | sort -u); do
        [ "$option" != --version ] || continue
        echo "$option"
        grep -qE -- "$option( |\$)" <<<"$all"
    done
}

@test "the words that --firmware, --hybrid and --pxe take are the man page's and the completion's" {
    for option in firmware hybrid pxe; do
        run mkbootmedia plan --$option nonsense
        [ "$status" = 2 ]
        words=$(sed "s/.*is not \(a list of \)\{0,1\}//; s/ (see.*//; s/,\| or / /g" <<<"$output" |
            xargs -n 1 | sort)
        [ -n "$words" ]
        for word in $words; do mkbootmedia plan --$option "$word" --help >/dev/null; done
        same program "$words" "man page" \
            "$(section OPTIONS | sed -n "/^\.It Fl -$option /,/^\.El/s/^\.It Cm //p" | sort)"
        same program "$words" completion "$(complete_line "mkbootmedia plan --$option ''" | sort)"
    done
}

@test "the man page lists the names that templates may use, and no others" {
    # A name is an argument of its own: scope_text(scope, "id", host ? "host" : name).
    code=$(grep -h 'scope_' mkbootmedia/boot/render*.c | grep -oE '"[a-z_]{2,}"[,)]' | tr -d '",)' |
        sort -u)
    [ "$(wc -l <<<"$code")" -ge 45 ]
    same 'render*.c' "$code" "man page" "$(section TEMPLATES | sed -n '/^Every template/,$p' |
        grep -oE '\{\{#?[a-z_]+' | tr -d '{#' | sort -u)"
}

@test "the built-in templates name nothing that the man page does not list" {
    man=$(section TEMPLATES | grep -oE '\{\{#?[a-z_]+' | tr -d '{#' | sort -u)
    used=$(cat templates/* | grep -oE '\{\{[#^/]?[a-z_]+' | tr -d '{#^/' | sort -u)
    [ "$(wc -l <<<"$used")" -ge 40 ]
    [ -z "$(comm -13 <(echo "$man") <(echo "$used"))" ] ||
        { comm -13 <(echo "$man") <(echo "$used"); false; }
}

@test "the man page lists the templates, and no others" {
    same templates/ "$(LC_ALL=C ls templates)" "man page" \
        "$(section TEMPLATES | sed -n 's/^\.It Pa //p' | LC_ALL=C sort)"
}

# A spec file with a key and a certificate, an inventory and a host, and the files that it names: what
# the tests make of README and of the man pages. Made where one is: "$1" is the text of lab.conf.
lab() {
    printf '%s\n' "$1" >lab.conf
    ln -sf "$kernel" vmlinuz
    initrd initrd.img 300000 && initrd microcode.img 2049
    printf '%s\r\n' 'mac,hostname,entry,cmdline' '52:54:00:12:34:57,node2,debian,"note=""a b"""' \
        >inventory.csv
    echo key >node1.key
    openssl req -new -x509 -newkey rsa:2048 -nodes -subj '/CN=lab/' -days 3650 -keyout lab.key \
        -out lab.crt 2>/dev/null
}

# The text of the first .Bd of a section.
display() {
    section "$@" | sed -n '/^\.Bd/,/^\.Ed/{/^\.Bd/d;/^\.Ed/q;p}' | sed 's/\\e/\\/g'
}

@test "the man page lists the files of a boot root, and no others" {
    kernel=$(kernel)
    mkdir "$BATS_TEST_TMPDIR/in" && cd "$BATS_TEST_TMPDIR/in"
    lab "entry debian { kernel = vmlinuz initrd = initrd.img }
        host 525400123456 { files = node1.key:/key }"
    mkbootmedia net -q -f lab.conf --uki --url http://10.0.0.1 -o tree
    files=$(cd tree && find . -path ./.mkbootmedia -prune -o -type f -printf '%P\n' |
        sed -E 's,/[0-9a-f]{16}/,/DIGITS/,; s,52-54-00-12-34-56,ADDRESS,; s,debian,NAME,' | sort -u)
    [ "$(wc -l <<<"$files")" -ge 20 ]
    same tree "$files" "man page" "$(section 'THE BOOT ROOT' | sed -n '/^\.Ss Files/,/^\.El/p' |
        sed -n 's/^\.It Pa //p' | sed 's/ , /\n/g' | sort)"
    (cd tree && sha256sum --quiet --strict -c SHA256SUMS)
}

# json_members COMMAND: those that the man page has for a command.
json_members() {
    section JSON | sed -n "/^\.Ss .*[( ]$1[,)]/,/^\.S/s/^\.It Li //p" | sort
}

# members FILE: the outermost names of a JSON document as jansson indents it.
members() { sed -n 's/^  "\([a-z0-9_]*\)":.*/\1/p' "$1" | sort; }

@test "the man page lists the members of --json, and no others" {
    cd "$BATS_TEST_TMPDIR"
    initrd initrd 511
    what=(-k "$(kernel)" -i initrd --json)
    for command in usb iso net; do
        [ $command != net ] || what+=(--url http://10.0.0.1)
        mkbootmedia $command "${what[@]}" -o $command.img >$command 2>progress
        mkbootmedia plan "${what[@]}" $command >plan
        # inspect reads images only
        [ $command = net ] || mkbootmedia inspect --json $command.img >inspect
        mkbootmedia verify --json $command.img >verify
        for document in $command plan inspect verify; do
            [ "$(members $document | wc -l)" -ge 10 ]
            same "$document --json" "$(members $document)" "man page" \
                "$(cd "$TOP" && json_members $document)"
        done
        grep -qE '^\{"progress": \{"done": [0-9]+, "total": [0-9]+\}\}$' progress
    done
}

# inner FILE MEMBER: the names within the first of a list.
inner() { jq -r ".$2[0] | keys[]" "$1" | sort; }

# told MEMBER: the words of its text in the man page's .Ss that is on stdin.
told() { sed -n "/^\.It Li $1\$/,/^\.It/p" | tr -cs 'a-z0-9_\n' '[\n*]' | sort -u; }

@test "the man page lists the members of manifest.json, and no others" {
    kernel=$(kernel)
    mkdir "$BATS_TEST_TMPDIR/in" && cd "$BATS_TEST_TMPDIR/in"
    lab "outputs = { usb, net } url = http://10.0.0.1 entry debian { kernel = vmlinuz }
        host 525400123456 { files = node1.key:/key }"
    mkbootmedia all -q -f lab.conf -o out
    mkdir image
    mkbootmedia usb -q -k vmlinuz -i initrd.img --sign-key lab.key --sign-cert lab.crt --manifest -o image/img
    mv image/img.manifest.json image/manifest.json
    for which in 'an image:image' 'a boot root:out/net' 'several outputs:out'; do
        page=$(section JSON | sed -n "/^\.Ss manifest.json of ${which%:*}\$/,/^\.S/p")
        manifest=${which#*:}/manifest.json
        same "$manifest" "$(jq -r 'keys[]' "$manifest" | sort)" "man page" \
            "$(sed -n 's/^\.It Li //p' <<<"$page" | sort)"
        for list in $(jq -r 'to_entries[] | select(.value | type == "array" and (.[0] | type == "object")) | .key' "$manifest"); do
            [ -z "$(comm -23 <(inner "$manifest" "$list") <(told "$list" <<<"$page"))" ] ||
                { echo "$manifest: $list"; inner "$manifest" "$list"; false; }
        done
    done
}

@test "the environment variables that the program reads are in the man page, and no others" {
    code=$(grep -ohE 'getenv\("[A-Z_]+"' mkbootmedia -r | sed 's/.*"\(.*\)"/\1/' | sort -u)
    same getenv "$code" "man page" "$(section ENVIRONMENT | sed -n 's/^\.It Ev //p' | sort)"
}

@test "groff and mandoc have nothing to say about the man pages" {
    for page in "$MAN" "$CONF"; do
        run groff -mdoc -Tutf8 -ww -z "$page"
        [ "$status: $output" = "0: " ]
        # Below "warning" mandoc speaks of the host: man pages that are not installed.
        run mandoc -Tlint -Wwarning "$page"
        [ "$status: $output" = "0: " ]
    done
}

# keys file|entry|host: those of a table in spec.c, a line each.
keys() {
    sed -n "/ $1_keys\[\] = {/,/^};/p" mkbootmedia/boot/spec.c | grep -oE '\{"[a-z_]+"' | tr -d '{"'
}

@test "mkbootmedia.conf(5) lists the keys that the program reads, and no others" {
    sections=$(grep -oE 'CFG_SEC\("[a-z]+"' mkbootmedia/boot/spec.c | grep -oE '[a-z]+')
    [ "$sections" = $'entry\nhost' ]
    for where in SETTINGS:file ENTRIES:entry HOSTS:host; do
        table=$(keys "${where#*:}")
        [ "$(wc -l <<<"$table")" -ge 4 ]
        [ "${where#*:}" != file ] || table+=$'\n'$sections
        same spec.c "$(sort <<<"$table")" "man page" \
            "$(section "${where%:*}" "$CONF" | sed -n 's/^\.It Cm \([a-z_]*\).*/\1/p' | sort)"
    done
    same inventory.c "$(sed -n 's/.*names\[COLUMNS\] = {\(.*\)};/\1/p' mkbootmedia/boot/inventory.c |
        grep -oE '[a-z_]+')" "man page" "$(section INVENTORIES "$CONF" | sed -n 's/^\.It Li //p')"
}

@test "each key that is an option too is so under the same name" {
    all=$(for command in $(commands); do long_options "$command"; done | sort -u)
    for key in $(keys file); do
        # Of several entries, outputs and hosts the command line knows nothing.
        case $key in default | outputs | hosts) continue ;; esac
        grep -qx -- "--${key//_/-}" <<<"$all" || { echo "$key"; false; }
    done
}

# title TEXT: what the program reads where mkbootmedia.conf(5) has such a value.
title() {
    printf 'entry a {\n    kernel = vmlinuz\n    title  = %s\n}\nhost 525400123456 {}\n' "$1" >t.conf
    mkbootmedia plan -q -f t.conf --json usb | jq -r '.entries[0].title'
}

@test "values of a spec file are read as mkbootmedia.conf(5) says" {
    kernel=$(kernel)
    mkdir "$BATS_TEST_TMPDIR/in" && cd "$BATS_TEST_TMPDIR/in"
    ln -s "$kernel" vmlinuz
    while IFS=@ read -r text want; do
        echo "$text"
        same wanted "$want" read "$(title "$text")"
    done <<'END'
"a b"@a b
"\"\\\q\101\x41"@"\qAA
"# // /* */ { } = ,"@# // /* */ { } = ,
'a "b"'@a "b"
'${NAME}\n\'\\'@${NAME}\n'\
word@word
a//b;c:d@a//b;c:d
a#b@a
a // b@a
a /* b */@a
END
    for text in "'a" '"a' 'a b' '"a" "b"' 'a=b' 'a(b' 'a+b' 'a,b' 'a*b' "a'b" '//a' '{ a, b }' \
        '"${HOME}"' '${HOME}' 'a title = b'; do
        echo "$text"
        printf 'entry a {\n    kernel = vmlinuz\n    title  = %s\n}\n' "$text" >t.conf
        fails 1 '^mkbootmedia: t\.conf:[0-9]+: reading: ' mkbootmedia plan -f t.conf usb
    done
}

@test "an error of a spec file names its line" {
    kernel=$(kernel)
    mkdir "$BATS_TEST_TMPDIR/in" && cd "$BATS_TEST_TMPDIR/in"
    ln -s "$kernel" vmlinuz
    while IFS=@ read -r line text; do
        echo "$text"
        printf '%b\n' "$text" >t.conf
        fails 1 "^mkbootmedia: t\\.conf:$line: reading: " mkbootmedia plan -f t.conf usb
    done <<'END'
1@nothing = 1
3@label = A\n\nnothing = 1\n
4@# one\n// two\n/* three */\nnothing = 1
5@label = A # one\n\n/* three\n   four */\nnothing = 1
4@entry a {\n    # two\n    kernel = vmlinuz\n    title = "" # four\n}
2@# one\nentry a {\n    initrd = vmlinuz\n}
5@entry a {\n    kernel = vmlinuz # two\n}\n\nhost 52-54-00-12-34-56 {\n    entry = b\n}
END
}

# What a spec file means to plan: the labels and consoles, the initrds of the first entry, ...
asked() { mkbootmedia plan -q -f t.conf --json usb | jq -c "$1"; }

@test "lists, truths and comments of a spec file are read as mkbootmedia.conf(5) says" {
    kernel=$(kernel)
    mkdir "$BATS_TEST_TMPDIR/in" && cd "$BATS_TEST_TMPDIR/in"
    lab ''
    host='host 525400123456 {}'
    printf '%s\n' '# one' '// two' '/* three' 'four */' "$host" 'console = tty0' 'console += ttyS0' \
        'entry a { kernel = vmlinuz' 'initrd = { microcode.img,' 'initrd.img } initrd += node1.key }' \
        'entry b { kernel = vmlinuz fetch = no }' 'default = b' 'uki = off' >t.conf
    [ "$(asked '.entries[0].initrds | length')" = 3 ]
    [ "$(asked '.entries[1].arguments')" = '["console=tty0","console=ttyS0"]' ]
    for truth in true:2 yes:2 on:2 false:0 no:0 off:0; do
        echo "$host uki = ${truth%:*} entry a { kernel = vmlinuz } entry b { kernel = vmlinuz }" >t.conf
        [ "$(asked '[.files[].path | select(startswith("EFI/Linux/"))] | length')" = "${truth#*:}" ]
    done
    # The order of the menu; the folder of the file, not the current one.
    mkdir elsewhere && cd elsewhere
    [ "$(mkbootmedia plan -q -f ../t.conf --json usb | jq -c '[.entries[].name]')" = '["a","b"]' ]
}

@test "the names that mkbootmedia.conf(5) says are taken are" {
    cd "$BATS_TEST_TMPDIR"
    kernel=$(kernel)
    taken=$(sed -n '/taken\[\] = {/,/};/p' "$TOP/mkbootmedia/boot/setting.c" | grep -oE '"[a-z]+"' |
        tr -d '"' | sort)
    page=$(section ENTRIES "$CONF" | sed -n '/^Its name/,/^are taken/p' | grep '^\.Li ' |
        sed 's/^\.Li //' | grep -oE '[a-z]+' | sort)
    same setting.c "$taken" "man page" "$page"
    for name in $taken; do
        echo "entry $name { kernel = '$kernel' }" >t.conf
        fails 1 "entry '$name' is the name of a line" mkbootmedia plan -f t.conf usb
    done
}

@test "the program accepts the example of mkbootmedia.conf(5)" {
    kernel=$(kernel)
    mkdir "$BATS_TEST_TMPDIR/in" && cd "$BATS_TEST_TMPDIR/in"
    example=$(display EXAMPLES "$CONF")
    [ "$(wc -l <<<"$example")" -ge 20 ]
    lab "$example"
    echo tar >rescue.tar.zst
    # All of it is read; tests/ramroot.bats makes RAM roots of real trees.
    fails 1 '^mkbootmedia: rescue\.tar\.zst: reading the root file system' \
        mkbootmedia all -f lab.conf -o out
    sed -i -e '/^entry rescue/,/^}/d' -e '/entry *= "rescue"/d' lab.conf
    mkbootmedia all -q -f lab.conf -o out
    [ "$(cd out && echo *)" = "lab.img lab.iso manifest.json net" ]
    same wanted 'debian node1 console=tty0,console=ttyS0,115200,quiet,hostname=node1,systemd.hostname=node1,debug
debian node2 console=tty0,console=ttyS0,115200,quiet,hostname=node2,systemd.hostname=node2,note=a b' \
        hosts "$(jq -r '(.entries[0].arguments) as $words | .hosts[] |
            "\(.entry) \(.hostname) \($words + .arguments | join(","))"' out/net/manifest.json)"
}

@test "the program accepts the inventory of mkbootmedia.conf(5)" {
    kernel=$(kernel)
    mkdir "$BATS_TEST_TMPDIR/in" && cd "$BATS_TEST_TMPDIR/in"
    lab 'entry debian { kernel = vmlinuz } hosts = inventory.csv'
    display INVENTORIES "$CONF" >inventory.csv
    mkbootmedia net -q -f lab.conf --url http://10.0.0.1 -o out
    [ "$(jq -c '[.hosts[].hostname]' out/manifest.json)" = '["node2","node3"]' ]
    [ "$(jq -c '.hosts[1].arguments[-1]' out/manifest.json)" = '"note=a b"' ]
}

# complete_line LINE: what Tab offers at the end of a line, a word a line. The words of the line are
# those of the shell, so a last '' is an empty word.
complete_line() {
    bash -euc '. "$1"
        spec=$(complete -p mkbootmedia)
        [[ $spec =~ -F\ ([^ ]+)\ mkbootmedia$ ]]
        eval "COMP_WORDS=($2)"
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$2 COMP_POINT=${#2}
        "${BASH_REMATCH[1]}" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf "%s\n" "${COMPREPLY[@]}"' - "$BATS_FILE_TMPDIR/completion" "$1"
}

@test "completion offers the commands, and each command's options" {
    same --help "$(commands; printf '%s\n' --help --version)" completion \
        "$(complete_line "mkbootmedia ''")"
    [ "$(complete_line "mkbootmedia us")" = usb ]
    for command in $(commands); do
        same --help "$(long_options "$command")" completion \
            "$(complete_line "mkbootmedia $command --")"
    done
    [ "$(complete_line "mkbootmedia iso --firm")" = --firmware ]
    [ "$(complete_line "mkbootmedia plan i")" = iso ]
}

@test "completion offers files for FILE and PATH, folders for DIR, nothing for TEXT" {
    mkdir "$BATS_TEST_TMPDIR/in" && cd "$BATS_TEST_TMPDIR/in"
    mkdir folder && touch file
    both=$'file\nfolder'
    for command in $(commands); do
        while read -r option value; do
            [ -n "$value" ] || continue
            want=
            case $value in FILE* | PATH) want=$both ;; DIR) want=folder ;; *) continue ;; esac
            same wanted "$want" "$command $option" \
                "$(complete_line "mkbootmedia $command $option ''" | sort)"
        done < <(options "$command" | sed 's/^-., //')
    done
    [ "$(complete_line "mkbootmedia usb -k fi")" = file ]
}

@test "completion keeps a file name with blanks whole" {
    mkdir "$BATS_TEST_TMPDIR/in" && cd "$BATS_TEST_TMPDIR/in"
    touch 'a kernel' && mkdir 'my loaders'
    [ "$(complete_line "mkbootmedia usb -k a")" = 'a kernel' ]
    [ "$(complete_line "mkbootmedia usb --loaders my")" = 'my loaders' ]
}

# installed ROOT: its files with their modes, a line each.
installed() { (cd "$1" && find . -type f -printf '%m %P\n' | sort -k 2); }

@test "make install puts program, man pages and completion in place, and nothing else" {
    root="$BATS_TEST_TMPDIR/a root"
    (umask 077 && make -s install DESTDIR="$root" prefix=/usr)
    same wanted '755 usr/bin/mkbootmedia
644 usr/share/bash-completion/completions/mkbootmedia
644 usr/share/man/man1/mkbootmedia.1
644 usr/share/man/man5/mkbootmedia.conf.5' installed "$(installed "$root")"
    [ -z "$(find "$root" -type l)" ]
    cmp "$MAN" "$root/usr/share/man/man1/mkbootmedia.1"
    cmp "$CONF" "$root/usr/share/man/man5/mkbootmedia.conf.5"
    "$root/usr/bin/mkbootmedia" completion | cmp - "$root/usr/share/bash-completion/completions/mkbootmedia"
    [ "$("$root/usr/bin/mkbootmedia" --version)" = "$(mkbootmedia --version)" ]
}

@test "make install goes to /usr/local unless told otherwise; make uninstall removes it all" {
    root=$BATS_TEST_TMPDIR/root
    make -s install DESTDIR="$root"
    [ "$(installed "$root" | grep -c ' usr/local/')" = 4 ]
    [ "$(installed "$root" | wc -l)" = 4 ]
    touch "$root/usr/local/bin/other"
    make -s uninstall DESTDIR="$root"
    [ "$(installed "$root")" = "644 usr/local/bin/other" ]
    make -s uninstall DESTDIR="$root"
}

# The commands that begin with mkbootmedia in README's fences and the man page's examples, a line each;
# lines that end in a backslash are joined.
examples() {
    {
        awk '/^```/ { inside = !inside; next } inside' README.md
        section EXAMPLES | awk '/^\.Bd/ { inside = 1; next } /^\.Ed/ { inside = 0 } inside' |
            sed 's/\\e/\\/g'
    } | sed -e ':more' -e '/\\$/{N;s/ *\\\n */ /;b more' -e '}' | grep '^mkbootmedia'
}

@test "the program understands every command in README and in the man page" {
    count=0
    while IFS= read -r line; do
        echo "$line"
        # A pipe or a redirection ends the command; none of the examples has one within quotes.
        eval "words=(${line%%[|>]*})"
        mkbootmedia "${words[@]:1}" --help >/dev/null </dev/null
        count=$((count + 1))
    done < <(examples)
    [ "$count" -ge 10 ]
}

# The spec file of README.
readme_spec() { sed -n '/^```conf/,/^```$/{/^```/d;p}' "$TOP/README.md"; }

# made COMMAND OUTPUT: is what an example has made what it should be? $new are the new files.
made() {
    case $1 in
    net)
        (cd "$2" && sha256sum --quiet --strict -c SHA256SUMS) && [ -s "$2/boot.ipxe" ]
        ;;
    all) [ -s "$2/lab.img" ] && [ -s "$2/lab.iso" ] && [ -s "$2/manifest.json" ] && made net "$2/net" ;;
    ramroot) [ -s "$2" ] && [ "$(sort <<<"$new" | xargs)" = "./$2 ./vmlinuz.rescue" ] ;;
    # One file, or something printed.
    *)
        [ -z "$new" ] && [ -s ../out ] && return
        [ "$(wc -l <<<"$new")" = 1 ] && [ "$(stat -c %s "$new")" -gt 4096 ]
        ;;
    esac
}

@test "the commands in README and in the man page make what they say" {
    kernel=$(kernel)
    mkdir "$BATS_TEST_TMPDIR/in" && cd "$BATS_TEST_TMPDIR/in"
    [ "$(readme_spec | wc -l)" -ge 10 ]
    lab "$(readme_spec)"
    mkdir tools && echo one >tools/one && echo two >notes.txt
    small_tree "$PWD/tree" && tar -cf rescue.tar --owner=0 --group=0 -C tree . && rm -r tree && echo word >secret
    examples=$(cd "$TOP" && examples)
    # What inspect looks at is there before.
    mkbootmedia iso -q -k vmlinuz -o lab.iso
    mkbootmedia usb -q -k vmlinuz -o lab.img
    made=0
    while IFS= read -r line; do
        read -r _ command _ <<<"$line"
        [[ " $(commands) " =~ [[:space:]]$command[[:space:]] ]] || continue
        [ "$command" != try ] || continue # it ends when somebody ends it
        echo "$line"
        touch ../mark
        (set -o pipefail && eval "$line") >../out 2>../err </dev/null || { cat ../err; false; }
        # net says what has become of the boot root, and nothing else is said.
        said=$(case $command in
            ramroot) sed '/^mkbootmedia: note: root.img: /d' ../err ;;
            net | all) sed '/^mkbootmedia: note: .*: \(generation\|back at generation\) [0-9]/d' ../err ;;
            *) cat ../err ;;
        esac | grep -v 'note: \(usb\|iso\): settings of hosts are for net only' || :)
        [ -z "$said" ] || { echo "$said"; false; }
        new=$(find . -type f -newer ../mark)
        [ -z "$new" ] || made=$((made + 1))
        output=$(sed -n 's/.* -o \([^ ]*\).*/\1/p' <<<"$line")
        made "$command" "$output"
    done <<<"$examples"
    [ "$made" -ge 15 ]
}

@test "README names every package that tools/deps installs and that efi/places knows" {
    deps=$(sed -n "/^table='/,/^'/p" tools/deps | awk 'NF >= 3 { print $2 }' | sort -u)
    places=$(awk '!/^#/ && NF { print $NF }' efi/places | sort -u)
    [ "$(wc -w <<<"$deps")" -ge 30 ]
    [ "$(wc -w <<<"$places")" -ge 15 ]
    for package in $deps $places; do
        echo "$package"
        tr -c 'a-z0-9+._-' '\n' <README.md | grep -qxF -- "$package"
    done
}

@test "the targets and files that README names exist" {
    targets=$(grep -oE '(`|^|sudo )make [a-z]+' README.md | sed 's/.*make //' | sort -u)
    [ "$(wc -w <<<"$targets")" -ge 5 ]
    for target in $targets; do
        grep -qE "^\.PHONY:.* $target( |\$)" Makefile || { echo "make $target"; false; }
    done
    while IFS= read -r path; do
        [ -e "$path" ] || { echo "$path"; false; }
    done < <(grep -oE '`(mkbootmedia|templates|efi|tests|tools|man)/[A-Za-z0-9_./-]*' README.md | tr -d '`')
    while IFS= read -r path; do
        [ -e "$path" ] || { echo "$path"; false; }
    done < <(grep -oE '\]\([a-zA-Z][a-zA-Z0-9_./-]*\)' README.md | tr -d '])(')
}
