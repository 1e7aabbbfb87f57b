# Everything is built, tested, measured and installed from here. `make help` lists the targets.

B        ?= build
PREFIX   ?= /usr/local
DESTDIR  ?=
CC       ?= gcc
CFLAGS   ?= -O2 -g
SANITIZE ?=
CONFIG   ?= configs/original.ini configs/waiting.ini
SECONDS  ?= 30

VERSION := $(shell sed -n 's/^\#define DMONITOR_VERSION "\(.*\)"/\1/p' monitor/dmonitor.h)

PACKAGES_BUILD := gcc libc6-dev make pkg-config libzmq3-dev libcjson-dev libcsv-dev uthash-dev \
                  libbsd-dev gnuplot-nox
PACKAGES_TEST  := $(PACKAGES_BUILD) g++ git libcmocka-dev python3 python3-zmq locales
PACKAGES_CI    := $(PACKAGES_TEST) clang clang-format libclang-rt-14-dev valgrind binutils

WARNINGS   := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
              -Wformat=2 -Wvla -Wundef -Wcast-qual -Wwrite-strings
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE $(WARNINGS) -fPIC -fvisibility=hidden -pthread -MMD -MP \
              $(if $(CI),-Werror) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
              -fno-omit-frame-pointer) $(CFLAGS)
ALL_LDFLAGS := -pthread $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)
LIBS       := -lzmq -lcjson -lcsv -lm -lrt

# What each archive is made of. The server and the programs are linked from them.
LIB_SRC    := $(wildcard monitor/client*.c monitor/wire*.c) monitor/conversation.c monitor/clock.c
SERVER_SRC := $(wildcard monitor/core*.c) monitor/connections.c monitor/transport.c monitor/watcher.c \
              $(wildcard monitor/server_*.c)
BUFFER_SRC := $(wildcard buffer/*.c)
SIM_SRC    := $(filter-out sim/producer_consumer.c,$(wildcard sim/*.c))
PERF_SRC   := $(filter-out perf/performance_test.c perf/microbenchmark.c,$(wildcard perf/*.c perf/engines/*.c))
MAIN_SRC   := monitor/monitor_server.c sim/producer_consumer.c perf/performance_test.c \
              perf/microbenchmark.c
TEST_SRC   := $(wildcard */test/test_*.c)
SUPPORT_SRC := $(filter-out $(TEST_SRC) %/fuzz_wire.c %/fuzz_core.c \
              %/fuzz_ini.c,$(wildcard */test/*.c))
FUZZ_SRC   := $(wildcard */test/fuzz_*.c)

object    = $(patsubst %.c,$(B)/obj/%.o,$(1))
ARCHIVES := $(B)/perf.a $(B)/sim.a $(B)/buffer.a $(B)/server.a $(B)/libdmonitor.a
PROGRAMS := $(B)/monitor_server $(B)/producer_consumer $(B)/performance_test $(B)/microbenchmark
TESTS    := $(patsubst %.c,$(B)/%,$(TEST_SRC))

all: $(PROGRAMS) $(B)/libdmonitor.so ## build the programs and libraries into build/

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/libdmonitor.a: $(call object,$(LIB_SRC))
$(B)/server.a: $(call object,$(SERVER_SRC))
$(B)/buffer.a: $(call object,$(BUFFER_SRC))
$(B)/sim.a: $(call object,$(SIM_SRC))
$(B)/perf.a: $(call object,$(PERF_SRC))
$(B)/%.a:
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/libdmonitor.so: $(call object,$(LIB_SRC))
	$(CC) -shared -Wl,-soname,libdmonitor.so.0 -Wl,-z,defs $(ALL_LDFLAGS) -o $@ $^ -lzmq -lcjson
	@ln -sf libdmonitor.so $(B)/libdmonitor.so.0

$(B)/monitor_server: $(call object,monitor/monitor_server.c)
$(B)/producer_consumer: $(call object,sim/producer_consumer.c)
$(B)/performance_test: $(call object,perf/performance_test.c)
$(B)/microbenchmark: $(call object,perf/microbenchmark.c)
$(PROGRAMS): $(ARCHIVES)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(ARCHIVES) $(LIBS)

# Each test program is linked with its folder's other test sources that are neither tests nor
# stand-alone, and with all archives.
support = $(call object,$(filter $(dir $(1))%,$(SUPPORT_SRC)))
.SECONDEXPANSION:
$(B)/%: $(B)/obj/%.o $(ARCHIVES) $$(call support,$$*)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $(TEST_LDFLAGS) -o $@ $(filter %.o,$^) $(ARCHIVES) $(LIBS) -lcmocka

# Programs under test ask malloc through a wrapper that can fail on purpose.
$(B)/monitor/test/test_memory $(B)/buffer/test/test_memory: TEST_LDFLAGS := \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup

tests: $(PROGRAMS) $(TESTS)

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
