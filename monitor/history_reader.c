/* history_reader.c: reads what clients recorded of their calls. */
#include "history_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "record_fields.h"

int history_reader_open(struct history_reader *reader, const char *path)
{
	struct stat status;

	*reader = (struct history_reader){ .path = path, .file = fopen(path, "r") };
	if (reader->file == NULL)
		return errno;
	if (fstat(fileno(reader->file), &status) == 0 && S_ISDIR(status.st_mode)) {
		history_reader_close(reader);
		return EISDIR;
	}
	return 0;
}

void history_reader_close(struct history_reader *reader)
{
	if (reader->file != NULL)
		fclose(reader->file);
	free(reader->text);
	*reader = (struct history_reader){ .path = reader->path };
}

/* The index of the string ${value} among ${words}, or -1. */
static int word_of(struct record_value value, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
		if (record_is(value, words[i]))
			return i;
	return -1;
}

static const char *read_line(struct record_value object, struct history_line *line)
{
	static const char *const phases[] = { "invoke", "ok", "fail", "info" };
	static const char *const ops[] = { "connect", "disconnect", "enter", "exit", "wait",
		                           "signal",  "broadcast",  "check", "close" };
	const int phase = word_of(record_field(object, "phase"), phases, 4);
	const int op = word_of(record_field(object, "op"), ops, 9);

	*line =
	    (struct history_line){ .phase = (enum history_phase)phase, .op = (enum history_op)op };
	if (phase < 0 || op < 0 || !record_integer(record_field(object, "t_ns"), &line->t_ns) ||
	    record_string(record_field(object, "client"), line->client, sizeof(line->client)) < 0)
		return "it is no line of a history: it needs t_ns, client, phase and op";
	record_integer(record_field(object, "call"), &line->call);
	record_integer(record_field(object, "levels"), &line->levels);
	record_token(record_field(object, "token"), &line->token);
	if (record_string(record_field(object, "monitor"), line->monitor, sizeof(line->monitor)) <
	        0 &&
	    op >= HISTORY_ENTER)
		return "it names no monitor";
	record_string(record_field(object, "condition"), line->condition, sizeof(line->condition));
	record_string(record_field(object, "boot"), line->boot, sizeof(line->boot));
	record_string(record_field(object, "server"), line->server, sizeof(line->server));
	return NULL;
}

int history_reader_next(struct history_reader *reader, struct history_line *line,
                        const char **fault)
{
	const ssize_t length = getline(&reader->text, &reader->text_room, reader->file);
	struct record_value object;

	if (length <= 0 || reader->text[length - 1] != '\n')
		return 0;
	reader->number++;
	object = record_object(reader->text, (size_t)length, fault);
	if (object.text != NULL)
		*fault = read_line(object, line);
	return *fault == NULL ? 1 : -1;
}
