/* sentence.c: vsnprintf(3) whose cutting is wanted. */
#include "sentence.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int sentence(char *text, size_t room_bytes, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, room_bytes, format, arguments);
	va_end(arguments);
	return EINVAL;
}
