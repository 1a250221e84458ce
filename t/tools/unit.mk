# Unit tests, fuzz targets and the pure library, all without an nginx.
# Used by the Makefile above; `make -f t/tools/unit.mk build/unit/x_test` makes
# one test alone.

UNIT     ?= build/unit
FUZZDIR  ?= build/fuzz
PURE     ?= build/pure
FUZZ_CC  ?= clang

WARN     := -W -Wall -Wextra -Wpointer-arith -Wno-unused-parameter -Werror
CFLAGS   := -std=gnu11 $(WARN) -g -O1 -fno-omit-frame-pointer -MMD -MP -Isrc
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined
INPUTS    = $(filter %.c %.o %.a,$^)
LIBS     := -ljansson -lpcre2-8 -lpthread

SRCS       := $(sort $(wildcard src/codec/*.c src/logic/*.c))
BARE       := $(sort $(wildcard src/shm/*.c)) \
              src/backend/ngx_http_socketio_breaker.c
TESTS      := $(sort $(wildcard t/unit/*_test.c))
BARE_TESTS := $(filter t/unit/shm_% t/unit/breaker_%,$(TESTS))
PURE_TESTS := $(filter-out $(BARE_TESTS),$(TESTS))
TARGETS    := $(sort $(filter-out t/fuzz/driver.c,$(wildcard t/fuzz/*.c)))

# What includes ngx_core.h, as floor 2 does, and calls nothing of nginx: its
# headers, and the configured ones, but no nginx to link with.

NGX      := build/debug
NGX_INCS := $(addprefix -I$(NGX)/src/src/,core event event/modules os/unix) \
            -I$(NGX)

.PHONY: unit pure replay
.SECONDARY:


unit: $(TESTS:t/unit/%.c=$(UNIT)/%)

pure: $(PURE)/lib.a

replay: $(TARGETS:t/fuzz/%.c=$(FUZZDIR)/replay/%)
	@for target in $^; do \
	    $$target t/fuzz/corpus/$${target##*/} || exit 1; \
	done


$(BARE_TESTS:t/unit/%.c=$(UNIT)/%): $(UNIT)/%: t/unit/%.c $(UNIT)/bare.a \
    $(UNIT)/lib.a
	@echo "  $@"
	@gcc $(CFLAGS) $(SANITIZE) $(NGX_INCS) -It/unit -o $@ $(INPUTS) $(LIBS)

$(PURE_TESTS:t/unit/%.c=$(UNIT)/%): $(UNIT)/%: t/unit/%.c $(UNIT)/lib.a
	@echo "  $@"
	@gcc $(CFLAGS) $(SANITIZE) -It/unit -o $@ $(INPUTS) $(LIBS)

$(UNIT)/lib.a: $(SRCS:src/%.c=$(UNIT)/obj/%.o)
$(UNIT)/bare.a: $(BARE:src/%.c=$(UNIT)/obj/%.o)

$(UNIT)/lib.a $(UNIT)/bare.a:
	@rm -f $@
	@echo "  $@"
	@ar rcs $@ $^

$(BARE:src/%.c=$(UNIT)/obj/%.o): $(UNIT)/obj/%.o: src/%.c | $(NGX)/Makefile
	@mkdir -p $(@D)
	@echo "  $@"
	@gcc $(CFLAGS) $(SANITIZE) $(NGX_INCS) -c -o $@ $<

$(SRCS:src/%.c=$(UNIT)/obj/%.o): $(UNIT)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  $@"
	@gcc $(CFLAGS) $(SANITIZE) -c -o $@ $<

$(NGX)/Makefile:
	$(MAKE) BUILD=debug NGINX_SRC= $@


$(PURE)/lib.a: $(SRCS:src/%.c=$(PURE)/%.o)
	@rm -f $@
	@echo "  $@"
	@ar rcs $@ $^

$(PURE)/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  $@"
	@gcc $(CFLAGS) -c -o $@ $<


$(FUZZDIR)/replay/%: t/fuzz/%.c t/fuzz/driver.c $(UNIT)/lib.a
	@mkdir -p $(@D)
	@echo "  $@"
	@gcc $(CFLAGS) $(SANITIZE) -o $@ $(INPUTS) $(LIBS)

$(FUZZDIR)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  $@"
	@$(FUZZ_CC) $(CFLAGS) $(SANITIZE) -fsanitize=fuzzer-no-link -c -o $@ $<

$(FUZZDIR)/%: t/fuzz/%.c $(SRCS:src/%.c=$(FUZZDIR)/obj/%.o)
	@mkdir -p $(@D)
	@echo "  $@"
	@$(FUZZ_CC) $(CFLAGS) $(SANITIZE) -fsanitize=fuzzer \
	    -o $@ $(INPUTS) $(LIBS)


# The load generator and the floor server of the benchmark.

BENCH_CFLAGS := -std=gnu11 -D_GNU_SOURCE $(WARN) -g -O2 -MMD -MP

build/bench/load: $(filter-out t/bench/rule.c t/bench/room.c \
    t/bench/floor.c,$(wildcard t/bench/*.c))
	@mkdir -p $(@D)
	@echo "  $@"
	@gcc $(BENCH_CFLAGS) -o $@ $(INPUTS)

build/bench/floor: t/bench/floor.c
	@mkdir -p $(@D)
	@echo "  $@"
	@gcc $(BENCH_CFLAGS) -o $@ $(INPUTS) -lcrypto


-include $(wildcard build/bench/*.d $(UNIT)/*.d $(UNIT)/obj/*/*.d \
    $(PURE)/*/*.d \
    $(FUZZDIR)/*.d $(FUZZDIR)/obj/*/*.d $(FUZZDIR)/replay/*.d)
