#!/bin/sh
# make bench: a release build of its own, the peer from npm, and one table of every bar (also bench/results.md). Arguments go to
# bench/report.py: --rounds N, --seconds S, --cases chat-32,stream-32. Without npm or a registry the peer is left out, and it says so.
set -eu
cd "$(dirname "$0")/.."
build=${BENCH_BUILD:-build-bench}
tools/dependencies.sh bench
[ -f "$build/build.ninja" ] ||
	meson setup "$build" --buildtype=release -Doptimization=2 -Db_ndebug=true -Dbench=true -Dtests=false >/dev/null
ninja -C "$build" --quiet
build=$(cd "$build" && pwd)

# The peer's own lock file's versions: with newer ones every stream fails. No scripts of packages are run.
peer=$build/peer
mkdir -p "$peer"
cat >"$peer/package.json" <<'JSON'
{"private": true, "dependencies": {"@portkey-ai/gateway": "1.15.2"}, "overrides": {"hono": "4.9.7", "@hono/node-server": "1.13.5"}}
JSON
if [ ! -d "$peer/node_modules/@portkey-ai/gateway" ] &&
	! (cd "$peer" && npm install --ignore-scripts --no-audit --no-fund --loglevel=error >"$peer/npm.log" 2>&1); then
	echo "the peer could not be installed ($peer/npm.log says why): measured without it" >&2
fi
set -- --build "$build" "$@"
[ ! -d "$peer/node_modules/@portkey-ai/gateway" ] || set -- --peer "$peer" "$@"
exec python3 bench/report.py "$@"
