/* manifest_caption.c: a line about a measurement, from the manifest beside it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "manifest.h"

enum { MANIFEST_BYTES_MAX = 1 << 20 };

/* The text of ${path}, to be freed. */
static int read_file(const char *path, char **text)
{
	FILE *file = fopen(path, "r");
	char *bytes;
	size_t size;

	if (file == NULL)
		return errno;
	bytes = calloc(1, MANIFEST_BYTES_MAX);
	size = bytes == NULL ? 0 : fread(bytes, 1, MANIFEST_BYTES_MAX - 1, file);
	fclose(file);
	if (size == 0) {
		free(bytes);
		return bytes == NULL ? ENOMEM : EPROTO;
	}
	*text = bytes;
	return 0;
}

/* The string at ${group}.${key}, or ${key} alone; "unknown" where it is not there. */
static const char *string_at(const cJSON *root, const char *group, const char *key)
{
	const cJSON *object = group == NULL ? root : cJSON_GetObjectItemCaseSensitive(root, group);
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsString(item) ? item->valuestring : "unknown";
}

int manifest_caption(const char *path, char *text, size_t room_bytes)
{
	const cJSON *machine, *cpus, *dirty;
	char *bytes = NULL;
	cJSON *root;
	int result = read_file(path, &bytes);

	if (result != 0)
		return result;
	root = cJSON_Parse(bytes);
	free(bytes);
	machine = cJSON_GetObjectItemCaseSensitive(root, "machine");
	cpus = cJSON_GetObjectItemCaseSensitive(machine, "logical_cpus");
	dirty = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(root, "build"),
	                                         "dirty");
	if (!cJSON_IsNumber(cpus)) {
		cJSON_Delete(root);
		return EPROTO;
	}
	snprintf(text, room_bytes, "%s, %.0f CPUs; commit %.8s%s; %.10s",
	         string_at(root, "machine", "cpu_model"), cpus->valuedouble,
	         string_at(root, "build", "commit"), cJSON_IsTrue(dirty) ? " (changed)" : "",
	         string_at(root, NULL, "started_at_utc"));
	cJSON_Delete(root);
	return 0;
}
