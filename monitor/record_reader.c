/* record_reader.c: reads a record line by line. */
#include "record_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "budget.h"
#include "record_fields.h"

struct record_reader {
	FILE *file;
	char *text; /* of the line */
	size_t text_room;
	char *envelope; /* of its message */
	size_t envelope_room;
	char server[DMONITOR_ID_BYTES + 1];
	struct record_line line;
	uint64_t read_bytes;
	uint64_t all_bytes;
};

static bool is_whole(const struct record_line *line)
{
	return line->length > 0 && line->text[line->length - 1] == '\n';
}

/* The next line of the file; false: there is none. */
static bool next_text(struct record_reader *reader)
{
	const ssize_t length = getline(&reader->text, &reader->text_room, reader->file);

	if (length <= 0)
		return false;
	reader->line.number++;
	reader->line.text = reader->text;
	reader->line.length = (size_t)length;
	reader->read_bytes += (uint64_t)length;
	return true;
}

static const char *header_fault(const struct record_line *line)
{
	const char *fault = NULL;
	int64_t version = 0;
	struct record_value header = { NULL, 0 };

	if (is_whole(line))
		header = record_object(line->text, line->length, &fault);
	if (!record_is(record_field(header, "record"), "monitor_server"))
		return "its first line is not that of a record";
	record_integer(record_field(header, "version"), &version);
	return version == DMONITOR_RECORD_VERSION ? NULL : "it is of another version of the format";
}

int record_reader_open(const char *path, struct record_reader **reader, const char **fault)
{
	struct record_reader *made = calloc(1, sizeof(*made));
	struct stat status;
	int result = 0;

	if (made == NULL)
		return ENOMEM;
	*fault = NULL;
	made->file = fopen(path, "r");
	if (made->file == NULL)
		result = errno;
	else if (fstat(fileno(made->file), &status) == 0 && S_ISDIR(status.st_mode))
		result = EISDIR;
	else if (S_ISREG(status.st_mode))
		made->all_bytes = (uint64_t)status.st_size;
	if (result == 0) {
		*fault = next_text(made) ? header_fault(&made->line) : "it is empty";
		result = *fault == NULL ? 0 : EPROTO;
	}
	if (result != 0) {
		record_reader_close(&made);
		return result;
	}
	*reader = made;
	return 0;
}

static void forget_line(struct record_line *line)
{
	dmonitor_request_fini(&line->request);
	for (size_t i = 0; i < line->said.count; i++)
		free(line->said.deliveries[i].reply.report);
	line->said.count = 0;
	line->said.stop = false;
	line->fault = NULL;
}

void record_reader_close(struct record_reader **reader)
{
	struct record_reader *closed = *reader;

	if (closed == NULL)
		return;
	forget_line(&closed->line);
	dmonitor_outbox_fini(&closed->line.said);
	if (closed->file != NULL)
		fclose(closed->file);
	free(closed->text);
	free(closed->envelope);
	free(closed);
	*reader = NULL;
}

static const char *read_start(struct record_reader *reader, struct record_value object)
{
	struct record_line *line = &reader->line;

	line->options = dmonitor_core_defaults;
	line->options.allow_stop = record_bool(record_field(object, "allow_stop"));
	for (const struct dmonitor_record_option *option = dmonitor_record_options;
	     option->key != NULL; option++)
		if (!record_integer(record_field(object, option->key),
		                    (int64_t *)(void *)((char *)&line->options + option->offset)))
			return "START lacks one of the server's options";
	if (record_string(record_field(object, "server"), reader->server, sizeof(reader->server)) <
	    0)
		return "START has no server";
	if (!record_token(record_field(object, "token"), &line->event.token))
		return "START has no token";
	line->event.server = reader->server;
	return NULL;
}

/* Read a message's bytes into the reader; their number, or -1. */
static long read_envelope(struct record_reader *reader, struct record_value object)
{
	const struct record_value text = record_field(object, "envelope");
	const struct record_value hex = record_field(object, "envelope_hex");
	const size_t room = text.length + hex.length + 8;

	if (room > reader->envelope_room) {
		char *grown = realloc(reader->envelope, room);

		if (grown == NULL)
			return -1;
		reader->envelope = grown;
		reader->envelope_room = room;
	}
	return text.text != NULL ? record_string(text, reader->envelope, reader->envelope_room)
	                         : record_hex(hex, reader->envelope, reader->envelope_room);
}

/* Read what the core was given of a message. */
static const char *read_request(struct record_reader *reader, struct record_value object,
                                int64_t frames)
{
	struct dmonitor_request *request = &reader->line.request;
	const struct record_value over_budget = record_field(object, "over_budget");
	int64_t bytes = 0;
	long size;
	int result;

	if (over_budget.text != NULL && (!record_integer(over_budget, &bytes) || bytes < 0))
		return "MESSAGE is over_budget by a number of bytes that cannot be read";
	/* A long one stands there by its size alone. */
	size = frames == 0                  ? 0
	       : bytes > BUDGET_LIGHT_BYTES ? (long)bytes
	                                    : read_envelope(reader, object);
	if (size < 0)
		return "MESSAGE has no envelope that can be read";
	if (bytes > 0)
		result = budget_refuse(reader->envelope, (size_t)size, (size_t)frames, request);
	else
		result = dmonitor_request_decode(reader->envelope, (size_t)size, (size_t)frames,
		                                 request);
	return result == 0 ? NULL : "there is no memory for its message";
}

static const char *read_message(struct record_reader *reader, struct record_value object)
{
	struct record_line *line = &reader->line;
	const struct record_value random = record_field(object, "random");
	int64_t frames = -1;

	line->event.local = record_bool(record_field(object, "local"));
	if (!record_integer(record_field(object, "frames"), &frames) || frames < 0)
		return "MESSAGE has no number of frames";
	if (random.text != NULL &&
	    record_hex(random, line->event.random, sizeof(line->event.random)) !=
	        sizeof(line->event.random))
		return "MESSAGE has random bytes that cannot be read";
	line->event.request = &line->request;
	return read_request(reader, object, frames);
}

static const char *read_said(struct record_line *line, struct record_value said)
{
	struct record_value entry = { NULL, 0 };

	if (said.text == NULL || said.text[0] != '[')
		return "it has no list of what was said";
	while ((entry = record_element(said, entry)).text != NULL) {
		struct dmonitor_outbox *outbox = &line->said;
		const struct record_value reply = record_field(entry, "reply");
		int64_t to = 0;

		if (outbox->count == outbox->room) {
			const size_t room = outbox->room * 2 + 8;
			struct dmonitor_delivery *grown =
			    realloc(outbox->deliveries, room * sizeof(*grown));

			if (grown == NULL)
				return "there is no memory for what was said";
			outbox->deliveries = grown;
			outbox->room = room;
		}
		if (!record_integer(record_field(entry, "to"), &to) || reply.text == NULL ||
		    dmonitor_reply_decode(reply.text, reply.length,
		                          &outbox->deliveries[outbox->count].reply) != 0)
			return "something that was said is no reply";
		outbox->deliveries[outbox->count++].to = (dmonitor_peer)to;
	}
	return NULL;
}

static const char *read_event(struct record_reader *reader, struct record_value object)
{
	static const char *const words[] = { "START", "MESSAGE", "CLOSED", "TICK", "STALLED" };
	struct record_line *line = &reader->line;
	const struct record_value word = record_field(object, "event");
	const struct record_value said = record_field(object, "said");
	const char *fault = NULL;
	int64_t peer = 0, limit = 0;
	size_t kind = 0;

	while (kind < sizeof(words) / sizeof(words[0]) && !record_is(word, words[kind]))
		kind++;
	if (kind == sizeof(words) / sizeof(words[0]))
		return "it is no event, nor the end";
	line->event = (struct dmonitor_event){ .kind = (enum dmonitor_event_kind)kind };
	if (!record_integer(record_field(object, "now_ns"), &line->event.now_ns))
		return "it has no time";
	record_integer(record_field(object, "peer"), &peer);
	record_integer(record_field(object, "limit"), &limit);
	line->event.peer = (dmonitor_peer)peer;
	line->event.limit = (uint64_t)limit;
	if (line->event.kind == DMONITOR_EVENT_START)
		fault = read_start(reader, object);
	else if (line->event.kind == DMONITOR_EVENT_MESSAGE)
		fault = read_message(reader, object);
	if (fault != NULL)
		return fault;
	line->said.stop = record_bool(record_field(object, "stop"));
	line->said_at =
	    said.text == NULL ? 0 : (size_t)(said.text - line->text) - strlen("\"said\":");
	return read_said(line, said);
}

enum record_kind record_reader_next(struct record_reader *reader, struct record_line **at)
{
	struct record_line *line = &reader->line;
	struct record_value object;

	*at = line;
	forget_line(line);
	if (!next_text(reader))
		return RECORD_OVER;
	if (!is_whole(line))
		return RECORD_TORN;
	object = record_object(line->text, line->length, &line->fault);
	if (object.text == NULL)
		return RECORD_BROKEN;
	if (record_field(object, "end").text != NULL)
		return RECORD_END;
	line->fault = read_event(reader, object);
	return line->fault == NULL ? RECORD_EVENT : RECORD_BROKEN;
}

void record_reader_progress(const struct record_reader *reader, uint64_t *read, uint64_t *all)
{
	*read = reader->read_bytes;
	*all = reader->all_bytes;
}
