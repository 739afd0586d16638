#!/bin/bash
# A tree is replaced 50 times while 50 clients boot from it, or do as if: fetch a script, then all that
# it names, over HTTP from a real nginx. Every client must see one generation, whole: the arguments
# that the script gives, the initramfs that says the same number, and files of which the first
# digits of SHA-256 are in their paths. No 404, no short file. And what firmware wants of HTTP.
. "${0%/*}/lib.bash"
. "${0%/*}/netlab.bash"

# Clients pause: there are 50 of them on few processors, and the updates shall get their turn.
clients=50 updates=50 url=http://10.77.0.1/boot

# generation N: a spec and an initramfs, both with the number in them.
generation() {
    {
        printf '\x1f\x8b\x08\0\0\0\0\0\0\x03generation %s\n' "$1"
        head -c 300001 /dev/zero | openssl enc -aes-128-ctr -nosalt -pass "pass:$1" -pbkdf2
    } >initrd.next
    mv initrd.next initrd.img
    cat >lab.conf <<END
url = "$url"
firmware = "bios"
entry linux { kernel = "vmlinuz" initrd = "initrd.img" cmdline = "generation=$1" }
host "52:54:00:12:34:56" { hostname = "node$1" files = "initrd.img:/file" }
END
    "$program" net -q -f lab.conf -o tree --keep 8 --no-sync
}

# fetch PATH: a file of the tree in ./got, which must be the one that its path names.
fetch() {
    local digits
    curl -sS --fail --max-time 30 -o got "$url/$1" 2>error || {
        echo "$1: $(cat error)"
        return 1
    }
    digits=$(sha256sum got)
    digits=${digits:0:16}
    [[ $1 != payload/* || $1 == payload/$digits/* ]] || {
        echo "$1: its digest begins with $digits"
        return 1
    }
}

# One client: each round is a boot from one script.
client() {
    local rounds=0 number script path scripts=(boot.ipxe grub/grub.cfg hosts/52-54-00-12-34-56.ipxe
        hosts/52-54-00-12-34-56.cfg)
    mkdir "client.$1" && cd "client.$1" || return
    while [ ! -e ../stop ]; do
        script=${scripts[(rounds + $1) % 4]}
        fetch "$script" || break
        mv got script
        number=$(grep -o 'generation=[0-9]*' script | sort -u)
        [[ $number == generation=* && $number != *$'\n'* ]] || {
            echo "$script: not of one generation: $number"
            break
        }
        for path in $(grep -o 'payload/[0-9a-f]*/[a-z]*.img' script | sort -u); do
            fetch "$path" || break 2
            [[ $path != */initrd.img ]] || grep -qaxF "generation ${number#*=}" <(head -c 100 got | tail -c +11) || {
                echo "$script: $number, but $path is another's"
                break 2
            }
        done
        rounds=$((rounds + 1))
        sleep 0.$((RANDOM % 10))
    done
    echo "$rounds" >rounds
}

program=$(realpath -m "${MKBOOTMEDIA:-$top/build/mkbootmedia}") # 50 times, so not the one with the sanitizers
# headers PATH: of a request for it; what firmware wants of them.
headers() { net_in curl -sS --max-time 10 -I "http://10.77.0.1$1" | tr -d '\r'; }

# The type by which UEFI knows a program, its length, and no redirect for the slashes that UEFI and shim
# put into a path; nothing of the program's own folder.
http_faults() {
    local path size
    size=$(stat -c %s tree/EFI/Linux/linux.efi)
    for path in /boot/EFI/Linux/linux.efi //boot//EFI/Linux//linux.efi; do
        headers "$path" >headers
        grep -q '^HTTP/1.1 200 ' headers || echo "$path: $(head -n 1 headers)"
        grep -qx 'Content-Type: application/efi' headers || echo "$path: $(grep -i content-type headers)"
        grep -qx "Content-Length: $size" headers || echo "$path: no Content-Length: $size"
        ! grep -i transfer-encoding headers || echo "$path: chunked"
    done
    headers /boot/boot.ipxe | grep -qx 'Content-Type: text/plain' || echo 'boot.ipxe: no text/plain'
    headers /boot/.mkbootmedia/generations/000001/SHA256SUMS | grep -q '^HTTP/1.1 404 ' ||
        echo '.mkbootmedia is served'
}

[ "$(id -u)" = 0 ] || bail "root is wanted, for a network namespace"
find_payload
chmod 755 "$work"
cd "$work" || exit
cp "$kernel" vmlinuz # it stays the same: the clients have no use for it
echo 1..4
generation 0 || bail "no tree"
{ net_up && net_serve nginx tree/http/nginx.conf; } || bail "no server"

for ((i = 0; i < clients; i++)); do
    (net_run "$net_home" nice bash -c "$(declare -f client fetch); url=$url; client $i") >"said.$i" 2>&1 &
    pids+=("$!")
done
for ((i = 1; i <= updates; i++)); do
    generation "$i" || echo "# update $i failed"
    sleep 0.3
done
touch stop
wait "${pids[@]}"

rounds=$(cat client.*/rounds | awk '{ n += $1 } END { print n }')
echo "# $rounds boots by $clients clients during $updates updates"
faults=$(cat said.*)
report "every client saw whole generations" "$faults" nginx.log
report "every client booted more than once" "$(for ((i = 0; i < clients; i++)); do
    [ "$(cat "client.$i/rounds")" -gt 1 ] || echo "client $i: $(cat "client.$i/rounds")"
done)" nginx.log
report "the server has nothing to say" "$(cat nginx.log)" nginx.log
sed -i 's/^firmware.*/firmware = "uefi"\nuki = true/' lab.conf
"$program" net -q -f lab.conf -o tree --no-sync || echo "# no UKI"
report "HTTP as firmware wants it" "$(http_faults)" headers
