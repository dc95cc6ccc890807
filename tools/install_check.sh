#!/bin/sh
# install_check.sh BUILD: `meson install` into an empty folder leaves something that works from where it lies: the example of
# genops.h built with pkg-config, shared and static; the command with its module; man pages; no path of the build tree in any file.
set -eu
build=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "install_check: $1" >&2; exit 1; }

DESTDIR="$work/stage" meson install -C "$build" --no-rebuild >"$work/log" 2>&1 || { cat "$work/log"; fail "meson install failed"; }
bin=$(find "$work/stage" -path '*/bin/genops')
[ -x "$bin" ] || fail "no command"
prefix=$(dirname "$(dirname "$bin")")
pc=$(find "$prefix" -name libgenops.pc)
[ -n "$pc" ] || fail "no pkg-config file"
lib=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH="$(dirname "$pc")" PKG_CONFIG_SYSROOT_DIR="$work/stage"

python3 "$root/tools/header_example.py" "$work/example.c"
cc -Wall -Werror -o "$work/shared" "$work/example.c" $(pkg-config --cflags --libs libgenops) -Wl,-rpath,"$lib"
ldd "$work/shared" | grep -q "libgenops.so.0 => $lib" || fail "the example is not linked with the installed library"
# The archive instead of -lgenops; what it needs comes from the system.
others=$(PKG_CONFIG_SYSROOT_DIR= pkg-config --libs --static libgenops | tr ' ' '\n' | grep -v -e '^-lgenops$' -e '^-L')
cc -Wall -Werror -o "$work/static" "$work/example.c" $(pkg-config --cflags libgenops) "$lib/libgenops.a" $others
! ldd "$work/static" | grep -q libgenops || fail "the static example wants the shared library"
for kind in shared static; do
	GENOPS_CONFIG= GENOPS_STATE_DIR="$work/state-$kind" "$work/$kind" >"$work/out" || { cat "$work/out"; fail "the $kind example failed"; }
	grep -q '^decision allowed' "$work/out" && grep -q '^cost 0.000207 USD' "$work/out" || { cat "$work/out"; fail "the $kind example's output"; }
done
if command -v c++ >/dev/null 2>&1; then
	printf '#include <genops/genops.h>\nint main() { return genops_version()[0] == 0; }\n' >"$work/plus.cc"
	c++ -Wall -Werror -o "$work/plus" "$work/plus.cc" $(pkg-config --cflags --libs libgenops) -Wl,-rpath,"$lib" && "$work/plus" || fail "C++"
fi

cd "$work"
env -u GENOPS_NGINX_MODULE "$bin" demo >"$work/demo" 2>&1 || { cat "$work/demo"; fail "genops demo failed from the installed place"; }
"$bin" --version | grep -q '^genops ' || fail "--version"
[ -f "$prefix/share/man/man1/genops.1" ] && [ -f "$prefix/share/man/man1/genops-serve.1" ] || fail "man pages"
[ -f "$prefix/share/bash-completion/completions/genops" ] || fail "completion"
for file in "$bin" "$lib"/libgenops.so.0 "$lib"/nginx/modules/ngx_http_genops_module.so; do
	! readelf -d "$file" | grep -E 'R(UN)?PATH' | grep -qv ORIGIN || fail "$file: run path is not relative"
	! readelf -d "$file" | grep -E 'R(UN)?PATH' | grep -q "$build" || fail "$file: run path of the build tree"
done
exported=$(nm -D --defined-only "$lib/libgenops.so.0" | awk '$2 == "T" {print $3}' | grep -v '^genops_' || true)
[ -z "$exported" ] || fail "exports that are not genops_: $exported"
echo "install_check: command, module, shared and static library, pkg-config, man pages and completion work from $(echo "$prefix" | sed "s|$work||")"
