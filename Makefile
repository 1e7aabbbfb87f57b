# Everything is built, tested, measured and installed from here. `make help` lists the targets.

B        ?= build
PREFIX   ?= /usr/local
DESTDIR  ?=
CC       := $(if $(filter default,$(origin CC)),gcc,$(CC))
CFLAGS   ?= -O2 -g
SANITIZE ?=
CONFIG   ?= configs/original.ini configs/waiting.ini
SECONDS  ?= 30

VERSION := $(shell sed -n 's/^\#define DMONITOR_VERSION "\(.*\)"/\1/p' monitor/dmonitor.h)

PACKAGES_BUILD := gcc libc6-dev make pkg-config libzmq3-dev libcjson-dev libcsv-dev uthash-dev \
                  libbsd-dev gnuplot-nox
PACKAGES_TEST  := $(PACKAGES_BUILD) g++ git libcmocka-dev python3 python3-zmq locales
PACKAGES_CI    := $(PACKAGES_TEST) clang clang-format libclang-rt-14-dev llvm-14 spin valgrind binutils

WARNINGS   := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
              -Wformat=2 -Wvla -Wundef -Wcast-qual -Wwrite-strings
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -DPREFIX='"$(PREFIX)"' $(WARNINGS) -fPIC -fvisibility=hidden -pthread -MMD -MP \
              $(if $(CI),-Werror) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
              -fno-omit-frame-pointer) $(CFLAGS)
ALL_LDFLAGS := -pthread $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)
LIBS       := -lzmq -lcjson -lcsv -lm -lrt

# What each archive is made of. The server and the programs are linked from them.
LIB_SRC    := $(wildcard monitor/client*.c monitor/wire*.c) $(wildcard monitor/conversation*.c) monitor/clock.c
SERVER_SRC := $(wildcard monitor/core*.c monitor/model*.c monitor/record*.c) \
              $(addprefix monitor/,budget.c connections.c gate.c guard.c intake.c peer_socket.c router.c sight_queue.c transport.c \
              watcher.c) $(wildcard monitor/server_*.c monitor/check_*.c) monitor/history_reader.c
BUFFER_SRC := $(wildcard buffer/*.c)
SIM_SRC    := $(filter-out sim/producer_consumer.c,$(wildcard sim/*.c))
PERF_SRC   := $(filter-out perf/performance_test.c perf/microbenchmark.c perf/recovery.c,\
              $(wildcard perf/*.c perf/engines/*.c))
MAIN_SRC   := monitor/monitor_server.c monitor/monitor_check.c sim/producer_consumer.c \
              perf/performance_test.c perf/microbenchmark.c perf/recovery.c
TEST_SRC   := $(wildcard */test/test_*.c)
FUZZ_SRC   := $(wildcard */test/fuzz_*.c)
BENCH_SRC  := $(wildcard */test/benchmark_*.c)
SUPPORT_SRC := $(filter-out $(TEST_SRC) $(FUZZ_SRC) $(BENCH_SRC),$(wildcard */test/*.c))

object    = $(patsubst %.c,$(B)/obj/%.o,$(1))
ARCHIVES := $(B)/perf.a $(B)/sim.a $(B)/buffer.a $(B)/server.a $(B)/libdmonitor.a
PROGRAMS := $(B)/monitor_server $(B)/monitor_check $(B)/producer_consumer $(B)/performance_test \
            $(B)/microbenchmark $(B)/recovery
TESTS    := $(patsubst %.c,$(B)/%,$(TEST_SRC))
REPLAYS  := $(patsubst %.c,$(B)/%,$(FUZZ_SRC))
SCRIPTS  := $(wildcard */test/test_*.py */test/test_*.sh)

all: $(PROGRAMS) $(B)/libdmonitor.so ## build the programs and libraries into build/

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

# The manifest of each run tells how the program was built.
$(B)/obj/perf/build_info.o: ALL_CFLAGS += \
	-DBUILD_FLAGS='"$(CFLAGS)$(if $(SANITIZE), -fsanitize=$(SANITIZE))"'

$(B)/libdmonitor.a: $(call object,$(LIB_SRC))
$(B)/server.a: $(call object,$(SERVER_SRC))
$(B)/buffer.a: $(call object,$(BUFFER_SRC))
$(B)/sim.a: $(call object,$(SIM_SRC))
$(B)/perf.a: $(call object,$(PERF_SRC))
$(B)/%.a:
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/libdmonitor.so: $(call object,$(LIB_SRC))
	$(CC) -shared -Wl,-soname,libdmonitor.so.0 -Wl,-z,defs $(ALL_LDFLAGS) -o $@ $^ -lzmq -lcjson -lm
	@ln -sf libdmonitor.so $(B)/libdmonitor.so.0

$(B)/monitor_server: $(call object,monitor/monitor_server.c)
$(B)/monitor_check: $(call object,monitor/monitor_check.c)
$(B)/producer_consumer: $(call object,sim/producer_consumer.c)
$(B)/performance_test: $(call object,perf/performance_test.c)
$(B)/microbenchmark: $(call object,perf/microbenchmark.c)
$(B)/recovery: $(call object,perf/recovery.c)
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
FAILING_MALLOC := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
$(patsubst %.c,$(B)/%,$(shell grep -l failing_malloc.h */test/*.c)): TEST_LDFLAGS := $(FAILING_MALLOC)

# The simulation puts a network, a clock and a keeper of its own in the place of the library's.
$(B)/monitor/test/test_simulation: $(call object,$(wildcard monitor/test/simulation/*.c))

tests: all $(TESTS) $(REPLAYS)

packages: ## install the Debian packages that building and measuring need
	@.ci/install-packages $(PACKAGES_BUILD)

packages-test:
	@.ci/install-packages $(PACKAGES_TEST)

packages-ci:
	@.ci/install-packages $(PACKAGES_CI)

# The main job, from a fresh clone.
bench: packages ## run CONFIG (default: the original's scenarios), leave CSV and charts
	@$(MAKE) --no-print-directory all
	$(B)/performance_test run $(CONFIG)

# All tests, from a fresh clone; and again in a locale that writes a comma for the decimal point.
check: packages-test ## run all tests
	@$(MAKE) --no-print-directory -j2 tests
	@B=$(B) .ci/check $(TESTS) $(SCRIPTS)

check-asan: packages-test ## the same, built with the address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory -j2 B=build-asan SANITIZE=address,undefined tests
	@B=build-asan QUICK=1 .ci/check $(patsubst $(B)/%,build-asan/%,$(TESTS)) \
		$(filter-out %/test_install.sh,$(SCRIPTS))

THREADED := test_faults test_kills test_live test_restart test_resume test_threads
check-tsan: packages-test ## the threads of library and server, built with the thread sanitizer
	@$(MAKE) --no-print-directory -j2 B=build-tsan SANITIZE=thread \
		build-tsan/monitor_server $(addprefix build-tsan/monitor/test/,$(THREADED))
	@TSAN_OPTIONS="suppressions=$(CURDIR)/.ci/tsan.supp halt_on_error=1 die_after_fork=0" .ci/run-tests build-tsan \
		$(addprefix build-tsan/monitor/test/,$(THREADED))

check-valgrind: packages-test ## the tests of the library and the buffer under valgrind
	@.ci/install-packages valgrind
	@$(MAKE) --no-print-directory -j2 tests
	@WRAPPER="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
		--child-silent-after-fork=yes --suppressions=.ci/valgrind.supp" \
		.ci/run-tests $(B) $(addprefix $(B)/monitor/test/,test_stories test_wire test_counts test_threads) \
		$(B)/buffer/test/test_live

mutants: packages-test ## show that the suite notices each fault of monitor/test/mutants.txt
	@.ci/mutants

# Fuzzers are built whole, by clang, because all of the code must be instrumented.
FUZZ_FLAGS := -std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined \
              -fno-sanitize-recover=all -DDMONITOR_LIBFUZZER
fuzz_link = $$(grep -q failing_malloc.h $$target && echo $(FAILING_MALLOC)) $(LIBS) -pthread
fuzz: ## fuzz wire, core and the scenario reader for SECONDS each
	@$(MAKE) --no-print-directory packages-ci
	@for target in $(FUZZ_SRC); do \
		name=$${target##*/fuzz_}; name=$${name%.c}; corpus=$${target%/*}/corpus/$$name; \
		mkdir -p $(B)/fuzz/$$name; echo "fuzz: $$name"; \
		clang $(FUZZ_FLAGS) -o $(B)/fuzz_$$name $$target $(SERVER_SRC) $(LIB_SRC) \
			$(BUFFER_SRC) $(SIM_SRC) $(PERF_SRC) $(fuzz_link) && \
		$(B)/fuzz_$$name $$(ls $${target%.c}.dict 2>/dev/null | sed s/^/-dict=/) \
			-max_total_time=$(SECONDS) -artifact_prefix=$(B)/ $(B)/fuzz/$$name $$corpus \
			>$(B)/fuzz_$$name.log 2>&1 || { tail -n 40 $(B)/fuzz_$$name.log; exit 1; }; \
		tail -n 1 $(B)/fuzz_$$name.log; \
	done

# How much of wire and core the fuzzers reach: with the kept corpora, and what `make fuzz` found.
# NDEBUG: utlist.h's assertions would leave the lines behind them uncounted.
COVERED := $(wildcard monitor/wire*.c monitor/core*.c)
fuzz-coverage: packages-ci ## which lines of wire and core the fuzzers reach; fails below 95 %
	@mkdir -p $(B)/coverage
	@for target in monitor/test/fuzz_wire.c monitor/test/fuzz_core.c; do \
		name=$${target##*/fuzz_}; name=$${name%.c}; \
		clang $(filter-out -fsanitize=% -fno-sanitize%,$(FUZZ_FLAGS)) -DNDEBUG -fsanitize=fuzzer \
			-fprofile-instr-generate -fcoverage-mapping -o $(B)/coverage/fuzz_$$name $$target \
			$(COVERED) monitor/model*.c $(fuzz_link) && \
		LLVM_PROFILE_FILE=$(B)/coverage/$$name.profraw $(B)/coverage/fuzz_$$name -runs=0 \
			monitor/test/corpus/$$name $$(ls -d $(B)/fuzz/$$name 2>/dev/null) \
			>$(B)/coverage/$$name.log 2>&1 || { tail -n 40 $(B)/coverage/$$name.log; exit 1; }; \
	done
	@.ci/coverage-table $(B)/coverage 95 $(COVERED)

model: packages-ci ## let Spin look at every state of a model of monitor, clients and a failing network
	@monitor/proof/check.sh $(B)/model

demo: packages ## run the demo: producers, consumers and a buffer that fills and empties
	@$(MAKE) --no-print-directory all
	$(B)/producer_consumer

microbench: packages-test ## what an enter, an exit, a put costs, in ZeroMQ round trips; and a step of the core
	@$(MAKE) --no-print-directory all $(patsubst %.c,$(B)/%,$(BENCH_SRC))
	$(B)/microbenchmark
	$(B)/monitor/test/benchmark_core

recovery: packages ## how long until the others go on after somebody was killed, next to pthreads
	@$(MAKE) --no-print-directory all
	$(B)/recovery
hostile: packages-test ## what honest clients keep of their throughput while others attack the server
	@$(MAKE) --no-print-directory all $(B)/monitor/test/benchmark_hostile
	$(B)/monitor/test/benchmark_hostile

plots: packages ## redraw the gallery in plots/ from results/reference
	@$(MAKE) --no-print-directory all
	@for suite in results/reference/*/; do \
		$(B)/performance_test plot "$$suite" -o plots/$$(basename $$suite) || exit 1; \
	done

lint: ## check who includes what, what pure objects call, and the layout
	@$(MAKE) --no-print-directory all
	@.ci/lint $(B)

format: ## lay all C files out by .clang-format
	clang-format -i $(shell git ls-files '*.c' '*.h')

INSTALLED := $(DESTDIR)$(PREFIX)
install: all ## install below PREFIX (default /usr/local), inside DESTDIR
	install -d $(INSTALLED)/bin $(INSTALLED)/include $(INSTALLED)/lib/pkgconfig \
		$(INSTALLED)/share/dmonitor/plots $(INSTALLED)/share/dmonitor/configs
	install -m 755 $(B)/monitor_server $(B)/monitor_check $(B)/producer_consumer $(B)/performance_test \
		$(INSTALLED)/bin
	install -m 644 monitor/dmonitor.h $(INSTALLED)/include
	install -m 644 $(B)/libdmonitor.a $(INSTALLED)/lib
	install -m 755 $(B)/libdmonitor.so $(INSTALLED)/lib/libdmonitor.so.$(VERSION)
	ln -sf libdmonitor.so.$(VERSION) $(INSTALLED)/lib/libdmonitor.so.0
	ln -sf libdmonitor.so.0 $(INSTALLED)/lib/libdmonitor.so
	install -m 644 plots/*.gp $(INSTALLED)/share/dmonitor/plots
	install -m 644 configs/*.ini $(INSTALLED)/share/dmonitor/configs
	printf '%s\n' 'prefix=$(PREFIX)' 'Name: dmonitor' \
		'Description: monitors for processes that share no memory' 'Version: $(VERSION)' \
		'Libs: -L$${prefix}/lib -ldmonitor' 'Libs.private: -lm -pthread' \
		'Requires.private: libzmq libcjson' 'Cflags: -I$${prefix}/include' \
		>$(INSTALLED)/lib/pkgconfig/dmonitor.pc

uninstall: ## remove what install put there
	rm -f $(addprefix $(INSTALLED)/bin/,monitor_server monitor_check producer_consumer performance_test) \
		$(INSTALLED)/include/dmonitor.h $(INSTALLED)/lib/libdmonitor.* \
		$(INSTALLED)/lib/pkgconfig/dmonitor.pc
	rm -rf $(INSTALLED)/share/dmonitor

clean: ## remove what was built
	rm -rf build build-asan build-clang build-tsan

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18
	@echo
	@echo "Variables: CC, CFLAGS, CONFIG (scenario files), PREFIX, DESTDIR, SECONDS, SANITIZE, B (build folder)"

.PHONY: all tests packages packages-test packages-ci bench check check-asan check-tsan check-valgrind \
	mutants fuzz fuzz-coverage model demo microbench recovery hostile plots lint format install uninstall clean help
.DELETE_ON_ERROR:
.SECONDARY:

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
