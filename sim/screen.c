/* screen.c: the demo's stdout. */
#include "screen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* What every terminal of the last decades understands (ECMA-48). */
#define HIDE_CURSOR "\033[?25l"
#define SHOW_CURSOR "\033[?25h"
#define CURSOR_UP   "\033[%zuA\r"
#define CLEAR_LINE  "\033[K"

enum { COLUMNS = 80, LINE_BYTES = 128 };

/* How many lines a terminal on stdout has; 0 if there is none that will do. */
static size_t terminal_lines(void)
{
	const char *kind = getenv("TERM");
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || kind == NULL || strcmp(kind, "dumb") == 0)
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < COLUMNS)
		return 0;
	return size.ws_row;
}

int screen_init(struct screen *screen, bool plain, const struct picture *picture)
{
	const size_t lines = terminal_lines();

	*screen = (struct screen){ .plain = plain || lines == 0, .picture = *picture };
	if (screen->plain)
		return 0;
	screen->max_lines = lines - 1;
	/* Two groups of workers, the buffer and the blank lines around it. */
	screen->text_bytes = (lines + 8) * LINE_BYTES;
	if ((screen->text = malloc(screen->text_bytes)) == NULL)
		return ENOMEM;
	printf(HIDE_CURSOR);
	return 0;
}

static void draw(struct screen *screen)
{
	const char *line = screen->text;

	if (screen->drawn > 0)
		printf(CURSOR_UP, screen->drawn);
	screen->drawn =
	    picture_render(&screen->picture, screen->max_lines, screen->text, screen->text_bytes);
	while (*line != '\0') {
		const size_t length = strcspn(line, "\n");

		printf("%.*s" CLEAR_LINE "\n", (int)length, line);
		line += length + 1;
	}
}

int screen_show(struct screen *screen, struct history *history)
{
	struct history_event event;
	char line[LINE_BYTES];
	bool changed = screen->drawn == 0;

	while (history_next(history, &event)) {
		changed = true;
		picture_apply(&screen->picture, &event);
		if (screen->plain) {
			picture_describe(&event, history->capacity, line, sizeof(line));
			puts(line);
		}
	}
	if (changed && !screen->plain)
		draw(screen);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : EIO;
}

void screen_fini(struct screen *screen)
{
	if (!screen->plain) {
		printf(SHOW_CURSOR);
		fflush(stdout);
	}
	free(screen->text);
	screen->text = NULL;
}
