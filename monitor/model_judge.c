/*
 * model_judge.c: whether the core said what the model expects, and if not, which rule broke. The
 * two are compared reply by reply; where they first differ, what was said, what was expected and
 * what the model knows of those concerned tell the rule.
 */
#include "model_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static const char *sentence(struct dmonitor_model *model,
                                                                  const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(model->sentence, sizeof(model->sentence), format, arguments);
	va_end(arguments);
	return model->sentence;
}

static bool is_grant(const struct dmonitor_reply *reply)
{
	return reply->status == DMONITOR_STATUS_GRANTED ||
	       reply->status == DMONITOR_STATUS_GRANTED_AFTER_WAIT;
}

/* The rules about a field, where only that differs: its name, and what it means. */
struct difference {
	const char *field;
	const char *rule;
};

#define DIFFERS(member, text)                                                                      \
	do {                                                                                       \
		if (said->member != due->member)                                                   \
			return (struct difference){ #member, text };                               \
	} while (0)

#define READS_OTHERWISE(member, text)                                                              \
	do {                                                                                       \
		if (strcmp(said->member, due->member) != 0)                                        \
			return (struct difference){ #member, text };                               \
	} while (0)

/* A report is not decoded, so from a record it is absent; ages of places are the core's own. */
static struct difference report_difference(const struct dmonitor_status_report *said,
                                           const struct dmonitor_status_report *due)
{
	static const char *const rule = "I22: STATUS counts what there is";

	if (said == NULL || due == NULL)
		return (struct difference){ NULL, NULL };
	DIFFERS(uptime_ms, rule);
	DIFFERS(grants, rule);
	DIFFERS(sessions, rule);
	DIFFERS(monitors, rule);
	DIFFERS(ignored, rule);
	DIFFERS(has_monitor, rule);
	DIFFERS(has_owner, rule);
	DIFFERS(line_length, rule);
	DIFFERS(waiters_length, rule);
	DIFFERS(line_count, rule);
	DIFFERS(client_count, rule);
	if (memcmp(said->received, due->received, sizeof(due->received)) != 0)
		return (struct difference){ "received", rule };
	if (memcmp(said->sent, due->sent, sizeof(due->sent)) != 0)
		return (struct difference){ "sent", rule };
	if (memcmp(said->errors, due->errors, sizeof(due->errors)) != 0)
		return (struct difference){ "errors", rule };
	READS_OTHERWISE(owner.id, "I14: nobody is told who is not there");
	for (size_t i = 0; i < due->client_count; i++) {
		READS_OTHERWISE(clients[i].id, "I5: the line has its order");
		READS_OTHERWISE(clients[i].label, "I5: the line has its order");
		READS_OTHERWISE(clients[i].condition_name, "I14: waiters stand at their condition");
	}
	return (struct difference){ NULL, NULL };
}

static struct difference difference(const struct dmonitor_reply *said,
                                    const struct dmonitor_reply *due)
{
	static const char *const once = "I12: a request is done once and answered in its sequence";
	static const char *const apart = "I20: what concerns one monitor concerns no other";

	DIFFERS(status, "the state table");
	DIFFERS(code, "the state table");
	READS_OTHERWISE(monitor_name, apart);
	READS_OTHERWISE(condition_name, apart);
	DIFFERS(seq, once);
	DIFFERS(cancel_seq, once);
	READS_OTHERWISE(ref, once);
	DIFFERS(abandoned, "I16: the next owner is told that the one before died inside, and only "
	                   "the next");
	DIFFERS(timed_out, "I8: each return from WAIT has the cause that it tells");
	DIFFERS(cancelled, "I8: each return from WAIT has the cause that it tells");
	DIFFERS(tells_woken, "I7: who signals is told how many it awakened");
	DIFFERS(tells_next, "I5: who leaves is told who is next");
	READS_OTHERWISE(next_granted_to, "I5: who has waited longest is next");
	DIFFERS(failed_seq, once);
	DIFFERS(failed_code, once);
	DIFFERS(protocol, "the protocol's number");
	DIFFERS(lease_ms, "I15: the lease is what was told");
	DIFFERS(last_seq, once);
	DIFFERS(resumed, once);
	DIFFERS(pending, once);
	READS_OTHERWISE(session, "I10: a session is known by its secret");
	READS_OTHERWISE(server, "a server has one identity");
	READS_OTHERWISE(message, "the sentence of an error");
	return report_difference(said->report, due->report);
}

#undef DIFFERS
#undef READS_OTHERWISE

/* Who is meant by a peer, in words; several may use one connection. */
static const char *name_of(struct dmonitor_model *model, dmonitor_peer peer, char *words,
                           size_t room_bytes)
{
	const struct model_client *only = NULL;
	size_t count = 0;

	for (size_t i = 0; i < model->client_count; i++)
		if (model->clients[i].peer == peer) {
			only = &model->clients[i];
			count++;
		}
	if (count == 1)
		snprintf(words, room_bytes, "client %s", only->id);
	else
		snprintf(words, room_bytes, "the client at peer %llu", (unsigned long long)peer);
	return words;
}

static const char *id_of(struct dmonitor_model *model, const struct model_place *place)
{
	return model_client(model, place->client)->id;
}

/* What ${reply} says, in a few words. */
static const char *words_of(const struct dmonitor_reply *reply, char *words, size_t room_bytes)
{
	if (reply->code != DMONITOR_CODE_NONE)
		snprintf(words, room_bytes, "error %s", dmonitor_code_word(reply->code));
	else
		snprintf(words, room_bytes, "%s", dmonitor_status_word(reply->status));
	return words;
}

/* The place at ${name} of the one client at ${peer} that has one. */
static struct model_place *place_at(struct dmonitor_model *model, dmonitor_peer peer,
                                    const char *name)
{
	for (size_t i = 0; i < model->place_count; i++)
		if (strcmp(model->places[i].monitor, name) == 0 &&
		    model_client(model, model->places[i].client)->peer == peer)
			return &model->places[i];
	return NULL;
}

/* A grant was said that is not due. */
static const char *granted_wrongly(struct dmonitor_model *model,
                                   const struct dmonitor_delivery *said)
{
	const char *name = said->reply.monitor_name;
	const struct model_place *owner = model_owner(model, name);
	const struct model_place *place = place_at(model, said->to, name);
	const bool time_passed =
	    model->kind != DMONITOR_EVENT_MESSAGE || model->action == DMONITOR_ACTION_HELLO;
	char who[300];

	name_of(model, said->to, who, sizeof(who));
	if (place != NULL && place == owner && place->token <= model->token_before)
		return sentence(model,
		                "%s was told of its ownership of %s unasked (I12: a request "
		                "is done once and answered once)",
		                who, name);
	if (place != NULL && place == owner)
		return sentence(model, "%s was granted %s twice (I2: one owner, one grant)", who,
		                name);
	if (owner != NULL && owner->token > model->token_before &&
	    (place == NULL || place->state != MODEL_WAITING))
		return sentence(model, "%s was granted %s though %s stood before it in line (I5)",
		                who, name, id_of(model, owner));
	if (place != NULL && place->state == MODEL_WAITING)
		return sentence(model,
		                "%s was granted %s while it waits on %s, and nothing awakened it "
		                "(I8: no wake-up is invented)",
		                who, name, place->condition);
	if (owner != NULL && (said->reply.abandoned || time_passed))
		return sentence(model,
		                "%s was granted %s though its owner %s has not ended yet: neither "
		                "its lease nor its probation is over (I15: nobody ends too early)",
		                who, name, id_of(model, owner));
	if (owner != NULL)
		return sentence(model, "%s was granted %s while %s owns it (I2: one owner at most)",
		                who, name, id_of(model, owner));
	return sentence(model,
	                "%s was granted %s without standing in line for it: it had left, or had "
	                "ended, or never asked (I14: no ghosts)",
	                who, name);
}

/* A grant was due and not said. */
static const char *not_granted(struct dmonitor_model *model, const struct dmonitor_delivery *due)
{
	const char *name = due->reply.monitor_name;
	char who[300];

	name_of(model, due->to, who, sizeof(who));
	if (model->ended[0] != '\0' && model->action != DMONITOR_ACTION_BYE)
		return sentence(model,
		                "client %s has ended, and %s, first in line of %s, was not granted "
		                "it (I15: what the dead held goes on, no later than the tick after "
		                "its lease or probation)",
		                model->ended, who, name);
	if (due->reply.status == DMONITOR_STATUS_GRANTED_AFTER_WAIT && !due->reply.timed_out &&
	    !due->reply.cancelled)
		return sentence(model,
		                "%s was awakened from %s and is first in line of %s, and was not "
		                "granted it (I7: no wake-up is lost)",
		                who, due->reply.condition_name, name);
	return sentence(model,
	                "%s is first in line of %s, which is free, and was not granted it (I5: the "
	                "monitor is handed over at once)",
	                who, name);
}

static const char *wrong_token(struct dmonitor_model *model, const struct dmonitor_delivery *said,
                               const struct dmonitor_delivery *due)
{
	const unsigned long long told = said->reply.token, right = due->reply.token;
	const bool is_new = right > model->token_before;
	const char *name = said->reply.monitor_name;
	char who[300];

	name_of(model, said->to, who, sizeof(who));
	if (!is_new)
		return sentence(model,
		                "%s was told token %llu for %s, which it owns by token %llu (I13: "
		                "asking again changes nothing)",
		                who, told, name, right);
	if (told <= model->token_before && said->reply.status == DMONITOR_STATUS_GRANTED_AFTER_WAIT)
		return sentence(model,
		                "%s came back from WAIT into %s with token %llu, and %llu had been "
		                "given before (I11: with a new token; I4: tokens rise)",
		                who, name, told, (unsigned long long)model->token_before);
	if (told <= model->token_before)
		return sentence(model,
		                "%s was granted %s with token %llu, and %llu had been given before "
		                "(I4: tokens rise)",
		                who, name, told, (unsigned long long)model->token_before);
	return sentence(model,
	                "%s was granted %s with token %llu, and the next is %llu (I4: tokens count "
	                "the changes of ownership)",
	                who, name, told, right);
}

static const char *wrong_woken(struct dmonitor_model *model, const struct dmonitor_delivery *said,
                               const struct dmonitor_delivery *due)
{
	const bool more = said->reply.woken_processes > due->reply.woken_processes;
	char who[300];

	return sentence(model, "%s was told that it awakened %lld at %s, and %lld were to be (%s)",
	                name_of(model, said->to, who, sizeof(who)),
	                (long long)said->reply.woken_processes, said->reply.monitor_name,
	                (long long)due->reply.woken_processes,
	                more ? "I8: no wake-up is invented" : "I7: no wake-up is lost");
}

/* The rule behind two answers of different status to the same request. */
static const char *rule_of_answer(const struct dmonitor_model *model,
                                  const struct dmonitor_reply *said,
                                  const struct dmonitor_reply *due)
{
	switch (said->code) {
	case DMONITOR_CODE_SESSION_LOST:
		return "I15: nobody ends too early";
	case DMONITOR_CODE_LIMIT:
		return "I22: only a limit that is reached refuses";
	default:
		break;
	}
	switch (due->code) {
	case DMONITOR_CODE_SESSION_LOST:
		return "I14: who has ended is not served";
	case DMONITOR_CODE_LIMIT:
		return "I22: no limit is exceeded";
	case DMONITOR_CODE_SEQ_GAP:
	case DMONITOR_CODE_SEQ_REUSED:
	case DMONITOR_CODE_BUSY:
		return "I12: a request is done once and in its sequence";
	default:
		break;
	}
	switch (model->action) {
	case DMONITOR_ACTION_CHECK_GRANT:
	case DMONITOR_ACTION_CHECK_AWAKENED:
		return "I13: checks tell what is, and change nothing";
	case DMONITOR_ACTION_EXIT:
	case DMONITOR_ACTION_WAIT:
	case DMONITOR_ACTION_SIGNAL:
	case DMONITOR_ACTION_BROADCAST:
	case DMONITOR_ACTION_CHECK:
		return "I10: only the owner may, and the owner may";
	case DMONITOR_ACTION_ENTER:
		return "I2: one owner at most, and who comes stands in line";
	default:
		return "PROTOCOL.md, the tables of replies";
	}
}

/* Both are to the same peer, and differ. */
static const char *differing(struct dmonitor_model *model, const struct dmonitor_delivery *said,
                             const struct dmonitor_delivery *due)
{
	const struct difference difference_found = difference(&said->reply, &due->reply);
	char who[300], got[80], wanted[80];

	name_of(model, said->to, who, sizeof(who));
	if (said->reply.status != due->reply.status || said->reply.code != due->reply.code) {
		if (is_grant(&said->reply) && said->reply.token > model->token_before)
			return granted_wrongly(model, said);
		return sentence(model, "%s was answered %s where %s is due (%s)", who,
		                words_of(&said->reply, got, sizeof(got)),
		                words_of(&due->reply, wanted, sizeof(wanted)),
		                rule_of_answer(model, &said->reply, &due->reply));
	}
	if (difference_found.field == NULL && said->reply.token != due->reply.token)
		return wrong_token(model, said, due);
	if (difference_found.field == NULL)
		return wrong_woken(model, said, due);
	return sentence(model, "%s was answered %s with a wrong %s (%s)", who,
	                words_of(&said->reply, got, sizeof(got)), difference_found.field,
	                difference_found.rule);
}

static const char *missing(struct dmonitor_model *model, const struct dmonitor_delivery *due)
{
	char who[300], wanted[80];

	if (is_grant(&due->reply) && due->reply.token > model->token_before)
		return not_granted(model, due);
	return sentence(model, "%s was not told %s (I12: what has an outcome is answered once)",
	                name_of(model, due->to, who, sizeof(who)),
	                words_of(&due->reply, wanted, sizeof(wanted)));
}

static const char *surplus(struct dmonitor_model *model, const struct dmonitor_delivery *said)
{
	char who[300], got[80];

	if (is_grant(&said->reply))
		return granted_wrongly(model, said);
	return sentence(model,
	                "%s was told %s, to nothing that it asked (I12: what has an outcome is "
	                "answered once)",
	                name_of(model, said->to, who, sizeof(who)),
	                words_of(&said->reply, got, sizeof(got)));
}

static bool same(const struct dmonitor_delivery *a, const struct dmonitor_delivery *b)
{
	return a->to == b->to && difference(&a->reply, &b->reply).field == NULL &&
	       a->reply.token == b->reply.token &&
	       a->reply.woken_processes == b->reply.woken_processes;
}

static bool is_among(const struct dmonitor_delivery *one, const struct dmonitor_outbox *all,
                     size_t from)
{
	for (size_t i = from; i < all->count; i++)
		if (all->deliveries[i].to == one->to &&
		    all->deliveries[i].reply.status == one->reply.status &&
		    strcmp(all->deliveries[i].reply.monitor_name, one->reply.monitor_name) == 0)
			return true;
	return false;
}

const char *model_judge(struct dmonitor_model *model, const struct dmonitor_outbox *said)
{
	const struct dmonitor_outbox *due = &model->expected;
	size_t at = 0;

	while (at < said->count && at < due->count &&
	       same(&said->deliveries[at], &due->deliveries[at]))
		at++;
	if (at == said->count && at == due->count)
		return said->stop == due->stop
		           ? NULL
		           : sentence(model, "the server %s (STOP_SERVER, PROTOCOL.md section 5)",
		                      said->stop ? "stops unasked" : "does not stop when asked");
	if (at == said->count)
		return missing(model, &due->deliveries[at]);
	if (at == due->count)
		return surplus(model, &said->deliveries[at]);
	if (said->deliveries[at].to == due->deliveries[at].to)
		return differing(model, &said->deliveries[at], &due->deliveries[at]);
	if (is_grant(&said->deliveries[at].reply) && !is_among(&said->deliveries[at], due, at))
		return granted_wrongly(model, &said->deliveries[at]);
	if (!is_among(&due->deliveries[at], said, at))
		return missing(model, &due->deliveries[at]);
	if (!is_among(&said->deliveries[at], due, at))
		return surplus(model, &said->deliveries[at]);
	return sentence(model,
	                "what one event leads to was said in another order (I5: in the order "
	                "in which it happened)");
}
