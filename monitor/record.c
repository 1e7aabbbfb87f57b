/* record.c: the lines of a record. */
#include "record.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"

#define AT(member) offsetof(struct dmonitor_core_options, member)

const struct dmonitor_record_option dmonitor_record_options[] = {
	{ "lease_ms", AT(lease_ms) },
	{ "resume_ms", AT(resume_ms) },
	{ "sessions", AT(limits.sessions) },
	{ "monitors", AT(limits.monitors) },
	{ "conditions", AT(limits.conditions) },
	{ "places", AT(limits.places) },
	{ "clients", AT(limits.clients) },
	{ "ids", AT(limits.ids) },
	{ NULL, 0 },
};

void dmonitor_record_header(struct dmonitor_text *text)
{
	dmonitor_text_print(text, "{\"record\":\"monitor_server\",\"version\":%d}\n",
	                    DMONITOR_RECORD_VERSION);
}

static void add_start(struct dmonitor_text *text, const struct dmonitor_event *event,
                      const struct dmonitor_core_options *options)
{
	dmonitor_text_print(text, ",\"server\":");
	dmonitor_text_add_string(text, event->server, strlen(event->server));
	dmonitor_text_print(text, ",\"token\":\"%" PRIu64 "\",\"allow_stop\":%s", event->token,
	                    options->allow_stop ? "true" : "false");
	for (const struct dmonitor_record_option *option = dmonitor_record_options;
	     option->key != NULL; option++)
		dmonitor_text_print(
		    text, ",\"%s\":%" PRId64, option->key,
		    *(const int64_t *)(const void *)((const char *)options + option->offset));
}

/* Whether nothing depends on what it says. */
static bool is_unread(const struct dmonitor_envelope *envelope)
{
	return envelope->over_budget && envelope->size_bytes > BUDGET_LIGHT_BYTES;
}

static void add_message(struct dmonitor_text *text, const struct dmonitor_event *event,
                        const struct dmonitor_envelope *envelope)
{
	static const uint8_t none[sizeof(event->random)];

	dmonitor_text_print(text, ",\"peer\":%" PRIu64 ",\"local\":%s,\"frames\":%zu", event->peer,
	                    event->local ? "true" : "false", envelope->frames);
	if (envelope->over_budget)
		dmonitor_text_print(text, ",\"over_budget\":%zu", envelope->size_bytes);
	if (envelope->frames > 0 && !is_unread(envelope)) {
		const size_t before = text->length;

		dmonitor_text_print(text, ",\"envelope\":");
		if (!dmonitor_text_add_string(text, envelope->bytes, envelope->size_bytes)) {
			text->length = before;
			dmonitor_text_print(text, ",\"envelope_hex\":");
			dmonitor_text_add_hex(text, envelope->bytes, envelope->size_bytes);
		}
	}
	if (memcmp(event->random, none, sizeof(none)) != 0) {
		dmonitor_text_print(text, ",\"random\":");
		dmonitor_text_add_hex(text, event->random, sizeof(event->random));
	}
}

void dmonitor_record_said(struct dmonitor_text *text, const struct dmonitor_outbox *said)
{
	dmonitor_text_print(text, "\"said\":[");
	for (size_t i = 0; i < said->count; i++) {
		char *reply = dmonitor_reply_encode(&said->deliveries[i].reply);

		text->failed = text->failed || reply == NULL;
		dmonitor_text_print(text, "%s{\"to\":%" PRIu64 ",\"reply\":", i > 0 ? "," : "",
		                    said->deliveries[i].to);
		if (reply != NULL)
			dmonitor_text_add(text, reply, strlen(reply));
		dmonitor_text_print(text, "}");
		free(reply);
	}
	dmonitor_text_print(text, "]%s}", said->stop ? ",\"stop\":true" : "");
}

void dmonitor_record_event(struct dmonitor_text *text, const struct dmonitor_event *event,
                           const struct dmonitor_core_options *options,
                           const struct dmonitor_envelope *envelope,
                           const struct dmonitor_outbox *said)
{
	static const char *const words[] = { "START", "MESSAGE", "CLOSED", "TICK", "STALLED" };

	dmonitor_text_print(text, "{\"event\":\"%s\",\"now_ns\":%" PRId64, words[event->kind],
	                    event->now_ns);
	switch (event->kind) {
	case DMONITOR_EVENT_START:
		add_start(text, event, options);
		break;
	case DMONITOR_EVENT_MESSAGE:
		add_message(text, event, envelope);
		break;
	case DMONITOR_EVENT_CLOSED:
		dmonitor_text_print(text, ",\"peer\":%" PRIu64, event->peer);
		break;
	case DMONITOR_EVENT_TICK:
		if (event->limit > 0)
			dmonitor_text_print(text, ",\"limit\":%" PRIu64, event->limit);
		break;
	case DMONITOR_EVENT_STALLED:
		break;
	}
	dmonitor_text_print(text, ",");
	dmonitor_record_said(text, said);
	dmonitor_text_print(text, "\n");
}

void dmonitor_record_end(struct dmonitor_text *text, int64_t now_ns, uint64_t events)
{
	dmonitor_text_print(text,
	                    "{\"end\":\"clean\",\"now_ns\":%" PRId64 ",\"events\":%" PRIu64 "}\n",
	                    now_ns, events);
}
