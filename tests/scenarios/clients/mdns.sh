# Who answers and who asks by multicast DNS, each in a network namespace of its own, with a cable between them: mdns.sh 4|6,
# for the IP version. Run by `unshare --net`. Prints what the asker was told. The services are `answerer` and `asker`.
set -eu
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkfifo "$folder/begin" "$folder/up" "$folder/end"
# Opened for both ways, a pipe lets nobody wait for its other end.
OTEL_SERVICE_NAME=answerer unshare --net sh -c 'read -r _; exec /usr/bin/python3 "$0" answer "$1"' "$here/mdns.py" "$1" \
	<>"$folder/begin" >"$folder/up" 3<>"$folder/end" &
answerer=$!
exec 4<"$folder/up"
until [ "$(readlink /proc/$answerer/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done

there() {
	nsenter --net=/proc/$answerer/ns/net "$@"
}
# cable RUN DEVICE NUMBER
cable() {
	$1 ip link set lo up
	$1 ip link set "$2" addrgenmode none
	$1 ip addr add 10.77.0.$3/24 dev "$2"
	$1 ip addr add fe80::$3/64 dev "$2" nodad
	$1 ip link set "$2" up
	$1 ip route add 224.0.0.0/4 dev "$2"
}
ip link add cable type veth peer name cable netns $answerer
cable '' cable 2
cable there cable 1
echo >"$folder/begin"
read -r up <&4
[ "$up" = up ]
OTEL_SERVICE_NAME=asker /usr/bin/python3 "$here/mdns.py" ask "$1"
kill $answerer
wait $answerer || true
