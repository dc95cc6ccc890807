#!/bin/sh
# Every fuzz target for FUZZ_SECONDS (30) each, with clang's libFuzzer, ASan and UBSan; FUZZ_JOBS (2) at a time. FUZZ_TARGETS names
# some of them.
# What a target finds stays in $1-fuzz/new/<target>; a crash is left beside it and named here.
set -u
build=${1:-build}-fuzz
seconds=${FUZZ_SECONDS:-30}
jobs=${FUZZ_JOBS:-2}

[ -f "$build/build.ninja" ] ||
	CC=clang meson setup "$build" -Dfuzz=true -Dtests=false -Dnginx_module=false -Db_lundef=false >"$build.log" 2>&1 ||
	{ cat "$build.log" >&2; exit 1; }
rm -f "$build.log"
targets=${FUZZ_TARGETS:-$(cd fuzz && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')}
# shellcheck disable=SC2046
ninja -C "$build" -j "$jobs" $(printf 'fuzz/fuzz_%s ' $targets) || exit 1

fuzz() {
	name=$1
	new=$build/new/$name
	mkdir -p "$new"
	"$build/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$new/../$name-" "$new" "fuzz/corpus/$name" >"$build/$name.log" 2>&1
	status=$?
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log")
	if [ $status -eq 0 ]; then
		echo "ok    $name: ${runs:-?} runs in $seconds s"
	else
		echo "FAIL  $name: see $build/$name.log and $build/new/$name-*"
		echo "$name" >>"$build/failed"
	fi
}

rm -f "$build/failed"
running=0
for target in $targets; do
	fuzz "$target" &
	running=$((running + 1))
	[ $((running % jobs)) -ne 0 ] || wait
done
wait
[ ! -e "$build/failed" ]
