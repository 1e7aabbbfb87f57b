/*
 * screen.h: the demo's stdout: a picture that is drawn over itself on a terminal, else plain lines.
 */
#ifndef SIM_SCREEN_H
#define SIM_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "history.h"
#include "picture.h"

struct screen {
	bool plain;
	size_t max_lines; /* that the picture may take */
	size_t drawn;     /* lines of the picture on the terminal now */
	struct picture picture;
	char *text; /* scratch for it */
	size_t text_bytes;
};

/* Get ready to show ${picture}, whose arrays stay borrowed. Lines are plain also where stdout is no
 * terminal, or one that is too narrow or cannot move its cursor. Errors: ENOMEM. */
int screen_init(struct screen *screen, bool plain, const struct picture *picture);

/* Show what ${history} has to tell that was not shown yet. Errors: EIO if stdout is gone. */
int screen_show(struct screen *screen, struct history *history);

/* Leave the terminal as it was, the last picture included. */
void screen_fini(struct screen *screen);

#endif
