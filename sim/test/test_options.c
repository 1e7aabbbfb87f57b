/* test_options.c: what the command line may say, and the sentences about what it may not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../options.h"

/* Parse a command line of at most four words. */
static int parse(const char *const words[4], struct options *options, char sentence[256])
{
	static char copies[5][64];
	char *arguments[6] = { copies[0] };
	int count = 1;

	strcpy(copies[0], "producer_consumer");
	for (; count <= 4 && words[count - 1] != NULL; count++) {
		strcpy(copies[count], words[count - 1]);
		arguments[count] = copies[count];
	}
	return options_parse(count, arguments, options, sentence, 256);
}

static void nothing_said_is_the_demo(void **state)
{
	static const char *const nothing[4] = { NULL };
	struct options options;
	char sentence[256];

	(void)state;
	assert_int_equal(parse(nothing, &options, sentence), 0);
	assert_int_equal(options.producers, 2);
	assert_int_equal(options.consumers, 5);
	assert_int_equal(options.items, 20);
	assert_int_equal(options.capacity, 5);
	assert_int_equal(options.produce.kind, DISTRIBUTION_UNIFORM);
	assert_int_equal(options.consume.kind, DISTRIBUTION_UNIFORM);
	assert_null(options.server);
	assert_string_equal(options.transport, "tcp");
	assert_false(options.seeded || options.plain || options.help || options.version);
}

static void what_is_said_is_taken(void **state)
{
	static const char *const numbers[4] = { "--producers=3", "--seed", "0", "--plain" };
	static const char *const others[4] = { "--produce-time", "exp(1 ms)", "--transport",
		                               "ipc" };
	static const char *const polling[4] = { "--poll-interval", "100 ms", "--server",
		                                "tcp://x:1" };
	struct options options;
	char sentence[256];

	(void)state;
	assert_int_equal(parse(numbers, &options, sentence), 0);
	assert_int_equal(options.producers, 3);
	assert_true(options.seeded && options.seed == 0 && options.plain);
	assert_int_equal(parse(others, &options, sentence), 0);
	assert_int_equal(options.produce.kind, DISTRIBUTION_EXPONENTIAL);
	assert_string_equal(options.transport, "ipc");
	assert_int_equal(parse(polling, &options, sentence), 0);
	assert_int_equal(options.poll_interval_ms, 100);
	assert_string_equal(options.server, "tcp://x:1");
}

static void what_makes_no_sense_is_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *words[4];
		const char *sentence;
	} rows[] = {
		{ { "--capacity", "0" }, "--capacity: 0 is below 1" },
		{ { "--capacity", "1048577" }, "--capacity: 1048577 is above 1048576" },
		{ { "--items", "99999999999999999999999" },
		  "--items: 99999999999999999999999 is above 10000000" },
		{ { "--producers", "-1" }, "--producers: '-1' is not a whole number" },
		{ { "--producers", "two" }, "--producers: 'two' is not a whole number" },
		{ { "--producers", "2x" }, "--producers: '2x' is not a whole number" },
		{ { "--producers", "" }, "--producers: '' is not a whole number" },
		{ { "--producers", " 2" }, "--producers: ' 2' is not a whole number" },
		{ { "--item-bytes", "7" }, "--item-bytes: 7 is below 8" },
		{ { "--seed", "18446744073709551616" },
		  "--seed: 18446744073709551616 is above 18446744073709551615" },
		{ { "--produce-time", "5" },
		  "--produce-time: '5' lacks a unit: ns, us, ms, s, min or h" },
		{ { "--poll-interval", "0" },
		  "--poll-interval: '0' is not a whole number of milliseconds above 0" },
		{ { "--poll-interval", "1.5 ms" },
		  "--poll-interval: '1.5 ms' is not a whole number of milliseconds above 0" },
		{ { "--transport", "udp" }, "--transport: it is tcp or ipc" },
		{ { "--transport", "ipc", "--server", "x" },
		  "--server-program and --transport are for a server that is started, not for "
		  "--server" },
		{ { "--nonsense" }, "--nonsense: there is no such option" },
		{ { "-x" }, "-x: there is no such option" },
		{ { "-xy" }, "-x: there is no such option" },
		{ { "--plain=1" }, "--plain=1: it takes no value" },
		{ { "--items" }, "--items: its value is missing" },
		{ { "more" }, "more: options begin with --" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct options options;
		char sentence[256] = "";

		assert_int_equal(parse(rows[i].words, &options, sentence), EINVAL);
		assert_string_equal(sentence, rows[i].sentence);
	}
}

static void help_names_the_options(void **state)
{
	static const char *const names[] = { "--producers",      "--consumers",  "--items",
		                             "--capacity",       "--item-bytes", "--produce-time",
		                             "--consume-time",   "--seed",       "--server ",
		                             "--server-program", "--transport",  "--poll-interval",
		                             "--plain",          "--help",       "--version" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_non_null(strstr(options_help(), names[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_said_is_the_demo),
		cmocka_unit_test(what_is_said_is_taken),
		cmocka_unit_test(what_makes_no_sense_is_refused_with_a_sentence),
		cmocka_unit_test(help_names_the_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
