#!/bin/sh
# make run: the gateway with the demonstration's configuration, the demonstration beside it, then the gateway until Ctrl-C.
set -eu
build=$1
state=${GENOPS_STATE_DIR:-$build/run-state}
mkdir -p "$state"
chmod 700 "$state"
"$build/genops" serve --demo --state "$state" &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null; exit 0' INT TERM
trap 'kill $server 2>/dev/null || true' EXIT
url=http://127.0.0.1:4319
for _ in $(seq 200); do
	kill -0 $server 2>/dev/null || { wait $server; exit $?; }
	python3 - "$url/ready" <<'PY' 2>/dev/null && break
import sys, urllib.request
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=1)
PY
	sleep 0.05
done
echo
"$build/genops" demo --gateway $url --state "$state"
echo
echo "The gateway goes on at $url until Ctrl-C."
wait $server
