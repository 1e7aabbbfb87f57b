/*
 * failing_malloc.h: memory that runs out on purpose. For programs that are linked with
 * --wrap, so that malloc and its kin, asked by the code under test, come here. Only what the
 * calling thread asks for is failed. To be included once in a program.
 */
#ifndef DMONITOR_TEST_FAILING_MALLOC_H
#define DMONITOR_TEST_FAILING_MALLOC_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

/* How many allocations of this thread succeed before one fails; negative: all do. */
static _Thread_local int until_failure = -1;

void *__real_malloc(size_t size_bytes);
void *__real_calloc(size_t count, size_t size_bytes);
void *__real_realloc(void *block, size_t size_bytes);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size_bytes);
void *__wrap_calloc(size_t count, size_t size_bytes);
void *__wrap_realloc(void *block, size_t size_bytes);
char *__wrap_strdup(const char *text);

/* Whether this allocation is the one to fail. */
static bool fails(void)
{
	if (until_failure < 0 || until_failure-- > 0)
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size_bytes)
{
	return fails() ? NULL : __real_malloc(size_bytes);
}

void *__wrap_calloc(size_t count, size_t size_bytes)
{
	return fails() ? NULL : __real_calloc(count, size_bytes);
}

void *__wrap_realloc(void *block, size_t size_bytes)
{
	return fails() ? NULL : __real_realloc(block, size_bytes);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

#endif
