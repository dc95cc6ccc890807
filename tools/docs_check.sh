#!/bin/sh
# docs_check.sh GENOPS [--write]: docs/reference/ equals what the rows say (genops docs); --write makes it so.
# Also: man pages and completion are well formed as far as tools for that are there, every genops_self_ metric has its row, and
# what the written pages name is there (tools/check_docs.py).
set -u
genops=$1
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
mkdir -p "$root/docs/reference"

for page in $("$genops" docs); do
	"$genops" docs "$page" >"$work/$page.md" || status=1
	if [ "${2:-}" = --write ]; then
		cp "$work/$page.md" "$root/docs/reference/$page.md"
	elif ! cmp -s "$work/$page.md" "$root/docs/reference/$page.md"; then
		echo "docs/reference/$page.md differs from the rows: run make docs"
		status=1
	fi
done
for file in "$root"/docs/reference/*.md; do
	[ -f "$work/$(basename "$file")" ] || { echo "$file: no such page"; status=1; }
done

for command in "" $("$genops" --help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p'); do
	"$genops" docs man $command >"$work/man" || status=1
	if command -v man >/dev/null 2>&1 && command -v groff >/dev/null 2>&1; then
		said=$(groff -man -Tutf8 -ww -z "$work/man" 2>&1)
		[ -z "$said" ] || { echo "man page of genops $command: $said"; status=1; }
	fi
done
for shell in bash zsh fish; do
	"$genops" docs completion $shell >"$work/$shell" || status=1
	if command -v $shell >/dev/null 2>&1; then
		$shell -n "$work/$shell" || { echo "completion for $shell is not well formed"; status=1; }
	fi
done

for name in $(grep -rhoE '"genops_self_[a-z_]+"' "$root/src/engine" "$root/src/store" | tr -d '"' | sort -u); do
	grep -q "\`$name\`" "$work/metrics.md" || { echo "$name has no row in GENOPS_METRIC_SELF (src/telemetry/metrics/metrics.h)"; status=1; }
done
python3 "$root/tools/check_docs.py" "$genops" || status=1
exit $status
