/* wire_json.h: the few things that requests and replies both do with cJSON. For wire_*.c alone. */
#ifndef DMONITOR_WIRE_JSON_H
#define DMONITOR_WIRE_JSON_H

#include <cjson/cJSON.h>

#include "wire.h"

/* An object under construction; once an addition fails all later ones do nothing. */
struct dmonitor_json {
	cJSON *object;
	bool failed;
};

void dmonitor_json_add(struct dmonitor_json *json, const char *key, cJSON *value);
void dmonitor_json_add_text(struct dmonitor_json *json, const char *key, const char *text);
void dmonitor_json_add_integer(struct dmonitor_json *json, const char *key, int64_t value);
void dmonitor_json_add_token(struct dmonitor_json *json, const char *key, uint64_t token);
void dmonitor_json_add_bool(struct dmonitor_json *json, const char *key, bool value);

/* Print the object and free it; NULL if anything failed. The caller frees the text. */
char *dmonitor_json_finish(struct dmonitor_json *json);

/* The integer that ${item} holds, if it is one within ${low} and ${high}. */
bool dmonitor_json_integer(const cJSON *item, int64_t low, int64_t high, int64_t *value);

/* The number that the decimal string ${item} holds. */
bool dmonitor_json_token(const cJSON *item, uint64_t *token);

#endif
