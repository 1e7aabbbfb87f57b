/* wire_reply.c: replies to bytes and back. */
#include "wire_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct dmonitor_reply, member)

enum kind { TEXT, INTEGER, TOKEN, FLAG };

/* The fields that look the same in every reply, and are absent when empty, 0 or false. */
static const struct field {
	const char *key;
	enum kind kind;
	size_t offset;
	size_t room_bytes; /* of a TEXT */
} fields[] = {
	{ "monitor_name", TEXT, AT(monitor_name), DMONITOR_NAME_BYTES + 1 },
	{ "condition_name", TEXT, AT(condition_name), DMONITOR_NAME_BYTES + 1 },
	{ "seq", INTEGER, AT(seq), 0 },
	{ "cancel_seq", INTEGER, AT(cancel_seq), 0 },
	{ "ref", TEXT, AT(ref), DMONITOR_NAME_BYTES + 1 },
	{ "token", TOKEN, AT(token), 0 },
	{ "abandoned", FLAG, AT(abandoned), 0 },
	{ "timed_out", FLAG, AT(timed_out), 0 },
	{ "cancelled", FLAG, AT(cancelled), 0 },
	{ "pending", FLAG, AT(pending), 0 },
	{ "protocol", INTEGER, AT(protocol), 0 },
	{ "lease_ms", INTEGER, AT(lease_ms), 0 },
	{ "session", TEXT, AT(session), DMONITOR_SECRET_BYTES + 1 },
	{ "server", TEXT, AT(server), DMONITOR_ID_BYTES + 1 },
};

enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]) };

static void add_field(struct dmonitor_json *json, const struct field *field,
                      const struct dmonitor_reply *reply)
{
	const void *member = (const char *)reply + field->offset;

	switch (field->kind) {
	case TEXT:
		if (*(const char *)member != '\0')
			dmonitor_json_add_text(json, field->key, member);
		break;
	case INTEGER:
		if (*(const int64_t *)member != 0)
			dmonitor_json_add_integer(json, field->key, *(const int64_t *)member);
		break;
	case TOKEN:
		if (*(const uint64_t *)member != 0)
			dmonitor_json_add_token(json, field->key, *(const uint64_t *)member);
		break;
	case FLAG:
		if (*(const bool *)member)
			dmonitor_json_add_bool(json, field->key, true);
		break;
	}
}

static void add_failed(struct dmonitor_json *json, const struct dmonitor_reply *reply)
{
	struct dmonitor_json entry = { .object = cJSON_CreateObject() };
	cJSON *list = cJSON_CreateArray();

	dmonitor_json_add_integer(&entry, "seq", reply->failed_seq);
	dmonitor_json_add_text(&entry, "code", dmonitor_code_word(reply->failed_code));
	if (entry.failed || !cJSON_AddItemToArray(list, entry.object)) {
		cJSON_Delete(entry.object);
		json->failed = true;
	}
	dmonitor_json_add(json, "failed", list);
}

static void add_limits(struct dmonitor_json *json, const struct dmonitor_limits *limits)
{
	struct dmonitor_json object = { .object = cJSON_CreateObject() };

	dmonitor_json_add_integer(&object, "message_bytes", DMONITOR_MESSAGE_BYTES);
	dmonitor_json_add_integer(&object, "name_bytes", DMONITOR_NAME_BYTES);
	dmonitor_json_add_integer(&object, "variables", 0);
	dmonitor_json_add_integer(&object, "variable_bytes", 0);
	dmonitor_json_add_integer(&object, "sessions", limits->sessions);
	dmonitor_json_add_integer(&object, "monitors", limits->monitors);
	dmonitor_json_add_integer(&object, "conditions", limits->conditions);
	json->failed = json->failed || object.failed;
	dmonitor_json_add(json, "limits", object.object);
}

static void add_welcome(struct dmonitor_json *json, const struct dmonitor_reply *reply)
{
	dmonitor_json_add_bool(json, "resumed", reply->resumed);
	add_limits(json, &reply->limits);
}

static void add_counters(struct dmonitor_json *json, const char *key, const uint64_t *counters,
                         int count, const char *(*word)(int))
{
	struct dmonitor_json object = { .object = cJSON_CreateObject() };

	for (int i = 0; i < count; i++)
		if (counters[i] > 0)
			dmonitor_json_add_integer(&object, word(i), (int64_t)counters[i]);
	json->failed = json->failed || object.failed;
	dmonitor_json_add(json, key, object.object);
}

static const char *action_word(int i)
{
	return dmonitor_action_word((enum dmonitor_action)i);
}

static const char *status_word(int i)
{
	return dmonitor_status_word((enum dmonitor_status)i);
}

static const char *code_word(int i)
{
	return dmonitor_code_word((enum dmonitor_code)i);
}

static cJSON *client_object(const struct dmonitor_report_client *client)
{
	struct dmonitor_json object = { .object = cJSON_CreateObject() };

	dmonitor_json_add_text(&object, "id", client->id);
	dmonitor_json_add_text(&object, "label", client->label);
	dmonitor_json_add_integer(&object, "since_ms", client->since_ms);
	if (client->condition_name[0] != '\0')
		dmonitor_json_add_text(&object, "condition_name", client->condition_name);
	if (!object.failed)
		return object.object;
	cJSON_Delete(object.object);
	return NULL;
}

static void add_clients(struct dmonitor_json *json, const char *key,
                        const struct dmonitor_report_client *clients, size_t count)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < count && !json->failed; i++) {
		cJSON *client = client_object(&clients[i]);

		if (client == NULL || !cJSON_AddItemToArray(list, client)) {
			cJSON_Delete(client);
			json->failed = true;
		}
	}
	dmonitor_json_add(json, key, list);
}

static void add_report(struct dmonitor_json *json, const struct dmonitor_status_report *report)
{
	dmonitor_json_add_integer(json, "uptime_ms", report->uptime_ms);
	dmonitor_json_add_integer(json, "grants", (int64_t)report->grants);
	dmonitor_json_add_integer(json, "sessions", (int64_t)report->sessions);
	dmonitor_json_add_integer(json, "monitors", (int64_t)report->monitors);
	dmonitor_json_add_integer(json, "ignored", (int64_t)report->ignored);
	dmonitor_json_add_integer(json, "passed_on", (int64_t)report->passed_on);
	dmonitor_json_add_integer(json, "abandonments", (int64_t)report->abandonments);
	dmonitor_json_add_integer(json, "resumed", (int64_t)report->resumed);
	add_counters(json, "received", report->received, DMONITOR_ACTION_COUNT, action_word);
	add_counters(json, "sent", report->sent, DMONITOR_STATUS_COUNT, status_word);
	add_counters(json, "errors", report->errors, DMONITOR_CODE_COUNT, code_word);
	if (!report->has_monitor)
		return;
	dmonitor_json_add(json, "owner",
	                  report->has_owner ? client_object(&report->owner) : cJSON_CreateNull());
	add_clients(json, "line", report->clients, report->line_count);
	add_clients(json, "waiters", report->clients + report->line_count,
	            report->client_count - report->line_count);
	dmonitor_json_add_integer(json, "line_length", (int64_t)report->line_length);
	dmonitor_json_add_integer(json, "waiters_length", (int64_t)report->waiters_length);
}

char *dmonitor_reply_encode(const struct dmonitor_reply *reply)
{
	struct dmonitor_json json = { .object = cJSON_CreateObject() };

	dmonitor_json_add_text(&json, "status", dmonitor_status_word(reply->status));
	if (reply->status == DMONITOR_STATUS_ERROR) {
		dmonitor_json_add_text(&json, "code", dmonitor_code_word(reply->code));
		dmonitor_json_add_text(&json, "message", reply->message);
	}
	for (const struct field *field = fields; field < fields + FIELD_COUNT; field++)
		add_field(&json, field, reply);
	if (reply->tells_next)
		dmonitor_json_add(&json, "next_granted_to",
		                  reply->next_granted_to[0] == '\0'
		                      ? cJSON_CreateNull()
		                      : cJSON_CreateString(reply->next_granted_to));
	if (reply->tells_woken)
		dmonitor_json_add_integer(&json, "woken_processes", reply->woken_processes);
	if (reply->failed_seq != 0)
		add_failed(&json, reply);
	if (reply->resumed || reply->status == DMONITOR_STATUS_ALIVE)
		dmonitor_json_add_integer(&json, "last_seq", reply->last_seq);
	if (reply->status == DMONITOR_STATUS_WELCOME)
		add_welcome(&json, reply);
	if (reply->report != NULL)
		add_report(&json, reply->report);
	return dmonitor_json_finish(&json);
}

/* The index of ${text} among ${count} words; 0, which stands for none, where it is not there. */
static int word_index(const cJSON *item, int count, const char *(*word)(int))
{
	for (int i = 1; cJSON_IsString(item) && i < count; i++)
		if (strcmp(word(i), item->valuestring) == 0)
			return i;
	return 0;
}

static bool read_field(const cJSON *item, const struct field *field, struct dmonitor_reply *reply)
{
	void *member = (char *)reply + field->offset;

	switch (field->kind) {
	case TEXT:
		if (!cJSON_IsString(item) || strlen(item->valuestring) >= field->room_bytes)
			return false;
		strcpy(member, item->valuestring);
		return true;
	case INTEGER:
		return dmonitor_json_integer(item, 0, DMONITOR_INTEGER_MAX, member);
	case TOKEN:
		return dmonitor_json_token(item, member);
	case FLAG:
		*(bool *)member = cJSON_IsTrue(item);
		return cJSON_IsBool(item);
	}
	return false;
}

static bool read_failed(const cJSON *root, struct dmonitor_reply *reply)
{
	const cJSON *entry = cJSON_GetObjectItemCaseSensitive(root, "failed");

	if (entry == NULL)
		return true;
	entry = cJSON_IsArray(entry) ? entry->child : NULL;
	reply->failed_code = (enum dmonitor_code)word_index(
	    cJSON_GetObjectItemCaseSensitive(entry, "code"), DMONITOR_CODE_COUNT, code_word);
	return dmonitor_json_integer(cJSON_GetObjectItemCaseSensitive(entry, "seq"), 1,
	                             DMONITOR_INTEGER_MAX, &reply->failed_seq);
}

/* Whom an EXIT made owner, and how many signals awakened, where that is told. */
static bool read_effects(const cJSON *root, struct dmonitor_reply *reply)
{
	const cJSON *next = cJSON_GetObjectItemCaseSensitive(root, "next_granted_to");
	const cJSON *woken = cJSON_GetObjectItemCaseSensitive(root, "woken_processes");

	reply->tells_next = next != NULL;
	if (cJSON_IsString(next) && strlen(next->valuestring) < sizeof(reply->next_granted_to))
		strcpy(reply->next_granted_to, next->valuestring);
	else if (next != NULL && !cJSON_IsNull(next))
		return false;
	reply->tells_woken = woken != NULL;
	return woken == NULL ||
	       dmonitor_json_integer(woken, 0, DMONITOR_INTEGER_MAX, &reply->woken_processes);
}

static bool read_reply(const cJSON *root, struct dmonitor_reply *reply)
{
	const cJSON *message = cJSON_GetObjectItemCaseSensitive(root, "message");
	const cJSON *item;

	reply->status = (enum dmonitor_status)word_index(
	    cJSON_GetObjectItemCaseSensitive(root, "status"), DMONITOR_STATUS_COUNT, status_word);
	if (reply->status == DMONITOR_STATUS_NONE)
		return false;
	reply->code = (enum dmonitor_code)word_index(cJSON_GetObjectItemCaseSensitive(root, "code"),
	                                             DMONITOR_CODE_COUNT, code_word);
	if (cJSON_IsString(message))
		snprintf(reply->message, sizeof(reply->message), "%s", message->valuestring);
	for (const struct field *field = fields; field < fields + FIELD_COUNT; field++) {
		item = cJSON_GetObjectItemCaseSensitive(root, field->key);
		if (item != NULL && !read_field(item, field, reply))
			return false;
	}
	reply->resumed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "resumed"));
	item = cJSON_GetObjectItemCaseSensitive(root, "last_seq");
	if (item != NULL && !dmonitor_json_integer(item, 0, DMONITOR_INTEGER_MAX, &reply->last_seq))
		return false;
	return read_effects(root, reply) && read_failed(root, reply);
}

int dmonitor_reply_decode(const char *bytes, size_t size_bytes, struct dmonitor_reply *reply)
{
	struct dmonitor_reply decoded = { .status = DMONITOR_STATUS_NONE };
	size_t at;
	cJSON *root;
	bool good;

	if (dmonitor_json_fault(bytes, size_bytes, &at) != NULL)
		return EPROTO;
	root = cJSON_ParseWithLength(bytes, size_bytes);
	if (root == NULL)
		return ENOMEM;
	good = cJSON_IsObject(root) && read_reply(root, &decoded);
	cJSON_Delete(root);
	if (!good)
		return EPROTO;
	*reply = decoded;
	return 0;
}
