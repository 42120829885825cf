# What glibc asks when it looks up a name: in network and mount namespaces of their own, with a search list and a server at
# the address of the usual local stub. dns_stub.sh FOLDER DNSMASQ-OPTION...; run by unshare.
set -eu
folder=$1
shift
ip link set lo up
printf 'nameserver 127.0.0.53\nsearch one.test two.test\noptions timeout:2 attempts:2\n' >"$folder/resolv.conf"
printf 'hosts: dns\n' >"$folder/nsswitch.conf"
mount --bind "$folder/resolv.conf" /etc/resolv.conf
mount --bind "$folder/nsswitch.conf" /etc/nsswitch.conf
dnsmasq "$@" &
server=$!
until ss -Hlun 'src 127.0.0.53' | grep -q .; do sleep 0.05; done
look_up() {
    # A name that is not there is no failure of this script.
    echo "$1 $(getent ahosts "$1" | awk '$2 == "DGRAM" { print $1 }' | sort | tr '\n' ' ')"
}
look_up shop
look_up alias
look_up nowhere
look_up shop.two.test
kill $server
wait $server
