/* wire_json.c: the few things that requests and replies both do with cJSON, and the word tables. */
#include "wire_json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void dmonitor_json_add(struct dmonitor_json *json, const char *key, cJSON *value)
{
	if (json->failed || value == NULL || json->object == NULL ||
	    !cJSON_AddItemToObjectCS(json->object, key, value)) {
		cJSON_Delete(value);
		json->failed = true;
	}
}

void dmonitor_json_add_text(struct dmonitor_json *json, const char *key, const char *text)
{
	dmonitor_json_add(json, key, cJSON_CreateStringReference(text));
}

/* cJSON prints integers near 2^53 wrongly, so they go in as text of our own. */
void dmonitor_json_add_integer(struct dmonitor_json *json, const char *key, int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, value);
	dmonitor_json_add(json, key, cJSON_CreateRaw(digits));
}

void dmonitor_json_add_token(struct dmonitor_json *json, const char *key, uint64_t token)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, token);
	dmonitor_json_add(json, key, cJSON_CreateString(digits));
}

void dmonitor_json_add_bool(struct dmonitor_json *json, const char *key, bool value)
{
	dmonitor_json_add(json, key, cJSON_CreateBool(value));
}

char *dmonitor_json_finish(struct dmonitor_json *json)
{
	char *text = json->failed ? NULL : cJSON_PrintUnformatted(json->object);

	cJSON_Delete(json->object);
	json->object = NULL;
	return text;
}

bool dmonitor_json_integer(const cJSON *item, int64_t low, int64_t high, int64_t *value)
{
	const double number = cJSON_IsNumber(item) ? item->valuedouble : NAN;

	if (!isfinite(number) || number != floor(number) || number < (double)low ||
	    number > (double)high)
		return false;
	*value = (int64_t)number;
	return true;
}

bool dmonitor_json_token(const cJSON *item, uint64_t *token)
{
	const char *text = cJSON_IsString(item) ? item->valuestring : "";
	unsigned long long value;

	if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
		return false;
	errno = 0;
	value = strtoull(text, NULL, 10);
	if (errno != 0)
		return false;
	*token = value;
	return true;
}

const char *dmonitor_action_word(enum dmonitor_action action)
{
	static const char *const words[] = { "none",
#define X(name) #name,
		                             DMONITOR_ACTIONS(X)
#undef X
	};

	return words[action];
}

const char *dmonitor_status_word(enum dmonitor_status status)
{
	static const char *const words[] = { "none",
#define X(name, word) word,
		                             DMONITOR_STATUSES(X)
#undef X
	};

	return words[status];
}

const char *dmonitor_code_word(enum dmonitor_code code)
{
	static const char *const words[] = { "none",
#define X(name, word, sentence) word,
		                             DMONITOR_CODES(X)
#undef X
	};

	return words[code];
}

const char *dmonitor_code_sentence(enum dmonitor_code code)
{
	static const char *const sentences[] = { "",
#define X(name, word, sentence) sentence,
		                                 DMONITOR_CODES(X)
#undef X
	};

	return sentences[code];
}
