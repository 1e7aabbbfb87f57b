/* key_value.c: values of keys, read, printed and explained by the type in the key's row. */
#include "keys.h"

#include <inttypes.h>
#include <string.h>

#include "../monitor/clock.h"
#include "../sim/distribution.h"
#include "../sim/fault.h"
#include "cpus.h"
#include "sentence.h"
#include "suggest.h"
#include "units.h"

static void print_time(int64_t value_ns, char text[KEYS_TEXT_BYTES])
{
	struct distribution constant = { DISTRIBUTION_CONSTANT, value_ns, value_ns };
	distribution_describe(&constant, text, KEYS_TEXT_BYTES);
}

/* What a key of numbers takes, as in "it must be ...". */
static void describe_bounds(const struct key *key, char text[KEYS_SENTENCE_BYTES])
{
	char low[KEYS_TEXT_BYTES];
	char high[KEYS_TEXT_BYTES];
	struct key_value bound = { .number = key->minimum };
	keys_print(key, &bound, low);
	bound.number = key->maximum;
	keys_print(key, &bound, high);
	char step[KEYS_TEXT_BYTES] = "";
	if (key->multiple > 0)
		print_time(key->multiple, step);
	const char *what = "a whole number";
	const char *unit = "";
	if (key->type == KEY_TIME) {
		what = "a time";
		unit = ", with a unit: ns, us, ms, s, min or h";
	} else if (key->type == KEY_SIZE) {
		what = "a size";
		unit = ", with a unit: B, kB, MB, KiB or MiB";
	}
	if (key->maximum == INT64_MAX)
		sentence(text, KEYS_SENTENCE_BYTES, "%s from %s on%s", what, low, unit);
	else
		sentence(text, KEYS_SENTENCE_BYTES, "%s from %s to %s%s%s%s", what, low, high,
		         key->multiple > 0 ? ", a multiple of " : "", step, unit);
}

static int read_number(const struct key *key, const char *text, struct key_value *value,
                       char wrong[KEYS_SENTENCE_BYTES])
{
	int64_t number = 0;
	char reason[KEYS_SENTENCE_BYTES];
	int failure = key->type == KEY_COUNT ? units_read_count(text, &number)
	              : key->type == KEY_SIZE
	                  ? units_read_size(text, &number)
	                  : distribution_parse_duration(text, &number, reason, sizeof(reason));
	bool good = failure == 0 && number >= key->minimum && number <= key->maximum &&
	            (key->multiple == 0 || number % key->multiple == 0);
	if (!good) {
		describe_bounds(key, reason);
		return sentence(wrong, KEYS_SENTENCE_BYTES, "%s is \"%s\"; it must be %s",
		                key->name, text, reason);
	}
	value->number = number;
	return 0;
}

static void list_words(const char *const *words, char text[KEYS_TEXT_BYTES])
{
	size_t used = 0;
	text[0] = '\0';
	for (size_t i = 0; words[i] != NULL && used < KEYS_TEXT_BYTES; i++)
		used += (size_t)snprintf(text + used, KEYS_TEXT_BYTES - used, "%s%s",
		                         i > 0 ? ", " : "", words[i]);
}

static int read_word(const struct key *key, const char *text, struct key_value *value,
                     char wrong[KEYS_SENTENCE_BYTES])
{
	for (int64_t i = 0; key->words[i] != NULL; i++) {
		if (strcmp(key->words[i], text) == 0) {
			value->number = i;
			return 0;
		}
	}
	char words[KEYS_TEXT_BYTES];
	list_words(key->words, words);
	const char *meant = suggest(text, key->words);
	if (meant != NULL)
		return sentence(wrong, KEYS_SENTENCE_BYTES, "%s is \"%s\"; did you mean %s?",
		                key->name, text, meant);
	return sentence(wrong, KEYS_SENTENCE_BYTES, "%s is \"%s\"; it must be one of: %s",
	                key->name, text, words);
}

bool keys_is_name(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                              "0123456789._-";
	return strlen(text) < KEYS_NAME_BYTES && strspn(text, letters) == strlen(text) &&
	       strspn(text, "._-") == 0 && text[0] != '\0';
}

static int read_distribution(const struct key *key, const char *text, struct key_value *value,
                             char wrong[KEYS_SENTENCE_BYTES])
{
	struct distribution distribution;
	char reason[KEYS_TEXT_BYTES];
	if (distribution_parse(text, &distribution, reason, sizeof(reason)) != 0)
		return sentence(wrong, KEYS_SENTENCE_BYTES, "%s is \"%s\": %s", key->name, text,
		                reason);
	distribution_describe(&distribution, value->text, sizeof(value->text));
	return 0;
}

static bool is_server(const char *text)
{
	return strcmp(text, KEYS_SPAWN) == 0 || strncmp(text, "tcp://", 6) == 0 ||
	       strncmp(text, "ipc://", 6) == 0;
}

static bool are_cpus(const char *text)
{
	cpu_set_t cpus;
	return strcmp(text, KEYS_ANY_CPU) == 0 || cpus_read(text, &cpus) == 0;
}

static int read_text(const struct key *key, const char *text, struct key_value *value,
                     char wrong[KEYS_SENTENCE_BYTES])
{
	if (strlen(text) >= KEYS_TEXT_BYTES)
		return sentence(wrong, KEYS_SENTENCE_BYTES, "%s has more than %d bytes", key->name,
		                KEYS_TEXT_BYTES - 1);
	if (key->type == KEY_NAME && !keys_is_name(text))
		return sentence(
		    wrong, KEYS_SENTENCE_BYTES,
		    "%s is \"%s\"; it must be 1 to %d of A-Z a-z 0-9 . _ -, a letter or "
		    "digit first",
		    key->name, text, KEYS_NAME_BYTES - 1);
	if (key->type == KEY_SERVER && !is_server(text))
		return sentence(wrong, KEYS_SENTENCE_BYTES,
		                "%s is \"%s\"; it must be spawn, tcp://HOST:PORT or ipc://PATH",
		                key->name, text);
	if (key->type == KEY_CPUS && !are_cpus(text))
		return sentence(wrong, KEYS_SENTENCE_BYTES,
		                "%s is \"%s\"; it must be any, or CPUs such as 0 or 0,2-3",
		                key->name, text);
	fault_set faults;
	char reason[KEYS_TEXT_BYTES];
	if (key->type == KEY_FAULTS && fault_parse(text, &faults, reason, sizeof(reason)) != 0)
		return sentence(wrong, KEYS_SENTENCE_BYTES,
		                "%s is \"%s\": %s; `performance_test help faults` lists them",
		                key->name, text, reason);
	strcpy(value->text, text);
	return 0;
}

int keys_read(const struct key *key, const char *text, struct key_value *value,
              char wrong[KEYS_SENTENCE_BYTES])
{
	memset(value, 0, sizeof(*value));
	switch (key->type) {
	case KEY_COUNT:
	case KEY_TIME:
	case KEY_SIZE:
		return read_number(key, text, value, wrong);
	case KEY_WORD:
		return read_word(key, text, value, wrong);
	case KEY_DISTRIBUTION:
		return read_distribution(key, text, value, wrong);
	default:
		return read_text(key, text, value, wrong);
	}
}

void keys_print(const struct key *key, const struct key_value *value, char text[KEYS_TEXT_BYTES])
{
	switch (key->type) {
	case KEY_COUNT:
		snprintf(text, KEYS_TEXT_BYTES, "%" PRId64, value->number);
		break;
	case KEY_TIME:
		print_time(value->number, text);
		break;
	case KEY_SIZE:
		units_print_size(value->number, text);
		break;
	case KEY_WORD:
		snprintf(text, KEYS_TEXT_BYTES, "%s", key->words[value->number]);
		break;
	default:
		snprintf(text, KEYS_TEXT_BYTES, "%s", value->text);
	}
}

/* What a key takes, for `help keys`. */
static void describe_type(const struct key *key, char text[KEYS_SENTENCE_BYTES])
{
	char words[KEYS_TEXT_BYTES];
	switch (key->type) {
	case KEY_COUNT:
	case KEY_TIME:
	case KEY_SIZE:
		describe_bounds(key, text);
		break;
	case KEY_WORD:
		list_words(key->words, words);
		sentence(text, KEYS_SENTENCE_BYTES, "one of: %s", words);
		break;
	case KEY_DISTRIBUTION:
		sentence(text, KEYS_SENTENCE_BYTES,
		         "a time, or uniform(SHORTEST, LONGEST) or exp(MEAN) of times");
		break;
	case KEY_NAME:
		sentence(text, KEYS_SENTENCE_BYTES, "1 to %d of A-Z a-z 0-9 . _ -",
		         KEYS_NAME_BYTES - 1);
		break;
	case KEY_SERVER:
		sentence(text, KEYS_SENTENCE_BYTES, "spawn, tcp://HOST:PORT or ipc://PATH");
		break;
	case KEY_CPUS:
		sentence(text, KEYS_SENTENCE_BYTES, "any, or CPUs such as 0 or 0,2-3");
		break;
	case KEY_FAULTS:
		sentence(text, KEYS_SENTENCE_BYTES,
		         "none, all, or kinds of faults with + between: kill+cut");
		break;
	case KEY_TEXT:
		sentence(text, KEYS_SENTENCE_BYTES, "any text");
		break;
	}
}

static void help_section(enum key_section section, FILE *out)
{
	size_t count;
	const struct key *keys = keys_of(section, &count);
	for (size_t i = 0; i < count; i++) {
		char takes[KEYS_SENTENCE_BYTES];
		describe_type(&keys[i], takes);
		fprintf(out, "  %s\n      %s%s", keys[i].name, takes,
		        keys[i].sweepable ? "; a list is an axis" : "");
		if (keys[i].fallback[0] != '\0')
			fprintf(out, "; default %s", keys[i].fallback);
		fprintf(out, "\n      %s\n", keys[i].help);
	}
}

void keys_help(FILE *out)
{
	fputs("[suite], once in a file:\n", out);
	help_section(KEY_OF_SUITE, out);
	fputs("\n[defaults], for all scenarios, and [scenario NAME]:\n", out);
	help_section(KEY_OF_SCENARIO, out);
	fputs(
	    "\nA list (1, 2, 4) is an axis: a scenario has a point for each combination of its "
	    "axes.\n"
	    "@KEY gives a key the value that KEY has at each point. ${NAME} is the environment's,\n"
	    "${NAME:-VALUE} has a default. A comment begins with ; or # at the start of a line or\n"
	    "behind a blank.\n",
	    out);
}
