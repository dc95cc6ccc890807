# GenOps: the newcomer's commands. The build itself is Meson's (meson.build).
PREFIX ?= /usr/local
BUILD ?= build

.PHONY: build run test real bench install contract lint docs fuzz clean deps

build: deps
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) --prefix=$(PREFIX) >$(BUILD).log 2>&1 || { cat $(BUILD).log; rm -f $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@ninja -C $(BUILD) $(NINJAFLAGS)

# The gateway on an embedded state directory, and the demonstration beside it; goes on until Ctrl-C.
# Only what it needs is built: tests and manuals can wait.
run: NINJAFLAGS += genops nginx/ngx_http_genops_module.so
run: build
	@tools/run.sh $(BUILD)

test: build
	@tools/test.sh $(BUILD)

# Destinations against the servers themselves (tests/real), which are built into SERVERS first; that takes long, once.
SERVERS ?= $(BUILD)/servers
real: build
	@tools/real_servers.sh $(SERVERS)
	@test -x $(BUILD)/venv/bin/pytest || { python3 -m venv $(BUILD)/venv && $(BUILD)/venv/bin/pip install -q --disable-pip-version-check -r tests/requirements.txt; }
	@export GENOPS_BUILD=$(abspath $(BUILD)) && for server in otelcol:otelcol jaeger:jaeger minio:minio opensearch:libs; do \
		name=$$(echo $${server%:*} | tr a-z A-Z); export GENOPS_$$name=$(abspath $(SERVERS))/$${server%:*}/$${server#*:}; \
	done && $(BUILD)/venv/bin/python -m pytest -q tests/real

bench: deps
	@tools/bench.sh

# PREFIX may be another one than at the first build.
install: build
	@meson configure $(BUILD) --prefix=$(abspath $(PREFIX)) && ninja -C $(BUILD) >/dev/null
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild

# Contract rows that no test names.
contract:
	@python3 tools/contract.py

lint:
	@python3 tools/check_layers.py && python3 tools/check_names.py && python3 tools/check_sizes.py && python3 tools/check_docs.py

# docs/reference/ from the rows that the code works by.
docs: build
	@tools/docs_check.sh $(BUILD)/genops --write

# Every fuzz target for FUZZ_SECONDS each (clang).
fuzz: deps
	@tools/fuzz.sh

# Debian packages that are missing (asks for root only if any is).
deps:
	@tools/dependencies.sh

clean:
	rm -rf $(BUILD) build-*
