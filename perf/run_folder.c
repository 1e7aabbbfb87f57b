/* run_folder.c: mkdir(2) decides who is first. */
#include "run_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../monitor/clock.h"
#include "sentence.h"

enum { NAMESAKES_MAX = 1000 };

const char *run_folder_name(const char *folder)
{
	const char *slash = strrchr(folder, '/');
	return slash != NULL ? slash + 1 : folder;
}

/* As mkdir -p. */
static int make_path(const char *path)
{
	char *part = strdup(path);
	if (part == NULL)
		return ENOMEM;
	int failure = 0;
	for (char *at = part + 1; failure == 0; at++) {
		char ended = *at;
		if (ended != '/' && ended != '\0')
			continue;
		*at = '\0';
		if (mkdir(part, 0777) != 0 && errno != EEXIST)
			failure = errno;
		*at = ended;
		if (ended == '\0')
			break;
	}
	free(part);
	return failure;
}

/* Make ${parent}/${name}, or ${name}-2 and so on where that is taken. */
static int make_new(const char *parent, const char *name, char **folder)
{
	for (int number = 1; number <= NAMESAKES_MAX; number++) {
		char suffix[16] = "";
		char *path;
		if (number > 1)
			sentence(suffix, sizeof(suffix), "-%d", number);
		if (asprintf(&path, "%s/%s%s", parent, name, suffix) < 0)
			return ENOMEM;
		if (mkdir(path, 0777) == 0) {
			*folder = path;
			return 0;
		}
		int failure = errno;
		free(path);
		if (failure != EEXIST)
			return failure;
	}
	return EEXIST;
}

/* Let ${parent}/latest point to ${name}: at every instant it points to some folder. */
static int point_latest(const char *parent, const char *name)
{
	char *latest = NULL;
	char *draft = NULL;
	int failure = ENOMEM;
	if (asprintf(&latest, "%s/latest", parent) < 0)
		return ENOMEM;
	if (asprintf(&draft, "%s.%ld", latest, (long)getpid()) >= 0)
		failure = symlink(name, draft) == 0 ? 0 : errno;
	if (failure == 0 && rename(draft, latest) != 0) {
		failure = errno;
		unlink(draft);
	}
	free(latest);
	free(draft);
	return failure;
}

int run_folder_make(const char *parent, const char *suite, int64_t wall_ns, char **folder,
                    char error[RUN_FOLDER_ERROR_BYTES])
{
	struct tm utc;
	char stamp[32];
	char name[256];
	time_t since_1970 = (time_t)(wall_ns / DMONITOR_NS_PER_S);
	gmtime_r(&since_1970, &utc);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
	sentence(name, sizeof(name), "%s-%s", suite, stamp);
	char *made = NULL;
	int failure = make_path(parent);
	if (failure == 0)
		failure = make_new(parent, name, &made);
	if (failure != 0) {
		sentence(error, RUN_FOLDER_ERROR_BYTES, "cannot make the folder %s/%s: %s", parent,
		         name, strerror(failure));
		return failure;
	}
	failure = point_latest(parent, run_folder_name(made));
	if (failure != 0) {
		sentence(error, RUN_FOLDER_ERROR_BYTES, "cannot let %s/latest point to %s: %s",
		         parent, run_folder_name(made), strerror(failure));
		free(made);
		return failure;
	}
	*folder = made;
	return 0;
}
