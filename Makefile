# nginx-socketio: build, run and test.  `make help` lists the targets.
#
# BUILD      release (default), debug (default of `make test`) or sanitize
#            (a whole nginx with ASan and UBSan, the module linked in)
# NGINX_SRC  another nginx source tree: builds its nginx and the module for it
# JOBS       compilers and test files at a time (2)
# VALGRIND   1: the tests with nginx run it under valgrind (BUILD=debug)
# FUZZ TIME  the decoder to fuzz, and for how many seconds
#
# A test file with nginx that fails is run once more at the end; what fails
# both times has failed.  Everything generated is under build/.

ifneq (,$(filter test prove,$(MAKECMDGOALS)))
BUILD     ?= debug
endif
BUILD     ?= release
NGINX_SRC ?=
JOBS      ?= 2
FUZZ      ?= json
TIME      ?= 60
TESTS     ?= $(sort $(wildcard t/*.t))
UNIT      ?= build/unit
DESTDIR   ?=

OUT       := build/$(BUILD)$(addprefix -,$(notdir $(abspath $(NGINX_SRC))))
MODULE    := $(OUT)/ngx_http_socketio_module.so
FLOORS    := codec logic shm hub transport backend http
SOURCES   := $(sort $(wildcard $(FLOORS:%=src/%/*.[ch])))

ifeq ($(BUILD),sanitize)
GOALS     := binary
PRODUCT   := $(OUT)/nginx
else ifneq ($(NGINX_SRC),)
GOALS     := binary modules
PRODUCT   := $(MODULE)
else
GOALS     := modules
PRODUCT   := $(MODULE)
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all run stop test prove unit fuzz fuzz-all fuzz-replay layers style \
        deps run-deps test-deps fuzz-deps client install install-conf clean \
        bench bench-quick bench-curves bench-deps help FORCE


all: $(PRODUCT) ## build the module (BUILD=sanitize: a whole nginx)

# nginx's own Makefile knows what to compile again; ours, when to configure.

$(PRODUCT): $(OUT)/Makefile FORCE
	@$(MAKE) --no-print-directory -j$(JOBS) -C $(OUT)/src \
	    -f $(abspath $(OUT))/Makefile $(GOALS) >$(OUT)/make.log 2>&1 \
	    || { cat $(OUT)/make.log; exit 1; }
	@grep -E 'warning:' $(OUT)/make.log || true
	@echo "built $@"

$(OUT)/Makefile: config src/exports.map t/tools/nginx-configure $(OUT)/sources
	t/tools/nginx-configure $(BUILD) $(OUT) $(NGINX_SRC)

$(OUT)/sources: FORCE
	@mkdir -p $(OUT)
	@echo '$(SOURCES)' | tr ' ' '\n' | cmp -s - $@ \
	    || echo '$(SOURCES)' | tr ' ' '\n' >$@


run: run-deps ## install what is missing, build, start the demo on port 3001
	@$(MAKE) --no-print-directory BUILD=release NGINX_SRC= all client
	@t/tools/demo start

stop: ## stop the demo
	@t/tools/demo stop


test: test-deps unit fuzz-replay layers style prove ## everything (BUILD=debug)

prove: $(PRODUCT) client ## the tests with nginx: t/*.t, or TESTS="t/a.t ..."
	@SOCKETIO_BUILD=$(OUT) SOCKETIO_VALGRIND=$(VALGRIND) \
	    t/tools/prove $(TESTS)

unit: ## the unit tests, without nginx, under ASan and UBSan
	@$(MAKE) --no-print-directory -j$(JOBS) -f t/tools/unit.mk unit
	@t/tools/prove --once -j$(JOBS) \
	    $(patsubst t/unit/%.c,$(UNIT)/%,$(wildcard t/unit/*_test.c))

fuzz: ## fuzz one decoder: FUZZ=json TIME=60
	@$(MAKE) --no-print-directory -j$(JOBS) -f t/tools/unit.mk \
	    build/fuzz/$(FUZZ)
	t/tools/fuzz $(FUZZ) $(TIME)

fuzz-all: ## fuzz every decoder for TIME seconds each
	@for name in $(basename $(notdir $(filter-out %/driver.c, \
	    $(wildcard t/fuzz/*.c)))); do \
	    $(MAKE) --no-print-directory fuzz FUZZ=$$name TIME=$(TIME) || exit 1; \
	done

fuzz-replay: ## replay the fuzz corpus
	@$(MAKE) --no-print-directory -j$(JOBS) -f t/tools/unit.mk replay

bench: bench-deps all ## beside the floor server, Nchan and Node (BUILD=release)
	@$(MAKE) --no-print-directory -f t/tools/unit.mk build/bench/load \
	    build/bench/floor
	@SOCKETIO_BUILD=$(OUT) node t/bench/bench.js $(BENCH)

bench-quick: ## the same in two minutes
	@$(MAKE) --no-print-directory bench BENCH="--quick $(BENCH)"

bench-curves: client all ## what costs depend on: rooms, members, workers
	@$(MAKE) --no-print-directory -f t/tools/unit.mk build/bench/load
	@SOCKETIO_BUILD=$(OUT) node t/bench/curves.js $(BENCH)
	@t/bench/room

layers: ## prove that no floor includes a higher one
	@$(MAKE) --no-print-directory -j$(JOBS) -f t/tools/unit.mk pure
	@t/tools/layers build/pure/lib.a

style: ## check the look of the sources
	@t/tools/style


deps: ## install the Debian packages that a build needs
	@t/tools/packages build

run-deps:
	@t/tools/packages build run

test-deps: client ## install what the tests need
	@t/tools/packages build run test

bench-deps: client
	@t/tools/packages build run bench

fuzz-deps: ## install what fuzzing needs
	@t/tools/packages build test fuzz

client: t/node_modules/.package-lock.json

t/node_modules/.package-lock.json: t/package-lock.json
	@t/tools/packages run
	npm ci --prefix t --no-audit --no-fund --loglevel=error
	@touch $@

install: $(PRODUCT) install-conf ## install the module, presets and examples
	install -D -m 644 $(MODULE) \
	    $(DESTDIR)$$(t/tools/nginx-path modules)/$(notdir $(MODULE))

install-conf:
	to=$(DESTDIR)$$(t/tools/nginx-path prefix)/socketio; \
	for name in presets examples; do \
	    install -d $$to/$$name && \
	    install -m 644 conf/$$name/*.conf $$to/$$name || exit 1; \
	done

clean: stop ## remove build/
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) \
	    | expand -t 14
	@echo; sed -n '2,/^$$/s/^# \(  .*\|[A-Z_ ]*  .*\)/\1/p' $(MAKEFILE_LIST)
