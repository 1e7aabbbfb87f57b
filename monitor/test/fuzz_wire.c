/*
 * fuzz_wire.c: any bytes as a request and as a reply. What is decoded without error must read the
 * same once it is encoded and decoded again; what is refused must fit into the reply that says so.
 * And all of it once more with memory that runs out at some point.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "../wire_text.h"
#include "failing_malloc.h"
#include "messages.h"
#include "replay.h"

#define MUST(holds)                                                                                \
	do {                                                                                       \
		if (!(holds))                                                                      \
			abort();                                                                   \
	} while (0)

static bool fits(const char *text, size_t longest)
{
	return text == NULL || (text[0] != '\0' && strlen(text) <= longest);
}

/* The core copies these without looking. */
static void check_sizes(const struct dmonitor_request *request)
{
	MUST(fits(request->monitor_name, DMONITOR_NAME_BYTES));
	MUST(fits(request->condition_name, DMONITOR_NAME_BYTES));
	MUST(fits(request->ref, DMONITOR_NAME_BYTES));
	MUST(fits(request->session, DMONITOR_NAME_BYTES));
	MUST(fits(request->process_id, DMONITOR_ID_BYTES));
	MUST(fits(request->label, DMONITOR_ID_BYTES));
	MUST(request->seq >= 0 && request->seq <= DMONITOR_INTEGER_MAX);
	MUST(request->cancel_seq >= 0 && request->cancel_seq <= DMONITOR_INTEGER_MAX);
	MUST(request->timeout_ms >= -1 && request->timeout_ms <= DMONITOR_INTEGER_MAX);
	MUST(request->lease_ms >= 0 && request->lease_ms <= DMONITOR_INTEGER_MAX);
	for (size_t i = 0; i < request->signal.count; i++)
		MUST(dmonitor_name_valid(request->signal.names[i]));
	for (size_t i = 0; i < request->broadcast.count; i++)
		MUST(dmonitor_name_valid(request->broadcast.names[i]));
}

static void write_and_read_again(const struct dmonitor_request *request)
{
	char *text = dmonitor_request_encode(request);
	struct dmonitor_request again;

	MUST(text != NULL);
	/* Written out, 1e15 is longer than it was. */
	if (strlen(text) <= DMONITOR_MESSAGE_BYTES) {
		MUST(dmonitor_request_decode(text, strlen(text), 1, &again) == 0);
		MUST(request_difference(request, &again) == NULL);
		dmonitor_request_fini(&again);
	}
	free(text);
}

static void try_request(const char *bytes, size_t size_bytes)
{
	struct dmonitor_request request;
	size_t at;

	for (size_t frames = 0; frames <= 2; frames++) {
		MUST(dmonitor_request_decode(bytes, size_bytes, frames, &request) == 0);
		check_sizes(&request);
		MUST((request.error == DMONITOR_CODE_NONE) == (request.error_text[0] == '\0'));
		MUST(frames == 1 || request.error != DMONITOR_CODE_NONE);
		if (frames == 1 && dmonitor_json_fault(bytes, size_bytes, &at) != NULL)
			MUST(request.error == DMONITOR_CODE_BAD_JSON ||
			     request.error == DMONITOR_CODE_TOO_LARGE);
		if (request.error == DMONITOR_CODE_NONE)
			write_and_read_again(&request);
		dmonitor_request_fini(&request);
	}
}

/* What other replies than those that have it do not say, and what was cut, is not written. */
static void forget_the_unwritten(struct dmonitor_reply *reply)
{
	if (reply->status != DMONITOR_STATUS_ERROR) {
		reply->code = DMONITOR_CODE_NONE;
		reply->message[0] = '\0';
	}
	if (strlen(reply->message) == sizeof(reply->message) - 1)
		reply->message[0] = '\0';
	if (reply->status != DMONITOR_STATUS_WELCOME)
		reply->resumed = false;
	if (!reply->resumed)
		reply->last_seq = 0;
}

static void try_reply(const char *bytes, size_t size_bytes)
{
	struct dmonitor_reply reply, again;
	char *text;

	if (dmonitor_reply_decode(bytes, size_bytes, &reply) != 0)
		return;
	forget_the_unwritten(&reply);
	text = dmonitor_reply_encode(&reply);
	MUST(text != NULL);
	MUST(dmonitor_reply_decode(text, strlen(text), &again) == 0);
	MUST(reply_difference(&reply, &again) == NULL);
	free(text);
}

/* Any bytes in a line of a record: as a string that reads the same, or else as digits. */
static void try_text(const char *bytes, size_t size_bytes, int successes)
{
	struct dmonitor_text text = { .length = 0 };
	bool as_string;
	size_t at;

	until_failure = successes;
	dmonitor_text_print(&text, "{\"%s\":", "bytes");
	as_string = dmonitor_text_add_string(&text, bytes, size_bytes);
	if (!as_string)
		dmonitor_text_add_hex(&text, bytes, size_bytes);
	dmonitor_text_add(&text, "}", 1);
	MUST(!text.failed || (successes >= 0 && until_failure < 0));
	until_failure = -1;
	if (!text.failed) {
		cJSON *line = cJSON_ParseWithLength(text.bytes, text.length);
		const char *read = cJSON_GetObjectItem(line, "bytes")->valuestring;

		MUST(dmonitor_json_fault(text.bytes, text.length, &at) == NULL);
		MUST(strlen(read) == (as_string ? size_bytes : 2 * size_bytes));
		MUST(!as_string || size_bytes == 0 || memcmp(read, bytes, size_bytes) == 0);
		cJSON_Delete(line);
	}
	dmonitor_text_fini(&text);
}

/* Either there was memory enough, or the caller is told and holds nothing. */
static void try_request_with_little(const char *bytes, size_t size_bytes, int successes)
{
	struct dmonitor_request request;
	char *text = NULL;
	int result;

	until_failure = successes;
	result = dmonitor_request_decode(bytes, size_bytes, 1, &request);
	if (result == 0 && request.error == DMONITOR_CODE_NONE)
		text = dmonitor_request_encode(&request);
	MUST(result == 0 || (result == ENOMEM && until_failure < 0));
	MUST(result == 0 || (request.tree == NULL && request.signal.names == NULL));
	MUST(text != NULL || result != 0 || request.error != DMONITOR_CODE_NONE ||
	     until_failure < 0);
	until_failure = -1;
	free(text);
	dmonitor_request_fini(&request);
}

static void try_reply_with_little(const char *bytes, size_t size_bytes, int successes)
{
	struct dmonitor_reply reply;
	char *text = NULL;
	int result;

	until_failure = successes;
	result = dmonitor_reply_decode(bytes, size_bytes, &reply);
	MUST(result == 0 || result == EPROTO || (result == ENOMEM && until_failure < 0));
	if (result == 0) {
		text = dmonitor_reply_encode(&reply);
		MUST(text != NULL || until_failure < 0);
	}
	until_failure = -1;
	free(text);
}

/* What begins with a '#', which no JSON does, stands for a message longer than any may be. */
static void try_too_long(char filler)
{
	char *bytes = malloc(DMONITOR_MESSAGE_BYTES + 1);

	MUST(bytes != NULL);
	memset(bytes, filler, DMONITOR_MESSAGE_BYTES + 1);
	try_request(bytes, DMONITOR_MESSAGE_BYTES + 1);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	const char *bytes = (const char *)data;
	/* cJSON is a shared library, so it must be told whom to ask. */
	cJSON_Hooks hooks = { .malloc_fn = __wrap_malloc, .free_fn = free };
	unsigned hash = 0;

	cJSON_InitHooks(&hooks);
	if (size_bytes == 2 && data[0] == '#')
		try_too_long(bytes[1]);
	try_request(bytes, size_bytes);
	try_reply(bytes, size_bytes);
	try_text(bytes, size_bytes, -1);
	for (size_t i = 0; i < size_bytes; i++)
		hash = hash * 31 + data[i];
	try_request_with_little(bytes, size_bytes, (int)(hash % 37));
	try_reply_with_little(bytes, size_bytes, (int)(hash % 41));
	try_text(bytes, size_bytes, (int)(hash % 5));
	return 0;
}
