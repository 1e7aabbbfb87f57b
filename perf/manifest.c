/* manifest.c: the only file of the harness, engines apart, that knows cJSON. */
#include "manifest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <csv.h>
#include <zmq.h>

#include "../monitor/dmonitor.h"
#include "build_info.h"
#include "columns.h"
#include "command.h"
#include "machine.h"
#include "sentence.h"

struct manifest {
	cJSON *root;
};

/* A machine busier than this at the start cannot be quiet. */
static const double busy_load = 0.5; /* per CPU */

/* Each returns whether there was memory for it. Without a value it is null. */
static bool add_text(cJSON *object, const char *name, const char *text)
{
	cJSON *added = text[0] != '\0' ? cJSON_AddStringToObject(object, name, text)
	                               : cJSON_AddNullToObject(object, name);
	return added != NULL;
}

static bool add_number(cJSON *object, const char *name, double number)
{
	cJSON *added = number >= 0 ? cJSON_AddNumberToObject(object, name, number)
	                           : cJSON_AddNullToObject(object, name);
	return added != NULL;
}

static bool add_time(cJSON *object, const char *name, int64_t wall_ns)
{
	char text[COLUMNS_CELL_BYTES];
	columns_print_time(wall_ns, text);
	return add_text(object, name, text);
}

static bool add_machine(cJSON *root, const struct machine *machine)
{
	cJSON *object = cJSON_AddObjectToObject(root, "machine");
	return object != NULL && add_text(object, "cpu_model", machine->cpu_model) &&
	       add_number(object, "logical_cpus", (double)machine->logical_cpus) &&
	       add_number(object, "memory_bytes", (double)machine->memory_bytes) &&
	       add_text(object, "kernel", machine->kernel) &&
	       add_text(object, "virtualisation", machine->virtualisation) &&
	       add_number(object, "load_average_1min", machine->load_average_1min);
}

static bool add_build(cJSON *root)
{
	char commit[BUILD_INFO_COMMIT_BYTES];
	bool dirty;
	build_info_commit(commit, &dirty);
	cJSON *object = cJSON_AddObjectToObject(root, "build");
	return object != NULL && add_text(object, "version", DMONITOR_VERSION) &&
	       add_text(object, "commit", commit) &&
	       cJSON_AddBoolToObject(object, "dirty", dirty) != NULL &&
	       add_text(object, "compiler", build_info_compiler()) &&
	       add_text(object, "flags", build_info_flags());
}

static bool add_versions(cJSON *root)
{
	int major;
	int minor;
	int patch;
	char zmq[32];
	char csv[32];
	char gnuplot[64] = "";
	const char *ask_gnuplot[] = { "gnuplot", "--version", NULL };
	zmq_version(&major, &minor, &patch);
	sentence(zmq, sizeof(zmq), "%d.%d.%d", major, minor, patch);
	sentence(csv, sizeof(csv), "%d.%d.%d", CSV_MAJOR, CSV_MINOR, CSV_RELEASE);
	if (command_first_line(ask_gnuplot, gnuplot, sizeof(gnuplot)) != 0)
		gnuplot[0] = '\0';
	cJSON *object = cJSON_AddObjectToObject(root, "libraries");
	return object != NULL && add_text(object, "libzmq", zmq) &&
	       add_text(object, "cjson", cJSON_Version()) && add_text(object, "libcsv", csv) &&
	       add_text(object, "gnuplot", gnuplot);
}

static bool add_command(cJSON *root, const char *const *command)
{
	cJSON *array = cJSON_AddArrayToObject(root, "command_line");
	for (; array != NULL && *command != NULL; command++) {
		cJSON *argument = cJSON_CreateString(*command);
		if (argument == NULL || !cJSON_AddItemToArray(array, argument))
			return false;
	}
	return array != NULL;
}

static bool add_warning(cJSON *array, const char *warning, FILE *warnings)
{
	cJSON *text = cJSON_CreateString(warning);
	fprintf(warnings, "performance_test: WARNING: %s\n", warning);
	return text != NULL && cJSON_AddItemToArray(array, text);
}

static bool add_warnings(cJSON *root, const struct machine *machine, FILE *warnings)
{
	cJSON *array = cJSON_AddArrayToObject(root, "warnings");
	const char *build = build_info_warning();
	if (array == NULL || (build != NULL && !add_warning(array, build, warnings)))
		return false;
	if (machine->load_average_1min <= busy_load * (double)machine->logical_cpus)
		return true;
	char busy[128];
	sentence(busy, sizeof(busy), "the machine is busy: load average %.2f on %d CPUs",
	         machine->load_average_1min, (int)machine->logical_cpus);
	return add_warning(array, busy, warnings);
}

int manifest_new(const struct manifest_facts *facts, FILE *warnings, struct manifest **manifest)
{
	struct machine machine;
	machine_look(&machine);
	struct manifest *made = calloc(1, sizeof(*made));
	cJSON *root = cJSON_CreateObject();
	bool good = made != NULL && root != NULL &&
	            add_number(root, "schema_version", MANIFEST_SCHEMA_VERSION) &&
	            add_text(root, "suite", facts->suite) &&
	            add_text(root, "scenario_file", facts->scenario_file) &&
	            add_time(root, "started_at_utc", facts->started_at_ns) &&
	            add_command(root, facts->command) && add_machine(root, &machine) &&
	            add_build(root) && add_versions(root) &&
	            add_warnings(root, &machine, warnings) &&
	            add_text(root, "scenario", facts->scenario_text);
	if (!good) {
		cJSON_Delete(root);
		free(made);
		return ENOMEM;
	}
	made->root = root;
	*manifest = made;
	return 0;
}

int manifest_finish(struct manifest *manifest, const struct manifest_end *end)
{
	bool good = add_time(manifest->root, "ended_at_utc", end->ended_at_ns) &&
	            add_number(manifest->root, "runs_planned", (double)end->runs_planned) &&
	            add_number(manifest->root, "runs_ok", (double)end->runs_ok) &&
	            add_number(manifest->root, "runs_failed", (double)end->runs_failed) &&
	            add_number(manifest->root, "runs_interrupted", (double)end->runs_interrupted);
	return good ? 0 : ENOMEM;
}

/* Write ${text} to ${file} and on the disk. */
static int write_file(const char *file, const char *text)
{
	FILE *out = fopen(file, "we");
	if (out == NULL)
		return errno;
	errno = 0;
	bool good = fprintf(out, "%s\n", text) >= 0 && fflush(out) == 0 && fsync(fileno(out)) == 0;
	int failure = good ? 0 : errno != 0 ? errno : EIO;
	if (fclose(out) != 0 && failure == 0)
		failure = errno;
	return failure;
}

int manifest_write(const struct manifest *manifest, const char *folder,
                   char error[MANIFEST_ERROR_BYTES])
{
	char *text = cJSON_Print(manifest->root);
	char *file = NULL;
	char *draft = NULL;
	int failure = ENOMEM;
	if (text != NULL && asprintf(&file, "%s/" MANIFEST_NAME, folder) >= 0 &&
	    asprintf(&draft, "%s.new", file) >= 0) {
		failure = write_file(draft, text);
		if (failure == 0 && rename(draft, file) != 0)
			failure = errno;
	}
	if (failure != 0)
		sentence(error, MANIFEST_ERROR_BYTES, "%s/" MANIFEST_NAME ": %s", folder,
		         strerror(failure));
	cJSON_free(text);
	free(file);
	free(draft);
	return failure;
}

void manifest_free(struct manifest **manifest)
{
	if (*manifest == NULL)
		return;
	cJSON_Delete((*manifest)->root);
	free(*manifest);
	*manifest = NULL;
}
