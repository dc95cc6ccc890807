#!/bin/bash
# nginx as it is installed, with a module that is built with ASan and UBSan: their libraries have to be loaded first. What they report
# goes to stderr (nginx overwrites the environment that would say where else) and from there also to GENOPS_SANITIZER_LOGS.
# nginx's own leaks at exit are not ours: no leak detection. Started by `genops serve` as GENOPS_NGINX (tools/test.sh).
[ -z "${GENOPS_SANITIZER_LOGS:-}" ] || exec 2> >(exec tee -a "$GENOPS_SANITIZER_LOGS/nginx-$$" >&2)
LD_PRELOAD="$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libubsan.so)"
export LD_PRELOAD
exec nginx "$@"
