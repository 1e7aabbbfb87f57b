/*
 * wire_request.c: requests to bytes and back. One table says of each field what it looks like and
 * in which actions it means anything; fields that are not in it are ignored.
 */
#include "wire_json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { NAME, ID, SHORT_TEXT, INTEGER, TOKEN, NAMES };

#define BIT(action) (1u << DMONITOR_ACTION_##action)

enum {
	SEQUENCED = BIT(ENTER) | BIT(EXIT) | BIT(WAIT) | BIT(SIGNAL) | BIT(BROADCAST),
	CHECKS = BIT(CHECK_GRANT) | BIT(CHECK_AWAKENED),
	OF_SESSION = SEQUENCED | BIT(HELLO) | BIT(CANCEL) | BIT(BEAT) | BIT(CHECK) | BIT(BYE),
	UNSEQUENCED = BIT(HELLO) | BIT(CANCEL) | BIT(BEAT) | BIT(CHECK) | BIT(STATUS) | BIT(BYE)
};

struct field {
	const char *key;
	enum kind kind;
	size_t offset;
	unsigned actions;  /* where it means something */
	unsigned always;   /* where it must be */
	unsigned push;     /* where it must be besides, when there is a session */
	unsigned polling;  /* where it must be besides, when there is none */
	int64_t low, high; /* of an INTEGER */
};

#define AT(member) offsetof(struct dmonitor_request, member)

/* What is needed to answer in the sender's sequence comes first. */
static const struct field fields[] = {
	{ .key = "session",
	  .kind = SHORT_TEXT,
	  .offset = AT(session),
	  .actions = OF_SESSION,
	  .always = BIT(BEAT) | BIT(BYE) },
	{ .key = "seq",
	  .kind = INTEGER,
	  .offset = AT(seq),
	  .actions = SEQUENCED,
	  .push = SEQUENCED,
	  .low = 1,
	  .high = DMONITOR_INTEGER_MAX },
	{ .key = "ref", .kind = SHORT_TEXT, .offset = AT(ref), .actions = UNSEQUENCED },
	{ .key = "monitor_name",
	  .kind = NAME,
	  .offset = AT(monitor_name),
	  .actions = SEQUENCED | CHECKS | BIT(CANCEL) | BIT(CHECK) | BIT(STATUS),
	  .always = SEQUENCED | CHECKS | BIT(CHECK),
	  .polling = BIT(CANCEL) },
	{ .key = "condition_name",
	  .kind = NAME,
	  .offset = AT(condition_name),
	  .actions = BIT(WAIT) | BIT(SIGNAL) | BIT(BROADCAST) | BIT(CHECK_AWAKENED),
	  .always = BIT(WAIT) | BIT(SIGNAL) | BIT(BROADCAST) | BIT(CHECK_AWAKENED) },
	{ .key = "process_id",
	  .kind = ID,
	  .offset = AT(process_id),
	  .actions = OF_SESSION | CHECKS,
	  .always = BIT(HELLO) | CHECKS,
	  .polling = SEQUENCED | BIT(CANCEL) },
	{ .key = "cancel_seq",
	  .kind = INTEGER,
	  .offset = AT(cancel_seq),
	  .actions = BIT(CANCEL),
	  .push = BIT(CANCEL),
	  .low = 1,
	  .high = DMONITOR_INTEGER_MAX },
	{ .key = "timeout_ms",
	  .kind = INTEGER,
	  .offset = AT(timeout_ms),
	  .actions = BIT(ENTER) | BIT(WAIT),
	  .low = 0,
	  .high = DMONITOR_INTEGER_MAX },
	{ .key = "signal", .kind = NAMES, .offset = AT(signal), .actions = BIT(EXIT) | BIT(WAIT) },
	{ .key = "broadcast",
	  .kind = NAMES,
	  .offset = AT(broadcast),
	  .actions = BIT(EXIT) | BIT(WAIT) },
	{ .key = "token",
	  .kind = TOKEN,
	  .offset = AT(token),
	  .actions = BIT(CHECK),
	  .always = BIT(CHECK) },
	{ .key = "protocol",
	  .kind = INTEGER,
	  .offset = AT(protocol),
	  .actions = BIT(HELLO),
	  .always = BIT(HELLO),
	  .low = 1,
	  .high = DMONITOR_INTEGER_MAX },
	{ .key = "label", .kind = ID, .offset = AT(label), .actions = BIT(HELLO) },
	{ .key = "lease_ms",
	  .kind = INTEGER,
	  .offset = AT(lease_ms),
	  .actions = BIT(HELLO),
	  .low = 1,
	  .high = DMONITOR_INTEGER_MAX },
	{ .key = "attempt",
	  .kind = INTEGER,
	  .offset = AT(attempt),
	  .actions = BIT(HELLO),
	  .low = 1,
	  .high = DMONITOR_INTEGER_MAX },
};

enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]) };

void dmonitor_request_refuse(struct dmonitor_request *request, enum dmonitor_code code,
                             const char *format, ...)
{
	va_list arguments;

	if (request->error != DMONITOR_CODE_NONE)
		return;
	request->error = code;
	va_start(arguments, format);
	vsnprintf(request->error_text, sizeof(request->error_text), format, arguments);
	va_end(arguments);
}

/* FNV-1a: enough to tell a repetition from another message of the same, honest sender. */
static uint64_t digest_of(const char *bytes, size_t size_bytes)
{
	uint64_t digest = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < size_bytes; i++)
		digest = (digest ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
	return digest;
}

/* What is the matter with the fields of ${item} and what is in it: too many, or one twice. */
static const char *field_fault(const cJSON *item)
{
	const cJSON *child, *other;
	int count = 0;

	cJSON_ArrayForEach (child, item) {
		const char *fault;

		if (cJSON_IsObject(item)) {
			if (++count > DMONITOR_FIELDS)
				return "an object has more than 64 fields";
			for (other = item->child; other != child; other = other->next)
				if (strcmp(other->string, child->string) == 0)
					return "an object has a field twice";
		}
		fault = field_fault(child);
		if (fault != NULL)
			return fault;
	}
	return NULL;
}

static enum dmonitor_action action_of(const char *word)
{
	for (int action = 1; action < DMONITOR_ACTION_COUNT; action++)
		if (strcmp(dmonitor_action_word((enum dmonitor_action)action), word) == 0)
			return (enum dmonitor_action)action;
	return DMONITOR_ACTION_NONE;
}

static void read_action(const cJSON *root, struct dmonitor_request *request)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, "action");

	if (item == NULL) {
		dmonitor_request_refuse(request, DMONITOR_CODE_MISSING_FIELD, "Missing action");
		return;
	}
	if (!cJSON_IsString(item)) {
		dmonitor_request_refuse(request, DMONITOR_CODE_BAD_FIELD,
		                        "action must be a string");
		return;
	}
	request->action = action_of(item->valuestring);
	if (request->action == DMONITOR_ACTION_NONE)
		dmonitor_request_refuse(
		    request, DMONITOR_CODE_UNKNOWN_ACTION, "There is no action of that name%s",
		    strlen(item->valuestring) < 32 ? "; actions are upper case, as ENTER" : "");
}

static int read_names(const cJSON *item, const char *key, struct dmonitor_request *request,
                      struct dmonitor_names *names)
{
	const cJSON *element;

	if (!cJSON_IsArray(item)) {
		dmonitor_request_refuse(request, DMONITOR_CODE_BAD_FIELD,
		                        "%s must be an array of names", key);
		return 0;
	}
	if (item->child == NULL)
		return 0;
	names->names = malloc((size_t)cJSON_GetArraySize(item) * sizeof(*names->names));
	if (names->names == NULL)
		return ENOMEM;
	cJSON_ArrayForEach (element, item) {
		if (!cJSON_IsString(element)) {
			dmonitor_request_refuse(request, DMONITOR_CODE_BAD_FIELD,
			                        "%s must be an array of names", key);
			return 0;
		}
		if (!dmonitor_name_valid(element->valuestring)) {
			dmonitor_request_refuse(request, DMONITOR_CODE_BAD_NAME, "%s: %s", key,
			                        dmonitor_code_sentence(DMONITOR_CODE_BAD_NAME));
			return 0;
		}
		names->names[names->count++] = element->valuestring;
	}
	return 0;
}

static void read_text(const cJSON *item, const struct field *field,
                      struct dmonitor_request *request, const char **text)
{
	if (!cJSON_IsString(item))
		dmonitor_request_refuse(request, DMONITOR_CODE_BAD_FIELD, "%s must be a string",
		                        field->key);
	else if (field->kind == NAME && !dmonitor_name_valid(item->valuestring))
		dmonitor_request_refuse(request, DMONITOR_CODE_BAD_NAME, "%s: %s", field->key,
		                        dmonitor_code_sentence(DMONITOR_CODE_BAD_NAME));
	else if (field->kind == ID && !dmonitor_id_valid(item->valuestring))
		dmonitor_request_refuse(request, DMONITOR_CODE_BAD_NAME,
		                        "%s must be 1 to 255 bytes of printable UTF-8", field->key);
	else if (field->kind == SHORT_TEXT && (!dmonitor_id_valid(item->valuestring) ||
	                                       strlen(item->valuestring) > DMONITOR_NAME_BYTES))
		dmonitor_request_refuse(request, DMONITOR_CODE_BAD_FIELD,
		                        "%s must be 1 to 128 printable bytes", field->key);
	else
		*text = item->valuestring;
}

static int read_field(const cJSON *item, const struct field *field,
                      struct dmonitor_request *request)
{
	void *member = (char *)request + field->offset;

	switch (field->kind) {
	case NAMES:
		return read_names(item, field->key, request, member);
	case TOKEN:
		if (!dmonitor_json_token(item, member))
			dmonitor_request_refuse(request, DMONITOR_CODE_BAD_FIELD,
			                        "%s must be a string of digits", field->key);
		return 0;
	case INTEGER:
		if (!dmonitor_json_integer(item, field->low, field->high, member))
			dmonitor_request_refuse(request, DMONITOR_CODE_BAD_FIELD,
			                        "%s must be an integer from %lld to %lld",
			                        field->key, (long long)field->low,
			                        (long long)field->high);
		return 0;
	default:
		read_text(item, field, request, member);
		return 0;
	}
}

/* An optional true or false. */
static bool read_flag(const cJSON *root, const char *key, bool absent,
                      struct dmonitor_request *request)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, key);

	if (item != NULL && !cJSON_IsBool(item))
		dmonitor_request_refuse(request, DMONITOR_CODE_BAD_FIELD,
		                        "%s must be true or false", key);
	return cJSON_IsBool(item) ? cJSON_IsTrue(item) : absent;
}

/* The fields whose meaning does not depend on the table. */
static void read_specials(const cJSON *root, struct dmonitor_request *request)
{
	static const char *const unserved[] = { "set", "unset" };

	request->unanswered = !read_flag(root, "reply", true, request);
	if (request->action == DMONITOR_ACTION_EXIT)
		request->abandoned = read_flag(root, "abandoned", false, request);
	if (request->unanswered &&
	    (request->action != DMONITOR_ACTION_EXIT || request->session == NULL)) {
		request->unanswered = false;
		dmonitor_request_refuse(request, DMONITOR_CODE_BAD_FIELD,
		                        "reply: false is for a session's EXIT");
	}
	for (size_t i = 0; i < sizeof(unserved) / sizeof(unserved[0]); i++) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, unserved[i]);

		if ((BIT(EXIT) | BIT(WAIT)) & 1u << request->action && item != NULL &&
		    !(cJSON_IsArray(item) && item->child == NULL))
			dmonitor_request_refuse(request, DMONITOR_CODE_LIMIT,
			                        "%s: this server keeps no variables", unserved[i]);
	}
}

static int read_fields(const cJSON *root, struct dmonitor_request *request)
{
	const unsigned bit = 1u << request->action;

	for (const struct field *field = fields; field < fields + FIELD_COUNT; field++) {
		const cJSON *item;
		unsigned needed = field->always;

		/* Without a known action, only what the answer repeats is of interest. */
		if (!(field->actions & bit) && request->action != DMONITOR_ACTION_NONE)
			continue;
		item = cJSON_GetObjectItemCaseSensitive(root, field->key);
		needed |= request->session != NULL ? field->push : field->polling;
		if (item != NULL) {
			const int result = read_field(item, field, request);

			if (result != 0)
				return result;
		} else if (needed & bit) {
			dmonitor_request_refuse(request, DMONITOR_CODE_MISSING_FIELD,
			                        "Missing %s for %s", field->key,
			                        dmonitor_action_word(request->action));
		}
	}
	if (request->seq != 0 && request->session == NULL)
		dmonitor_request_refuse(request, DMONITOR_CODE_MISSING_FIELD,
		                        "Missing session for a request with seq");
	read_specials(root, request);
	return 0;
}

/* Parse ${bytes} strictly, and only then with cJSON, whose one remaining way to fail is memory.
 * What is no good leaves no tree. */
static int parse(const char *bytes, size_t size_bytes, struct dmonitor_request *request)
{
	size_t at;
	const char *fault = dmonitor_json_fault(bytes, size_bytes, &at);

	if (fault != NULL) {
		dmonitor_request_refuse(request, DMONITOR_CODE_BAD_JSON, "Not JSON at byte %zu: %s",
		                        at, fault);
		return 0;
	}
	if (bytes[strspn(bytes, " \t\r\n")] != '{') {
		dmonitor_request_refuse(request, DMONITOR_CODE_BAD_JSON,
		                        "The message is JSON, but not an object");
		return 0;
	}
	request->tree = cJSON_ParseWithLength(bytes, size_bytes);
	if (request->tree == NULL)
		return ENOMEM;
	fault = field_fault(request->tree);
	if (fault != NULL) {
		dmonitor_request_refuse(request, DMONITOR_CODE_BAD_JSON, "Not as it should be: %s",
		                        fault);
		cJSON_Delete(request->tree);
		request->tree = NULL;
	}
	return 0;
}

int dmonitor_request_decode(const char *bytes, size_t size_bytes, size_t frames,
                            struct dmonitor_request *request)
{
	int result;

	*request = (struct dmonitor_request){ .timeout_ms = -1 };
	if (frames == 0) {
		dmonitor_request_refuse(request, DMONITOR_CODE_BAD_FIELD,
		                        "No empty delimiter frame stands before the message");
		return 0;
	}
	if (size_bytes > DMONITOR_MESSAGE_BYTES) {
		dmonitor_request_refuse(request, DMONITOR_CODE_TOO_LARGE,
		                        "The message has %zu bytes, of at most %d", size_bytes,
		                        DMONITOR_MESSAGE_BYTES);
		return 0;
	}
	if (frames != 1)
		dmonitor_request_refuse(request, DMONITOR_CODE_BAD_FIELD,
		                        "The message has %zu frames behind the delimiter, of 1",
		                        frames);
	result = parse(bytes, size_bytes, request);
	if (result == 0 && request->tree != NULL) {
		request->digest = digest_of(bytes, size_bytes);
		read_action(request->tree, request);
		result = read_fields(request->tree, request);
	}
	if (result != 0)
		dmonitor_request_fini(request);
	return result;
}

void dmonitor_request_fini(struct dmonitor_request *request)
{
	if (request->tree != NULL) {
		free(request->signal.names);
		free(request->broadcast.names);
		cJSON_Delete(request->tree);
	}
	*request = (struct dmonitor_request){ .timeout_ms = -1 };
}

static void add_field(struct dmonitor_json *json, const struct field *field,
                      const struct dmonitor_request *request)
{
	const void *member = (const char *)request + field->offset;

	switch (field->kind) {
	case NAMES: {
		const struct dmonitor_names *names = member;

		if (names->count > 0)
			dmonitor_json_add(json, field->key,
			                  cJSON_CreateStringArray(names->names, (int)names->count));
		break;
	}
	case TOKEN:
		dmonitor_json_add_token(json, field->key, *(const uint64_t *)member);
		break;
	case INTEGER: {
		const int64_t value = *(const int64_t *)member;

		if (value >= field->low)
			dmonitor_json_add_integer(json, field->key, value);
		break;
	}
	default:
		if (*(const char *const *)member != NULL)
			dmonitor_json_add_text(json, field->key, *(const char *const *)member);
	}
}

char *dmonitor_request_encode(const struct dmonitor_request *request)
{
	struct dmonitor_json json = { .object = cJSON_CreateObject() };

	dmonitor_json_add_text(&json, "action", dmonitor_action_word(request->action));
	for (const struct field *field = fields; field < fields + FIELD_COUNT; field++)
		if (field->actions & 1u << request->action)
			add_field(&json, field, request);
	if (request->unanswered)
		dmonitor_json_add_bool(&json, "reply", false);
	if (request->abandoned)
		dmonitor_json_add_bool(&json, "abandoned", true);
	return dmonitor_json_finish(&json);
}
