/* matrix.c: the cross product of each scenario's axes. */
#include "matrix.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "sentence.h"

/* FNV-1a: short, well spread, and the same on every machine. */
#define HASH_START UINT64_C(14695981039346656037)

static uint64_t hash_text(uint64_t hash, const char *text)
{
	/* The end belongs to it, so that "a" "bc" and "ab" "c" differ. */
	for (size_t i = 0; i <= strlen(text); i++)
		hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
	return hash;
}

static void identify(struct point *point)
{
	size_t count;
	const struct key *keys = keys_of(KEY_OF_SCENARIO, &count);
	uint64_t hash = hash_text(HASH_START, point->scenario->name);
	for (size_t i = 0; i < count; i++) {
		struct key_value value;
		char text[KEYS_TEXT_BYTES];
		if (keys[i].not_factor)
			continue;
		keys_load(&keys[i], &point->factors, &value);
		keys_print(&keys[i], &value, text);
		hash = hash_text(hash_text(hash, keys[i].name), text);
	}
	snprintf(point->id, sizeof(point->id), "%016" PRIx64, hash);
}

/* What does not reach the engine must not make two points of one. */
static void settle(struct factors *factors)
{
	const struct engine *engine = engine_of(factors->engine);
	if (!engine->polls)
		factors->poll_interval_ns = 0;
	if (!engine->exits)
		factors->exit_mode = EXIT_CONFIRMED;
	if (!engine->needs_server || strcmp(factors->server, KEYS_SPAWN) != 0)
		strcpy(factors->server_cpu, KEYS_ANY_CPU);
	if (!engine->needs_server)
		strcpy(factors->server, KEYS_SPAWN);
	if (strcmp(factors->server, KEYS_SPAWN) != 0)
		factors->transport = factors->server[0] == 'i' ? TRANSPORT_IPC : TRANSPORT_TCP;
}

/* Choose the combination ${number} of ${scenario}'s axes, the last key turning fastest. Returns
 * what is left of ${number}: 0 unless there are fewer combinations. */
static size_t choose(const struct scenario *scenario, size_t number, struct factors *factors)
{
	size_t count;
	const struct key *keys = keys_of(KEY_OF_SCENARIO, &count);
	size_t chosen[SCENARIO_KEYS_MAX];
	for (size_t i = count; i-- > 0;) {
		const struct axis *axis = &scenario->axes[i];
		size_t values = axis->tied_to == NULL ? axis->value_count : 1;
		chosen[i] = number % values;
		number /= values;
	}
	for (size_t i = 0; i < count; i++) {
		const struct axis *values = scenario_values(scenario, &keys[i]);
		keys_store(&keys[i], &values->values[chosen[values - scenario->axes]], factors);
	}
	return number;
}

static bool has_point(const struct matrix *matrix, const struct point *point)
{
	for (size_t i = 0; i < matrix->point_count; i++) {
		const struct point *other = &matrix->points[i];
		if (other->scenario == point->scenario && strcmp(other->id, point->id) == 0)
			return true;
	}
	return false;
}

/* For one more point. What there is room for is a power of two, as each move copies all. */
static bool make_room(struct matrix *matrix)
{
	const size_t count = matrix->point_count;
	if ((count & (count - 1)) != 0)
		return true;
	struct point *points =
	    reallocarray(matrix->points, count == 0 ? 1 : 2 * count, sizeof(*points));
	if (points == NULL)
		return false;
	matrix->points = points;
	return true;
}

static int add_points(const struct scenario *scenario, struct matrix *matrix)
{
	for (size_t number = 0;; number++) {
		struct point point = { .scenario = scenario };
		if (choose(scenario, number, &point.factors) > 0)
			return 0;
		settle(&point.factors);
		identify(&point);
		if (has_point(matrix, &point))
			continue;
		if (matrix->point_count == MATRIX_POINTS_MAX)
			return EINVAL;
		if (!make_room(matrix))
			return ENOMEM;
		matrix->points[matrix->point_count++] = point;
	}
}

static void add_run(struct matrix *matrix, size_t point, int64_t repetition)
{
	matrix->runs[matrix->run_count++] = (struct planned_run){ point, repetition };
}

static int plan_runs(enum order order, struct matrix *matrix)
{
	int64_t total = 0;
	int64_t most = 0;
	for (size_t i = 0; i < matrix->point_count; i++) {
		int64_t repetitions = matrix->points[i].factors.repetitions;
		total += repetitions;
		most = repetitions > most ? repetitions : most;
	}
	matrix->runs = calloc((size_t)total, sizeof(*matrix->runs));
	if (matrix->runs == NULL)
		return ENOMEM;
	if (order == ORDER_SEQUENTIAL) {
		for (size_t i = 0; i < matrix->point_count; i++) {
			for (int64_t r = 1; r <= matrix->points[i].factors.repetitions; r++)
				add_run(matrix, i, r);
		}
		return 0;
	}
	for (int64_t r = 1; r <= most; r++) {
		for (size_t i = 0; i < matrix->point_count; i++) {
			if (r <= matrix->points[i].factors.repetitions)
				add_run(matrix, i, r);
		}
	}
	return 0;
}

int matrix_expand(const struct suite *suite, struct matrix **matrix, char error[SUITE_ERROR_BYTES])
{
	struct matrix *result = calloc(1, sizeof(*result));
	int failure = result == NULL ? ENOMEM : 0;
	for (size_t i = 0; i < suite->scenario_count && failure == 0; i++)
		failure = add_points(&suite->scenarios[i], result);
	if (failure == 0)
		failure = plan_runs((enum order)suite->settings.order, result);
	if (failure == 0) {
		*matrix = result;
		return 0;
	}
	if (failure == EINVAL)
		snprintf(error, SUITE_ERROR_BYTES, "%s: more than %d points", suite->file,
		         MATRIX_POINTS_MAX);
	else
		snprintf(error, SUITE_ERROR_BYTES, "%s: out of memory", suite->file);
	matrix_free(&result);
	return failure;
}

int64_t matrix_seed(const struct suite *suite, const struct point *point, int64_t repetition)
{
	char text[64];
	snprintf(text, sizeof(text), "%" PRId64 "/%" PRId64, suite->settings.seed, repetition);
	uint64_t hash = hash_text(hash_text(HASH_START, point->id), text);
	return (int64_t)(hash >> 1);
}

void matrix_title(const struct point *point, char title[MATRIX_TITLE_BYTES])
{
	const struct factors *factors = &point->factors;
	const struct engine *engine = engine_of(factors->engine);
	char interval[KEYS_TEXT_BYTES] = "";
	if (engine->polls) {
		struct key_value value = { .number = factors->poll_interval_ns };
		keys_print(keys_find(KEY_OF_SCENARIO, "poll_interval"), &value, interval);
	}
	char length[KEYS_TEXT_BYTES];
	sentence(length, sizeof(length), "items=%" PRId64, factors->items);
	if (factors->duration_ns > 0)
		sentence(length, sizeof(length), "faults=%s", factors->faults);
	sentence(title, MATRIX_TITLE_BYTES,
	         "%s p=%" PRId64 " c=%" PRId64 " %s cap=%" PRId64 " %s%s%s", point->scenario->name,
	         factors->producers, factors->consumers, length, factors->capacity, engine->name,
	         engine->polls ? " " : "", interval);
}

void matrix_print(const struct suite *suite, const struct matrix *matrix, FILE *out)
{
	fprintf(out, "%s: %zu points, %zu runs, %s\n", suite->settings.name, matrix->point_count,
	        matrix->run_count,
	        suite->settings.order == ORDER_SEQUENTIAL ? "sequential" : "interleaved");
	for (size_t i = 0; i < matrix->run_count; i++) {
		const struct planned_run *run = &matrix->runs[i];
		const struct point *point = &matrix->points[run->point];
		char title[MATRIX_TITLE_BYTES];
		matrix_title(point, title);
		fprintf(out, "%5zu  %s  repetition %" PRId64 "/%" PRId64 "  %s\n", i + 1, point->id,
		        run->repetition, point->factors.repetitions, title);
	}
}

void matrix_free(struct matrix **matrix)
{
	if (*matrix == NULL)
		return;
	free((*matrix)->points);
	free((*matrix)->runs);
	free(*matrix);
	*matrix = NULL;
}
