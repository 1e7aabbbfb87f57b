/* scenario.c: what holds between the axes of one scenario. */
#include "scenario.h"

#include <errno.h>

#include "sentence.h"

const struct axis *scenario_values(const struct scenario *scenario, const struct key *key)
{
	size_t count;
	const struct key *keys = keys_of(KEY_OF_SCENARIO, &count);
	const struct axis *axis = &scenario->axes[key - keys];
	for (size_t i = 0; i < count && axis->tied_to != NULL; i++)
		axis = &scenario->axes[axis->tied_to - keys];
	return axis->tied_to == NULL ? axis : NULL;
}

/* Every tie must end at values, and those must be good for the key that is tied to them. */
int scenario_check_ties(const struct scenario *scenario, size_t *line,
                        char wrong[KEYS_SENTENCE_BYTES])
{
	size_t count;
	const struct key *keys = keys_of(KEY_OF_SCENARIO, &count);
	for (size_t i = 0; i < count; i++) {
		const struct axis *axis = &scenario->axes[i];
		if (axis->tied_to == NULL)
			continue;
		*line = axis->line;
		const struct axis *values = scenario_values(scenario, &keys[i]);
		if (values == NULL) {
			return sentence(wrong, KEYS_SENTENCE_BYTES, "%s goes with @%s in a circle",
			                keys[i].name, axis->tied_to->name);
		}
		for (size_t j = 0; j < values->value_count; j++) {
			char text[KEYS_TEXT_BYTES];
			struct key_value value;
			keys_print(axis->tied_to, &values->values[j], text);
			if (keys_read(&keys[i], text, &value, wrong) != 0)
				return EINVAL;
		}
	}
	return 0;
}

void scenario_fini(struct scenario *scenario)
{
	for (size_t i = 0; i < SCENARIO_KEYS_MAX; i++)
		axis_fini(&scenario->axes[i]);
}
