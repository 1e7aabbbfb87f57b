/*
 * replay.h: for fuzz targets. Include it once, in the file that has LLVMFuzzerTestOneInput().
 * Built for libFuzzer (with -DDMONITOR_LIBFUZZER) there is nothing here but the declaration; else
 * there is a main() that replays the files, and the files in the folders, that it is given.
 */
#ifndef DMONITOR_TEST_REPLAY_H
#define DMONITOR_TEST_REPLAY_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

#ifndef DMONITOR_LIBFUZZER

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* The bytes stand in a block of exactly their size, so that ASan sees a byte too many. */
static int replay_file(const char *path, size_t size_bytes)
{
	uint8_t *data = malloc(size_bytes > 0 ? size_bytes : 1);
	FILE *file = fopen(path, "rb");
	int result = 1;

	if (data != NULL && file != NULL && fread(data, 1, size_bytes, file) == size_bytes)
		result = LLVMFuzzerTestOneInput(data, size_bytes);
	else
		fprintf(stderr, "replay: cannot read %s\n", path);
	if (file != NULL)
		fclose(file);
	free(data);
	return result;
}

/* How many files under ${path} were replayed; -1: one could not be. */
static int replay(const char *path)
{
	struct stat status;
	struct dirent **entries;
	int count, replayed = 0;

	if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
		return replay_file(path, (size_t)status.st_size) == 0 ? 1 : -1;
	count = scandir(path, &entries, NULL, alphasort);
	if (count < 0) {
		fprintf(stderr, "replay: cannot read %s\n", path);
		return -1;
	}
	for (int i = 0; i < count; i++) {
		char name[4096];

		if (entries[i]->d_name[0] != '.' && replayed >= 0) {
			int more;

			snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
			more = replay(name);
			replayed = more < 0 ? -1 : replayed + more;
		}
		free(entries[i]);
	}
	free(entries);
	return replayed;
}

int main(int argc, char **argv)
{
	int replayed = 0;

	for (int i = 1; i < argc; i++) {
		const int more = replay(argv[i]);

		if (more < 0)
			return 1;
		replayed += more;
	}
	printf("%d inputs replayed\n", replayed);
	return replayed > 0 ? 0 : 1;
}

#endif
#endif
