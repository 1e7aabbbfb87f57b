/* recorder.c: writes the record of a run into a file. */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A line's memory is given back where it was longer than this. */
enum { KEPT_BYTES = 1 << 20 };

struct recorder {
	int file; /* -1: recording has ended early */
	char *path;
	struct dmonitor_core_options options;
	struct dmonitor_text line;
	uint64_t events;
	off_t whole_bytes; /* of the file: so far its lines are whole */
};

/* Write the line, all of it or, as far as that can be undone, nothing: 0 or an errno value. */
static int write_line(struct recorder *recorder)
{
	struct dmonitor_text *line = &recorder->line;
	size_t done = 0;
	ssize_t written;

	if (line->failed)
		return ENOMEM;
	while (done < line->length) {
		written = write(recorder->file, line->bytes + done, line->length - done);
		if (written < 0 && errno != EINTR) {
			const int error = errno;

			if (ftruncate(recorder->file, recorder->whole_bytes) != 0)
				return error; /* a torn last line, then */
			return error;
		}
		done += written < 0 ? 0 : (size_t)written;
	}
	recorder->whole_bytes += (off_t)line->length;
	line->length = 0;
	if (line->room > KEPT_BYTES)
		dmonitor_text_fini(line);
	return 0;
}

static void end_early(struct recorder *recorder, int error)
{
	fprintf(stderr,
	        "monitor_server: cannot write %s: %s; recording ends here, after %llu events\n",
	        recorder->path, strerror(error), (unsigned long long)recorder->events);
	close(recorder->file);
	recorder->file = -1;
}

int recorder_open(const char *path, const struct dmonitor_core_options *options,
                  struct recorder **recorder)
{
	struct recorder *made = calloc(1, sizeof(*made));
	int result = ENOMEM;

	if (made == NULL)
		return ENOMEM;
	made->options = *options;
	made->path = strdup(path);
	if (made->path == NULL)
		goto err0;
	made->file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (made->file < 0) {
		result = errno;
		goto err1;
	}
	/* A file that may not grow further is an error of write(2), and not our end. */
	signal(SIGXFSZ, SIG_IGN);
	dmonitor_record_header(&made->line);
	result = write_line(made);
	if (result != 0)
		goto err2;
	*recorder = made;
	return 0;
err2:
	close(made->file);
	unlink(path);
	dmonitor_text_fini(&made->line);
err1:
	free(made->path);
err0:
	free(made);
	return result;
}

void recorder_note(struct recorder *recorder, const struct dmonitor_event *event,
                   const struct dmonitor_envelope *envelope, int result,
                   const struct dmonitor_outbox *said)
{
	struct dmonitor_event noted = *event;

	if (recorder == NULL || recorder->file < 0)
		return;
	/* Without memory nothing has happened, but for what a TICK had served before. */
	if (result != 0 && said->served == 0)
		return;
	if (result != 0)
		noted.limit = said->served;
	dmonitor_record_event(&recorder->line, &noted, &recorder->options, envelope, said);
	result = write_line(recorder);
	if (result != 0)
		end_early(recorder, result);
	else
		recorder->events++;
}

static void recorder_free(struct recorder **recorder)
{
	struct recorder *freed = *recorder;

	if (freed->file >= 0)
		close(freed->file);
	dmonitor_text_fini(&freed->line);
	free(freed->path);
	free(freed);
	*recorder = NULL;
}

void recorder_discard(struct recorder **recorder)
{
	if (*recorder == NULL)
		return;
	unlink((*recorder)->path);
	recorder_free(recorder);
}

void recorder_close(struct recorder **recorder, bool clean, int64_t now_ns)
{
	struct recorder *closed = *recorder;
	int result;

	if (closed == NULL)
		return;
	if (closed->file >= 0 && clean) {
		dmonitor_record_end(&closed->line, now_ns, closed->events);
		result = write_line(closed);
		if (result != 0)
			end_early(closed, result);
	}
	recorder_free(recorder);
}
