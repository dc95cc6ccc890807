#!/bin/bash
# make test: everything that tests GenOps, part by part, and one line at the end that adds all up:
#
#   N passed, N failed, N skipped
#
#   unit        unit tests and the fuzz targets' corpora replayed, in BUILD
#   lint        layers, names, sizes: a test each
#   sanitizers  the same unit tests and corpora with ASan and UBSan, in BUILD-asan
#   gateway     end-to-end tests of streams, refusals, bodies, bad requests, clients that leave, reload: nginx with that build's module
#   threads     the unit tests that start threads with TSan, in BUILD-tsan
#   valgrind    the unit tests of the hot path and of what is on disk with memcheck, in BUILD
#   pcre2       the pattern tests without Hyperscan, in BUILD-pcre2
#   e2e         pytest in tests/: the gateway, the commands, official SDKs, the fakes' own rules; packages in BUILD/venv and
#               tests/e2e/node_modules
#
# On two busy cores, first builds included: unit 1 min, sanitizers 2 to 4, gateway 2, threads 2, valgrind 1, pcre2 half a minute, e2e 5 to 6.
# TEST_PARTS="unit e2e" runs only these. Needs a network only to install what is missing.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$(realpath "${1:-build}")
parts=${TEST_PARTS:-unit lint sanitizers gateway threads valgrind pcre2 e2e}
results=$build/test-results
with_asan=(-Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1)
rm -rf "$results"
mkdir -p "$results"
exec </dev/null

tools/dependencies.sh test || exit 1

# note NAME STATUS: a test that is no test program.
note() {
	local name=$1 status=$2 kind=''
	[ "$status" -eq 0 ] || kind='<failure/>'
	printf '<testsuite><testcase name="%s">%s</testcase></testsuite>\n' "$name" "$kind" >"$results/$name.xml"
	[ "$status" -eq 0 ] && echo "ok    $name" || echo "FAIL  $name"
}

# run_meson DIR NAME ARGUMENT...: runs tests of a build directory and keeps their results.
run_meson() {
	local dir=$1 name=$2 junit status
	shift 2
	rm -f "$dir"/meson-logs/testlog*.junit.xml
	meson test -C "$dir" --no-rebuild --print-errorlogs "$@"
	status=$?
	junit=$(echo "$dir"/meson-logs/testlog*.junit.xml) # with a wrapper it has another name
	if [ -s "$junit" ]; then
		cp "$junit" "$results/$name.xml"
		# Meson writes a test that ran out of time there as one that passed.
		[ "$status" -eq 0 ] || grep -qE '<(failure|error)' "$junit" || note "$name-ran-out-of-time" 1
	else
		note "$name" 1
	fi
}

# configure DIR OPTION...
configure() {
	local dir=$1
	shift
	[ -f "$dir/build.ninja" ] && return 0
	meson setup "$dir" "$@" >"$dir.log" 2>&1 || { cat "$dir.log" >&2; return 1; }
	rm -f "$dir.log"
}

# Names of the unit tests that start threads, as room/name: by themselves, or because an engine or a loopback server has some. Forking
# with threads is nothing for TSan, such tests stand in files of their own (test_*_death.c); failing allocators are its own.
tests_with_threads() {
	local file
	for file in $(cd tests/unit &&
		grep -lE 'pthread_create|"(engine_fixture|flow_fixture|exchange_drive|drain_fixture|full_disk|loopback)\.h"' */test_*.c */*/test_*.c); do
		case $file in
		*_memory.c) continue ;;
		engine/*) grep -q 'fork()' "tests/unit/$file" && continue ;;
		esac
		file=${file%.c}
		echo "${file/test_/}"
	done
}

# programs NAME...: the build targets of these tests.
programs() {
	local name
	for name; do
		case $name in
		replay/*) echo "fuzz/replay_${name#replay/}" ;;
		*) echo "tests/unit/test_${name##*/}" ;;
		esac
	done
}

run_unit() {
	ninja -C "$build" || { note build 1; return; }
	run_meson "$build" unit
}

run_lint() {
	local check status
	for check in tools/check_*.py; do
		status=0
		python3 "$check" || status=$?
		note "$(basename "$check" .py)" $status
	done
}

# run_variant SUFFIX TESTS -- OPTION...: some tests in a build of their own.
run_variant() {
	local name=$1 dir=$build-$1 tests=()
	shift
	while [ "$1" != -- ]; do
		tests+=("$1")
		shift
	done
	shift
	# shellcheck disable=SC2046
	configure "$dir" "$@" && ninja -C "$dir" $(programs "${tests[@]}") || { note "$name" 1; return; }
	run_meson "$dir" "$name" "${tests[@]}"
}

all_tests() {
	meson introspect "$build" --tests | python3 -c '
import json, sys
for test in json.load(sys.stdin):
	if "unit" in str(test["suite"]) and "cli/" not in test["name"] or test["name"].startswith("replay/"):
		print(test["name"])'
}

run_sanitizers() {
	# shellcheck disable=SC2046
	run_variant asan $(all_tests) -- "${with_asan[@]}"
}

# The module stands in nginx as it is installed, so the sanitizers' libraries come first (tools/nginx_asan.sh).
run_gateway() {
	local dir=$build-asan logs=$build-asan/reports
	python_packages && configure "$dir" "${with_asan[@]}" && ninja -C "$dir" genops nginx/ngx_http_genops_module.so ||
		{ note gateway 1; return; }
	rm -rf "$logs"
	mkdir -m 1777 "$logs"
	GENOPS_BUILD=$dir GENOPS_NGINX=$PWD/tools/nginx_asan.sh GENOPS_SANITIZER_LOGS=$logs \
		ASAN_OPTIONS=detect_leaks=0:log_path=$logs/asan UBSAN_OPTIONS=print_stacktrace=1:log_path=$logs/ubsan \
		"$build/venv/bin/python" -m pytest -q --junitxml="$results/gateway.xml" tests/e2e/calls/test_{streams,requests,gateway_review}.py \
		tests/e2e/governing/test_governance.py tests/e2e/commands/test_stopping.py \
		tests/e2e/calls/test_recorded.py::test_recording_passes_and_is_metered \
		tests/e2e/chaos/test_chaos_reload.py::test_no_request_is_dropped_while_everything_is_reloaded
	[ -s "$results/gateway.xml" ] || note gateway 1
}

run_threads() {
	local -x TSAN_OPTIONS="suppressions=$PWD/tools/tsan.supp"
	# shellcheck disable=SC2046
	run_variant tsan $(tests_with_threads) -- -Dnginx_module=false -Db_sanitize=thread -Db_lundef=false -Doptimization=1
}

# Not those that replace malloc or run PCRE2's and Hyperscan's generated code: valgrind has its own malloc and does not know theirs.
run_valgrind() {
	local tests="engine/operation/operation engine/operation/settle engine/exchange engine/drain/drain govern/record govern/decision store/segment
		store/segment_reader store/ledger store/ledger_audit store/ledger_sums store/queue_block store/counters
		dialect/dialect dialect/answer dialect/counts dialect/follow dialect/form dialect/request dialect/refuse dialect/rewrite"
	# shellcheck disable=SC2046,SC2086
	ninja -C "$build" $(programs $tests) || { note valgrind 1; return; }
	# shellcheck disable=SC2086
	run_meson "$build" valgrind --timeout-multiplier 5 \
		--wrapper "valgrind --quiet --error-exitcode=97 --leak-check=full --errors-for-leak-kinds=definite,indirect" $tests
}

run_pcre2() {
	run_variant pcre2 govern/pattern_set govern/content_filter replay/pattern_set -- -Dnginx_module=false -Dhyperscan=disabled
}

python_packages() {
	local venv=$build/venv
	if ! cat tests/requirements.txt tests/requirements-traceloop.txt | cmp -s - "$venv/installed.txt"; then
		rm -rf "$venv"
		python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check -r tests/requirements.txt || return 1
		# Its tests are skipped without it, and say so.
		"$venv/bin/pip" install -q --disable-pip-version-check --no-deps -r tests/requirements-traceloop.txt ||
			echo "traceloop-sdk cannot be installed" >&2
		cat tests/requirements.txt tests/requirements-traceloop.txt >"$venv/installed.txt"
	fi
}

run_e2e() {
	python_packages || { note packages 1; return; }
	# Without npm's packages the tests of those SDKs are skipped, and say so.
	for where in tests/e2e tests/e2e/traced; do
		cmp -s $where/package-lock.json $where/node_modules/installed.json && continue
		npm ci --prefix $where --ignore-scripts --no-audit --no-fund --silent &&
			cp $where/package-lock.json $where/node_modules/installed.json || echo "npm's packages cannot be installed" >&2
	done
	GENOPS_BUILD=$build "$build/venv/bin/python" -m pytest -q --junitxml="$results/e2e.xml" tests/e2e
	[ -s "$results/e2e.xml" ] || note e2e 1
	# The fake Collibra's own rules.
	"$build/venv/bin/python" -m pytest -q --junitxml="$results/collibra.xml" -c tests/collibra/pytest.ini tests/collibra
	[ -s "$results/collibra.xml" ] || note collibra 1
}

for part in $parts; do
	echo "=== $part"
	began=$SECONDS
	"run_$part"
	echo "=== $part: $((SECONDS - began)) s"
done

python3 - "$results" <<'PY'
import glob, sys
import xml.etree.ElementTree as xml

passed = failed = skipped = 0
for name in sorted(glob.glob(sys.argv[1] + "/*.xml")):
    for case in xml.parse(name).getroot().iter("testcase"):
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            failed += 1
            print("failed:", case.get("classname") or "", case.get("name"))
        elif "skipped" in kinds:
            skipped += 1
        else:
            passed += 1
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(failed > 0 or not passed)
PY
