#!/usr/bin/env bats
# What is said about the program is what it does: man page, README, completion, make install, each
# compared with the program's own --help and sources, in both directions.

load lib

setup_file() {
    # Anybody's MAKEFLAGS (make check) would set prefix and jobs here too.
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES DESTDIR prefix
}

setup() {
    cd "$TOP" || return
    MAN=$TOP/man/mkbootmedia.1
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

# The text of the man page, section "$1".
section() { sed -n "/^\.Sh $1\$/,/^\.Sh /p" "$MAN"; }

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

@test "each option that the man page speaks of exists" {
    all=$(for command in $(commands); do options "$command"; done)
    # mokutil --import is another program's.
    for option in $(grep -oE 'Fl -[a-z][a-z-]*' "$MAN" | sed 's/Fl -/--/' | sort -u); do
        [ "$option" != --version ] || continue
        echo "$option"
        grep -qE -- "$option( |\$)" <<<"$all"
    done
}

@test "the words that --firmware and --hybrid take are the man page's and the completion's" {
    for option in firmware hybrid; do
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
    code=$(grep 'scope_' mkbootmedia/boot/render.c | grep -oE '"[a-z_]{2,}"' | tr -d '"' | sort -u)
    [ "$(wc -l <<<"$code")" -ge 15 ]
    same render.c "$code" "man page" "$(section TEMPLATES | sed -n '/^Every template/,$p' |
        grep -oE '\{\{#?[a-z_]+' | tr -d '{#' | sort -u)"
}

@test "the man page lists the templates, and no others" {
    same templates/ "$(ls templates)" "man page" \
        "$(section TEMPLATES | sed -n 's/^\.It Pa //p' | sort)"
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
    for command in usb iso; do
        mkbootmedia $command -k "$(kernel)" -i initrd --json -o $command.img >$command 2>progress
        mkbootmedia plan -k "$(kernel)" -i initrd --json $command >plan
        mkbootmedia inspect --json $command.img >inspect
        for document in $command plan inspect; do
            [ "$(members $document | wc -l)" -ge 10 ]
            same "$document --json" "$(members $document)" "man page" \
                "$(cd "$TOP" && json_members $document)"
        done
        grep -qE '^\{"progress": \{"done": [0-9]+, "total": [0-9]+\}\}$' progress
    done
}

@test "the environment variables that the program reads are in the man page, and no others" {
    code=$(grep -ohE 'getenv\("[A-Z_]+"' mkbootmedia -r | sed 's/.*"\(.*\)"/\1/' | sort -u)
    same getenv "$code" "man page" "$(section ENVIRONMENT | sed -n 's/^\.It Ev //p' | sort)"
}

@test "groff and mandoc have nothing to say about the man page" {
    run groff -mdoc -Tutf8 -ww -z "$MAN"
    [ "$status: $output" = "0: " ]
    # Below "warning" mandoc speaks of the host: man pages that are not installed.
    run mandoc -Tlint -Wwarning "$MAN"
    [ "$status: $output" = "0: " ]
}

# complete_line LINE: what Tab offers at the end of a line, a word a line. The words of the line are
# those of the shell, so a last '' is an empty word.
complete_line() {
    "$MKBOOTMEDIA" completion >"$BATS_TEST_TMPDIR/completion"
    bash -euc '. "$1"
        spec=$(complete -p mkbootmedia)
        [[ $spec =~ -F\ ([^ ]+)\ mkbootmedia$ ]]
        eval "COMP_WORDS=($2)"
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$2 COMP_POINT=${#2}
        "${BASH_REMATCH[1]}" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf "%s\n" "${COMPREPLY[@]}"' - "$BATS_TEST_TMPDIR/completion" "$1"
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

@test "make install puts program, man page and completion in place, and nothing else" {
    root="$BATS_TEST_TMPDIR/a root"
    (umask 077 && make -s install DESTDIR="$root" prefix=/usr)
    same wanted '755 usr/bin/mkbootmedia
644 usr/share/bash-completion/completions/mkbootmedia
644 usr/share/man/man1/mkbootmedia.1' installed "$(installed "$root")"
    [ -z "$(find "$root" -type l)" ]
    cmp "$MAN" "$root/usr/share/man/man1/mkbootmedia.1"
    "$root/usr/bin/mkbootmedia" completion | cmp - "$root/usr/share/bash-completion/completions/mkbootmedia"
    [ "$("$root/usr/bin/mkbootmedia" --version)" = "$(mkbootmedia --version)" ]
}

@test "make install goes to /usr/local unless told otherwise; make uninstall removes it all" {
    root=$BATS_TEST_TMPDIR/root
    make -s install DESTDIR="$root"
    [ "$(installed "$root" | grep -c ' usr/local/')" = 3 ]
    [ "$(installed "$root" | wc -l)" = 3 ]
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

@test "the commands in README and in the man page make what they say" {
    kernel=$(kernel)
    mkdir "$BATS_TEST_TMPDIR/in" && cd "$BATS_TEST_TMPDIR/in"
    ln -s "$kernel" vmlinuz
    initrd initrd.img 300000 && initrd microcode.img 2049
    mkdir tools && echo one >tools/one && echo two >notes.txt
    examples=$(cd "$TOP" && examples)
    # What inspect looks at is there before.
    mkbootmedia iso -q -k vmlinuz -o lab.iso
    mkbootmedia usb -q -k vmlinuz -o lab.img
    made=0
    while IFS= read -r line; do
        read -r _ command _ <<<"$line"
        case $command in usb | iso | plan | inspect | completion) ;; *) continue ;; esac
        echo "$line"
        touch ../mark
        (set -o pipefail && eval "$line") >../out 2>../err </dev/null || { cat ../err; false; }
        [ ! -s ../err ] || { cat ../err; false; }
        # Either it has made one file, or it has printed something.
        new=$(find . -type f -newer ../mark)
        if [ -n "$new" ]; then
            [ "$(wc -l <<<"$new")" = 1 ]
            [ "$(stat -c %s "$new")" -gt 4096 ]
            made=$((made + 1))
        else
            [ -s ../out ]
        fi
    done <<<"$examples"
    [ "$made" -ge 8 ]
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
