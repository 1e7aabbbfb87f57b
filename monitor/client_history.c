/* client_history.c: calls of the library, as lines of JSON. */
#include "client_history.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "wire_text.h"

struct dmonitor_history {
	int file; /* -1: something could not be written */
	uint64_t call;
	const char *op; /* of the call that is under way */
	char boot[64];  /* whose clock the times are of */
	struct dmonitor_text line;
};

/* Which boot of which machine this is: only then can times be compared. */
static void read_boot(char *boot, size_t room_bytes)
{
	const int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	const ssize_t length = file < 0 ? 0 : read(file, boot, room_bytes - 1);

	boot[length < 0 ? 0 : length] = '\0';
	boot[strcspn(boot, "\n")] = '\0';
	if (file >= 0)
		close(file);
}

int dmonitor_history_open(const char *path, struct dmonitor_history **history)
{
	struct dmonitor_history *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return ENOMEM;
	made->file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (made->file < 0) {
		const int error = errno;

		free(made);
		return error;
	}
	read_boot(made->boot, sizeof(made->boot));
	*history = made;
	return 0;
}

void dmonitor_history_close(struct dmonitor_history **history)
{
	struct dmonitor_history *closed = *history;

	if (closed == NULL)
		return;
	if (closed->file >= 0)
		close(closed->file);
	dmonitor_text_fini(&closed->line);
	free(closed);
	*history = NULL;
}

static void add_text(struct dmonitor_text *line, const char *key, const char *text)
{
	dmonitor_text_print(line, ",\"%s\":", key);
	if (!dmonitor_text_add_string(line, text, strlen(text)))
		dmonitor_text_print(line, "null");
}

static void begin_line(struct dmonitor_history *history, const dmonitor_session *session,
                       const dmonitor *monitor, const char *phase)
{
	struct dmonitor_text *line = &history->line;

	line->length = 0;
	dmonitor_text_print(line, "{\"t_ns\":%" PRId64, dmonitor_clock_now_ns());
	add_text(line, "client", session->process_id);
	dmonitor_text_print(line, ",\"call\":%" PRIu64 ",\"phase\":\"%s\",\"op\":\"%s\"",
	                    history->call, phase, history->op);
	if (monitor == NULL)
		return;
	add_text(line, "monitor", monitor->name);
	dmonitor_text_print(line, ",\"levels\":%u", monitor->levels);
	if (monitor->levels > 0)
		dmonitor_text_print(line, ",\"token\":\"%" PRIu64 "\"", monitor->token);
}

static void end_line(struct dmonitor_history *history)
{
	struct dmonitor_text *line = &history->line;
	ssize_t written;

	dmonitor_text_print(line, "}\n");
	do
		written = line->failed ? -1 : write(history->file, line->bytes, line->length);
	while (written < 0 && !line->failed && errno == EINTR);
	if (written == (ssize_t)line->length)
		return;
	close(history->file);
	history->file = -1;
}

void dmonitor_history_invoke(dmonitor_session *session, const dmonitor *monitor, const char *op,
                             const char *condition, int64_t timeout_ms)
{
	struct dmonitor_history *history = session->history;

	if (history == NULL || history->file < 0)
		return;
	history->call++;
	history->op = op;
	begin_line(history, session, monitor, "invoke");
	if (condition != NULL && dmonitor_name_valid(condition))
		add_text(&history->line, "condition", condition);
	if (timeout_ms >= 0)
		dmonitor_text_print(&history->line, ",\"timeout_ms\":%" PRId64, timeout_ms);
	if (monitor == NULL)
		add_text(&history->line, "boot", history->boot);
	end_line(history);
}

/* What is known of a call that gave back ${result}. */
static const char *phase_of(const struct dmonitor_history *history, const dmonitor *monitor,
                            int result)
{
	const bool waits = strcmp(history->op, "wait") == 0;
	const bool exits = strcmp(history->op, "exit") == 0 || strcmp(history->op, "close") == 0;

	switch (result) {
	case 0:
		/* An exit that was not confirmed may still be under way. */
		return exits && monitor->levels == 0 && (monitor->flags & DMONITOR_ASYNC_EXIT) != 0
		           ? "info"
		           : "ok";
	case ETIMEDOUT:
	case EINTR:
		return waits ? "ok" : "fail";
	case ECONNABORTED:
	case ESTALE:
	case EPROTO:
		return "info";
	default:
		return "fail";
	}
}

void dmonitor_history_return(dmonitor_session *session, const dmonitor *monitor, int result)
{
	struct dmonitor_history *history = session->history;

	if (history == NULL || history->file < 0)
		return;
	begin_line(history, session, monitor, phase_of(history, monitor, result));
	if (result != 0)
		add_text(&history->line, "result",
		         strerrorname_np(result) != NULL ? strerrorname_np(result) : "unknown");
	if (monitor == NULL)
		add_text(&history->line, "server", dmonitor_server_id(session));
	end_line(history);
}
