/* model_session.c: the model's clients: identities, leases, probations, ends; answers in order. */
#include "model_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model_client *model_client(struct dmonitor_model *model, uint64_t number)
{
	for (size_t i = 0; i < model->client_count; i++)
		if (model->clients[i].number == number)
			return &model->clients[i];
	return NULL;
}

struct model_client *model_client_by_id(struct dmonitor_model *model, const char *id)
{
	for (size_t i = 0; i < model->client_count; i++)
		if (strcmp(model->clients[i].id, id) == 0)
			return &model->clients[i];
	return NULL;
}

struct model_client *model_client_by_session(struct dmonitor_model *model, const char *session)
{
	for (size_t i = 0; i < model->client_count; i++)
		if (model->clients[i].session[0] != '\0' &&
		    strcmp(model->clients[i].session, session) == 0)
			return &model->clients[i];
	return NULL;
}

struct model_client *model_client_new(struct dmonitor_model *model, const char *id)
{
	struct model_client *client;

	if (!model_grow(model, (void **)&model->clients, model->client_count, &model->client_room,
	                sizeof(model->clients[0])))
		return NULL;
	client = &model->clients[model->client_count++];
	*client = (struct model_client){ .number = ++model->clients_ever };
	snprintf(client->id, sizeof(client->id), "%s", id);
	model->counts.clients++;
	return client;
}

void model_renew(struct dmonitor_model *model, struct model_client *client)
{
	client->lease_end_ns = model_later(model, client->lease_ms);
	if (client->life.due_ns == 0)
		model_timer_set(model, &client->life, client->lease_end_ns);
}

/* The others stay in the order in which they came. */
static void forget(struct dmonitor_model *model, struct model_client *client)
{
	const size_t index = (size_t)(client - model->clients);

	memmove(client, client + 1, (--model->client_count - index) * sizeof(*client));
}

void model_end(struct dmonitor_model *model, uint64_t number, bool died)
{
	struct model_client *client = model_client(model, number);

	snprintf(model->ended, sizeof(model->ended), "%s", client->id);
	forget(model, client);
	model_leave_all(model, number, died);
}

static bool is_nowhere(const struct dmonitor_model *model, uint64_t number)
{
	for (size_t i = 0; i < model->place_count; i++)
		if (model->places[i].client == number)
			return false;
	return true;
}

/* Forget a polling client that is at no monitor and has nothing to be told; false: it is. */
bool model_forget_idle(struct dmonitor_model *model, uint64_t number)
{
	if (!is_nowhere(model, number))
		return false;
	forget(model, model_client(model, number));
	return true;
}

/* Whether one more client may be on ${peer}: there are fewer than may be, or one that polls and is
 * nowhere, which is forgotten for it. */
bool model_has_room(struct dmonitor_model *model, dmonitor_peer peer)
{
	const int64_t limit = model->options.limits.ids;
	const struct model_client *idle = NULL;
	int64_t count = 0;

	for (size_t i = 0; i < model->client_count; i++) {
		const struct model_client *client = &model->clients[i];

		if (client->peer != peer)
			continue;
		count++;
		if (client->session[0] == '\0' && is_nowhere(model, client->number) &&
		    (idle == NULL || client->attached < idle->attached))
			idle = client;
	}
	model_note_limit(model, limit, "clients of one connection");
	if (count >= limit && idle != NULL)
		model_forget_idle(model, idle->number);
	return count < limit || idle != NULL;
}

/* Let ${client} use ${peer} from now on. */
void model_attach(struct dmonitor_model *model, struct model_client *client, dmonitor_peer peer)
{
	client->peer = peer;
	client->attached = ++model->serial;
	client->life.due_ns = 0;
	if (client->session[0] != '\0')
		model_renew(model, client);
}

/* Who has used ${peer} for longest. */
static struct model_client *first_on(struct dmonitor_model *model, dmonitor_peer peer)
{
	struct model_client *first = NULL;

	for (size_t i = 0; i < model->client_count; i++)
		if (model->clients[i].peer == peer &&
		    (first == NULL || model->clients[i].attached < first->attached))
			first = &model->clients[i];
	return first;
}

void model_closed(struct dmonitor_model *model, dmonitor_peer peer)
{
	struct model_client *client;

	for (size_t i = model->held_count; i-- > 0;)
		if (model->held[i].event.peer == peer)
			model_held_remove(model, i);
	while ((client = first_on(model, peer)) != NULL) {
		client->peer = 0;
		model_timer_set(model, &client->life, model_later(model, model->options.resume_ms));
	}
}

/* The server had stood still: every life is counted anew from now. */
void model_stalled(struct dmonitor_model *model)
{
	for (size_t i = 0; i < model->client_count; i++)
		if (model->clients[i].peer == 0)
			model_timer_set(model, &model->clients[i].life,
			                model_later(model, model->options.resume_ms));
		else if (model->clients[i].session[0] != '\0')
			model_renew(model, &model->clients[i]);
}

void model_life_due(struct dmonitor_model *model, struct model_client *client)
{
	if (client->peer != 0 && client->lease_end_ns > client->life.due_ns) {
		model_timer_set(model, &client->life, client->lease_end_ns);
		return;
	}
	if (model->now_ns - client->life.due_ns > model->counts.late_ns)
		model->counts.late_ns = model->now_ns - client->life.due_ns;
	model->counts.ended_lease += client->peer != 0;
	model->counts.ended_probation += client->peer == 0;
	model_end(model, client->number, true);
}

static const char *copy(char **to, const char *text)
{
	const char *copied = *to;

	if (text == NULL)
		return NULL;
	strcpy(*to, text);
	*to += strlen(text) + 1;
	return copied;
}

/* Copy what a message says behind one another; NULL: out of memory. Lists go with it. */
static char *copy_request(const struct dmonitor_request *from, struct dmonitor_request *to)
{
	const char *const texts[] = { from->process_id, from->monitor_name, from->condition_name,
		                      from->session,    from->label,        from->ref };
	const size_t names = from->signal.count + from->broadcast.count;
	size_t bytes = names * sizeof(char *) + 1;
	const char **list;
	char *made, *end;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		bytes += texts[i] == NULL ? 0 : strlen(texts[i]) + 1;
	for (size_t i = 0; i < from->signal.count; i++)
		bytes += strlen(from->signal.names[i]) + 1;
	for (size_t i = 0; i < from->broadcast.count; i++)
		bytes += strlen(from->broadcast.names[i]) + 1;
	made = malloc(bytes);
	if (made == NULL)
		return NULL;
	list = (const char **)(void *)made;
	end = made + names * sizeof(char *);
	*to = *from;
	to->tree = NULL;
	to->process_id = copy(&end, from->process_id);
	to->monitor_name = copy(&end, from->monitor_name);
	to->condition_name = copy(&end, from->condition_name);
	to->session = copy(&end, from->session);
	to->label = copy(&end, from->label);
	to->ref = copy(&end, from->ref);
	to->signal.names = list;
	for (size_t i = 0; i < from->signal.count; i++)
		*list++ = copy(&end, from->signal.names[i]);
	to->broadcast.names = list;
	for (size_t i = 0; i < from->broadcast.count; i++)
		*list++ = copy(&end, from->broadcast.names[i]);
	return made;
}

void model_hold(struct dmonitor_model *model, const struct dmonitor_event *event)
{
	struct model_held *held;
	char *texts;

	if (!model_grow(model, (void **)&model->held, model->held_count, &model->held_room,
	                sizeof(model->held[0])))
		return;
	held = &model->held[model->held_count];
	texts = copy_request(event->request, &held->request);
	if (texts == NULL) {
		model->out_of_memory = true;
		return;
	}
	held->event = *event;
	held->texts = texts;
	model_timer_set(model, &held->timer, model_later(model, model->options.resume_ms));
	model->held_count++;
}

void model_held_remove(struct dmonitor_model *model, size_t index)
{
	free(model->held[index].texts);
	memmove(&model->held[index], &model->held[index + 1],
	        (--model->held_count - index) * sizeof(model->held[0]));
}

/* Answer ${client}'s last request, unless nobody is there to hear it; a repetition is answered
 * alike. A refusal of an earlier `reply: false` rides on it. */
void model_answer(struct dmonitor_model *model, struct model_client *client,
                  const struct dmonitor_reply *reply)
{
	client->pending = false;
	client->answer = *reply;
	client->answer.seq = client->last_seq;
	client->answer.failed_seq = client->failed_seq;
	client->answer.failed_code = client->failed_code;
	client->failed_seq = 0;
	client->failed_code = DMONITOR_CODE_NONE;
	if (client->peer != 0)
		model_say(model, client->peer, &client->answer);
}
