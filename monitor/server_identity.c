/* server_identity.c: who this server is, different at each of its starts. */
#include "server_identity.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* The first line of ${path}, or "unknown". */
static void read_line(const char *path, char *line, size_t room_bytes)
{
	FILE *file = fopen(path, "r");

	if (file == NULL || fgets(line, (int)room_bytes, file) == NULL)
		snprintf(line, room_bytes, "unknown");
	line[strcspn(line, "\n")] = '\0';
	if (file != NULL)
		fclose(file);
}

/* Field 22 of /proc/self/stat, counted behind the program's name, which may hold anything. */
static unsigned long long start_time(void)
{
	char line[1024];
	const char *field;

	read_line("/proc/self/stat", line, sizeof(line));
	field = strrchr(line, ')');
	for (int i = 2; field != NULL && i < 22; i++)
		field = strchr(field + 1, ' ');
	return field == NULL ? 0 : strtoull(field, NULL, 10);
}

void server_identity(char *text, size_t room_bytes)
{
	char host[64] = "unknown";
	char boot[64];
	uint64_t random = 0;

	gethostname(host, sizeof(host) - 1);
	read_line("/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
	getrandom(&random, sizeof(random), 0);
	snprintf(text, room_bytes, "%s/%s/%ld/%llu/%016llx", host, boot, (long)getpid(),
	         start_time(), (unsigned long long)random);
}
