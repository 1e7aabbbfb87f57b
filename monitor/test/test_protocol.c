/*
 * test_protocol.c: PROTOCOL.md tells the truth: each of its exchanges is read from the page, played
 * on a core through the wire, and compared field by field. `"<name>"` in an answer stands for any
 * value, which later requests may repeat. Run from the top of the tree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "../core.h"

enum { NAMES_MAX = 16, PEERS_MAX = 8, ANSWERS_MAX = 64 };

struct exchange {
	struct dmonitor_core *core;
	struct dmonitor_outbox outbox;
	int64_t now_ns;
	char peers[PEERS_MAX][16];
	struct {
		char name[32];
		char value[128];
	} bound[NAMES_MAX];
	size_t bound_count;
	struct {
		dmonitor_peer to;
		char *text;
	} answers[ANSWERS_MAX];
	size_t answer_count;
};

static dmonitor_peer peer_of(struct exchange *exchange, const char *name)
{
	for (size_t i = 0; i < PEERS_MAX; i++) {
		if (exchange->peers[i][0] == '\0')
			snprintf(exchange->peers[i], sizeof(exchange->peers[i]), "%s", name);
		if (strcmp(exchange->peers[i], name) == 0)
			return i + 1;
	}
	fail_msg("too many peers");
	return 0;
}

static void step(struct exchange *exchange, struct dmonitor_event *event)
{
	event->now_ns = ++exchange->now_ns;
	assert_int_equal(dmonitor_core_step(exchange->core, event, &exchange->outbox), 0);
	for (size_t i = 0; i < exchange->outbox.count; i++) {
		assert_true(exchange->answer_count < ANSWERS_MAX);
		exchange->answers[exchange->answer_count].to = exchange->outbox.deliveries[i].to;
		exchange->answers[exchange->answer_count++].text =
		    dmonitor_reply_encode(&exchange->outbox.deliveries[i].reply);
	}
}

/* ${line} with each "<name>" that is bound put in. */
static void fill_in(const struct exchange *exchange, const char *line, char *filled, size_t room)
{
	size_t used = 0;

	while (*line != '\0' && used + 130 < room) {
		bool found = false;

		for (size_t i = 0; i < exchange->bound_count && !found; i++) {
			char mark[40];

			snprintf(mark, sizeof(mark), "<%s>", exchange->bound[i].name);
			found = strncmp(line, mark, strlen(mark)) == 0;
			if (found) {
				used += (size_t)snprintf(filled + used, room - used, "%s",
				                         exchange->bound[i].value);
				line += strlen(mark);
			}
		}
		if (!found)
			filled[used++] = *line++;
	}
	filled[used] = '\0';
}

static void say(struct exchange *exchange, const char *name, const char *text)
{
	struct dmonitor_request request;
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_MESSAGE,
		                        .peer = peer_of(exchange, name),
		                        .request = &request };
	char filled[4096];

	memset(event.random, (int)event.peer, sizeof(event.random));
	fill_in(exchange, text, filled, sizeof(filled));
	assert_int_equal(dmonitor_request_decode(filled, strlen(filled), 1, &request), 0);
	step(exchange, &event);
	dmonitor_request_fini(&request);
}

static bool is_mark(const cJSON *item)
{
	return cJSON_IsString(item) && item->valuestring[0] == '<';
}

static void bind_mark(struct exchange *exchange, const char *mark, const cJSON *value)
{
	size_t i = 0;

	while (i < exchange->bound_count &&
	       strncmp(exchange->bound[i].name, mark + 1, strlen(exchange->bound[i].name)) != 0)
		i++;
	assert_true(i < NAMES_MAX);
	if (i == exchange->bound_count)
		exchange->bound_count++;
	snprintf(exchange->bound[i].name, sizeof(exchange->bound[i].name), "%.*s",
	         (int)strlen(mark) - 2, mark + 1);
	if (cJSON_IsString(value))
		snprintf(exchange->bound[i].value, sizeof(exchange->bound[i].value), "%s",
		         value->valuestring);
}

static void compare(struct exchange *exchange, const cJSON *expected, const cJSON *got,
                    const char *line, const char *text)
{
	const cJSON *item;

	if (cJSON_GetArraySize(expected) != cJSON_GetArraySize(got))
		fail_msg("PROTOCOL.md says %s, the server %s", line, text);
	cJSON_ArrayForEach (item, expected) {
		const cJSON *other = cJSON_GetObjectItemCaseSensitive(got, item->string);

		if (other == NULL || (!is_mark(item) && !cJSON_Compare(item, other, true)))
			fail_msg("PROTOCOL.md says %s, the server %s", line, text);
		if (is_mark(item))
			bind_mark(exchange, item->valuestring, other);
	}
}

/* The next answer that ${name} got is ${line}. */
static void hear(struct exchange *exchange, const char *name, const char *line)
{
	const dmonitor_peer peer = peer_of(exchange, name);
	size_t i = 0;
	cJSON *expected, *got;

	while (i < exchange->answer_count && exchange->answers[i].to != peer)
		i++;
	if (i == exchange->answer_count)
		fail_msg("PROTOCOL.md says %s, the server nothing", line);
	expected = cJSON_Parse(line);
	got = cJSON_Parse(exchange->answers[i].text);
	assert_non_null(expected);
	assert_non_null(got);
	compare(exchange, expected, got, line, exchange->answers[i].text);
	cJSON_Delete(expected);
	cJSON_Delete(got);
	free(exchange->answers[i].text);
	exchange->answer_count--;
	memmove(&exchange->answers[i], &exchange->answers[i + 1],
	        (exchange->answer_count - i) * sizeof(exchange->answers[0]));
}

static void begin(struct exchange *exchange)
{
	struct dmonitor_event start = { .kind = DMONITOR_EVENT_START,
		                        .server = "host/boot/1/2/3",
		                        .token = UINT64_C(1700000000000000000) };

	*exchange = (struct exchange){ .core = dmonitor_core_new(&dmonitor_core_defaults) };
	step(exchange, &start);
}

/* The server has said nothing that the page does not show. */
static void end(struct exchange *exchange)
{
	if (exchange->answer_count > 0)
		fail_msg("the server also says %s", exchange->answers[0].text);
	dmonitor_outbox_fini(&exchange->outbox);
	dmonitor_core_free(&exchange->core);
}

static void play_line(struct exchange *exchange, char *line)
{
	char name[16];
	char direction;
	int at;

	line[strcspn(line, "\n")] = '\0';
	assert_int_equal(sscanf(line, "%15s %c %n", name, &direction, &at), 2);
	if (direction == '>')
		say(exchange, name, line + at);
	else
		hear(exchange, name, line + at);
}

static void each_exchange_of_the_page_is_what_happens(void **state)
{
	FILE *page = fopen("monitor/PROTOCOL.md", "r");
	struct exchange exchange;
	bool inside = false;
	int exchanges = 0;
	char line[4096];

	(void)state;
	assert_non_null(page);
	while (fgets(line, sizeof(line), page) != NULL) {
		if (strcmp(line, "```exchange\n") == 0) {
			begin(&exchange);
			inside = true;
		} else if (inside && strcmp(line, "```\n") == 0) {
			end(&exchange);
			inside = false;
			exchanges++;
		} else if (inside) {
			play_line(&exchange, line);
		}
	}
	fclose(page);
	assert_true(exchanges >= 6);
}

/* ${word} stands in the page as `word`. */
static void must_stand(const char *page, const char *word)
{
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "`%s`", word);
	if (strstr(page, quoted) == NULL) {
		snprintf(quoted, sizeof(quoted), "**%s**", word);
		if (strstr(page, quoted) == NULL)
			fail_msg("PROTOCOL.md does not explain %s", word);
	}
}

static void the_page_explains_each_word(void **state)
{
	FILE *file = fopen("monitor/PROTOCOL.md", "r");
	char *page = calloc(1, 1 << 18);

	(void)state;
	assert_non_null(file);
	assert_true(fread(page, 1, (1 << 18) - 1, file) > 0);
	fclose(file);
	for (int i = 1; i < DMONITOR_ACTION_COUNT; i++)
		must_stand(page, dmonitor_action_word((enum dmonitor_action)i));
	for (int i = 1; i < DMONITOR_CODE_COUNT; i++)
		must_stand(page, dmonitor_code_word((enum dmonitor_code)i));
	for (int i = DMONITOR_STATUS_GRANTED; i < DMONITOR_STATUS_COUNT; i++)
		must_stand(page, dmonitor_status_word((enum dmonitor_status)i));
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_exchange_of_the_page_is_what_happens),
		cmocka_unit_test(the_page_explains_each_word),
	};

	return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
