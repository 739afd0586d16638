# A network for each cell of the lab: a bridge with taps for machines, and servers on it, in network
# and mount namespaces of its own. So cells that run at once can all use the same addresses, and what
# servers keep in /run and /var is the cell's. Sourced after tests/lab/lib.bash; wants root.
#
#   net_up [TAPS]                    makes the network: 10.77.0.1/24 is on lan0, machines are on tap0...
#   net_serve NAME CONFIG            starts dnsmasq|kea-dhcp4|dhcpd|nginx with a file as it is
#   net_neighbour ADDRESS            another computer on the network, 10.77.0.2 for example
#   net_serve_there NAME CONFIG      the same on that computer, where the interface is lan0 too
#   net_boot LOG OPTION...           as boot does, from the network on tap0 (unless --net TAP)
#   net_in COMMAND...                runs a command in the network
#   net_down                         ends what these started, by process id; the shell's end does it too
#
# A cell calls them in a shell of its own, as run_cells does, and in its own folder: what servers say
# is in NAME.log there. They print what went wrong, and then are false.

net_pids=() net_home='' net_there=''

# Starts a computer in namespaces of its own, a process that sleeps; its id is in $!. It has of
# /run and /var what the packages' services would make there.
net_computer() {
    rm -f "$1"
    # shellcheck disable=SC2016 # for the shell inside
    unshare --net --mount --propagation private sh -ec '
        mount -t tmpfs -o mode=755 tmpfs /run
        mount -t tmpfs -o mode=755 tmpfs /var/lib
        mount -t tmpfs -o mode=755 tmpfs /var/log
        mkdir -p /run/lock/kea /run/kea /var/lib/kea /var/lib/misc /var/lib/dhcp /var/lib/nginx \
            /var/log/nginx
        : >/var/lib/dhcp/dhcpd.leases
        ip link set lo up
        : >"$1"
        exec sleep infinity' sh "$(realpath -m "$1")" </dev/null >net.log 2>&1 &
    net_pids+=("$!")
    net_wait "a network namespace" test -e "$1"
}

# net_wait WHAT COMMAND...: until the command is true, at most half a minute.
net_wait() {
    local what=$1
    shift
    for _ in {1..300}; do
        ! "$@" || return 0
        sleep 0.1
    done
    echo "$what: not there in 30 s"
    return 1
}

# net_run PID COMMAND...: in the namespaces of a computer. The shell becomes the command.
net_run() { exec nsenter --target "$1" --net --mount --wdns="$PWD" -- "${@:2}"; }
net_in() { (net_run "$net_home" "$@"); }

# The plug keeps the bridge running while no machine is: some servers want that when they start.
net_up() {
    local tap
    trap net_down EXIT
    # shellcheck disable=SC2154 # of tests/lab/lib.bash
    chmod 755 "$work" # the servers read the boot root as users of their own
    net_computer net.ready || return
    net_home=${net_pids[-1]}
    net_in ip link add lan0 address 52:54:00:00:00:01 type bridge &&
        net_in ip address add 10.77.0.1/24 dev lan0 && net_in ip link set lan0 up &&
        net_in ip link add plug type veth peer name socket &&
        net_in ip link set socket up && net_in ip link set plug master lan0 up || return
    for ((tap = 0; tap < ${1:-1}; tap++)); do
        net_in ip tuntap add "tap$tap" mode tap &&
            net_in ip link set "tap$tap" master lan0 up || return
    done
}

net_neighbour() {
    net_computer there.ready || return
    net_there=${net_pids[-1]}
    net_in ip link add there type veth peer name lan0 netns "$net_there" &&
        net_in ip link set there master lan0 up &&
        (net_run "$net_there" ip address add "$1/24" dev lan0) &&
        (net_run "$net_there" ip link set lan0 up)
}

# Whether a port is open in a computer: what a server has when it is ready.
net_listens() { (net_run "$1" ss -Hlntu "sport = :$2") 2>/dev/null | grep -q .; }

net_start() {
    local pid=$1 name=$2 config command port=67
    config=$(realpath "$3")
    case $name in
    # Without its ping of an address that it is about to give out: three seconds each time.
    dnsmasq) command=(dnsmasq --keep-in-foreground --log-facility=- --log-dhcp --no-ping -C "$config") ;;
    kea-dhcp4) command=(kea-dhcp4 -c "$config") ;;
    dhcpd) command=(dhcpd -f -cf "$config") ;;
    nginx) command=(nginx -g 'daemon off;' -c "$config") port=80 ;;
    *) bail "net_serve $name: not a server of the lab" ;;
    esac
    # It may only serve files.
    [ "$name" != dnsmasq ] || grep -q '^dhcp-range' "$config" || port=69
    (net_run "$pid" "${command[@]}") </dev/null >"$4" 2>&1 &
    net_pids+=("$!")
    net_wait "$name" net_listens "$pid" "$port" && kill -0 "${net_pids[-1]}" && return
    tail -n 5 "$4"
    return 1
}
net_serve() { net_start "$net_home" "$1" "$2" "$1.log"; }
net_serve_there() { net_start "$net_there" "$1" "$2" "$1.there.log"; }

# What comes later wins: the cell may name another tap.
net_boot() {
    local log=$1
    shift
    boot "$log" --netns "$net_home" --net tap0 "$@"
}

net_down() {
    local pid
    for pid in "${net_pids[@]}"; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    net_pids=() net_home='' net_there=''
}
