/* sentence.h: sentences for people, built in the caller's room and cut to fit. */
#ifndef PERF_SENTENCE_H
#define PERF_SENTENCE_H

#include <stddef.h>

/* Write a sentence into ${text} of ${room_bytes}. Always EINVAL: most are what is wrong with
 * somebody's input, and are returned as such. */
int sentence(char *text, size_t room_bytes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
