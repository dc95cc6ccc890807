#!/bin/sh
# Installs the Debian packages that building, running and testing GenOps needs and that are missing. Debian 12.
# `tools/dependencies.sh test` adds what only the tests need, `bench` what only the benchmarks do.
# nginx's package would start a service on port 80: it is kept from doing so, unless it was installed before.
set -eu

packages="gcc libc6-dev make pkg-config meson ninja-build python3 nginx nginx-dev libcurl4-openssl-dev libnghttp2-dev
libssl-dev libsqlite3-dev libfyaml-dev libpcre2-dev zlib1g-dev libzstd-dev libsnappy-dev libxxhash-dev librdkafka-dev libcmocka-dev ca-certificates"
[ "$(dpkg --print-architecture)" != amd64 ] || packages="$packages libhyperscan-dev"
[ "${1:-}" != bench ] || packages="$packages wrk nodejs npm"
[ "${1:-}" != test ] || packages="$packages clang libclang-rt-14-dev valgrind wrk curl sqlite3 python3-venv nodejs npm prometheus-bin libfaketime default-jre-headless maven"

missing=""
for package in $packages; do
	dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' && continue
	# Some packages have other names elsewhere, or the thing is there from another source.
	case $package in
	default-jre-headless) command -v java >/dev/null 2>&1 && continue ;;
	maven) command -v mvn >/dev/null 2>&1 && continue ;;
	nodejs | npm) command -v "$package" >/dev/null 2>&1 && continue ;;
	python3 | python3-venv) python3 -c 'import venv, ensurepip' 2>/dev/null && continue ;;
	prometheus-bin) command -v promtool >/dev/null 2>&1 && continue; package=prometheus ;;
	esac
	missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || { echo "these Debian packages are missing, install them as root: apt-get install$missing" >&2; exit 1; }
	as_root=sudo
fi
echo "installing:$missing"

guard=/usr/sbin/policy-rc.d
made_guard=no
case "$missing" in
*nginx* | *prometheus*)
	if [ ! -e $guard ]; then
		printf '#!/bin/sh\nexit 101\n' | $as_root tee $guard >/dev/null
		$as_root chmod 755 $guard
		made_guard=yes
	fi
	;;
esac
status=0
{ $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing; } >/tmp/genops-apt.$$ 2>&1 || status=$?
[ $made_guard = no ] || $as_root rm -f $guard
[ $status -eq 0 ] || cat /tmp/genops-apt.$$ >&2
rm -f /tmp/genops-apt.$$
exit $status
