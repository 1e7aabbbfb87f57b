/*
 * fuzz_ini.c: any bytes at all through the scenario reader. It must not crash, a refusal must tell
 * a line, and what is accepted must print to something that reads back to the same print.
 *
 * clang -fsanitize=fuzzer brings a main of its own, which is strong; every other build replays the
 * files given.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../suite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *environment(const char *name)
{
	return name[0] == 'S' ? "1, 2" : NULL;
}

static void require(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "fuzz_ini: %s\n", what);
	abort();
}

/* The suite of ${text} printed, which the caller frees; NULL if it is refused. */
static char *read_and_print(const char *text, size_t length)
{
	char error[SUITE_ERROR_BYTES] = "";
	struct suite *suite = NULL;
	if (suite_parse("fuzz", text, length, environment, &suite, error) != 0) {
		require(strncmp(error, "fuzz:", 5) == 0 && strlen(error) > 7, "no sentence");
		require(suite == NULL, "a suite in spite of an error");
		return NULL;
	}
	char *printed = NULL;
	size_t printed_bytes;
	FILE *out = open_memstream(&printed, &printed_bytes);
	require(out != NULL, "no memory");
	suite_print(suite, out);
	fclose(out);
	suite_free(&suite);
	return printed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *printed = read_and_print((const char *)data, size);
	if (printed == NULL)
		return 0;
	char *again = read_and_print(printed, strlen(printed));
	require(again != NULL, "what was printed is refused");
	require(strcmp(printed, again) == 0, "what was printed reads as something else");
	free(printed);
	free(again);
	return 0;
}

__attribute__((weak)) int main(int argc, char **argv)
{
	static uint8_t data[1 << 20];
	for (int i = 1; i < argc; i++) {
		FILE *in = fopen(argv[i], "rbe");
		require(in != NULL, argv[i]);
		LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), in));
		fclose(in);
	}
	return 0;
}
