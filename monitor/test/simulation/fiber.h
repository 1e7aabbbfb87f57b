/* fiber.h: several threads of thought in one thread: each runs until it gives the word back. */
#ifndef DMONITOR_TEST_FIBER_H
#define DMONITOR_TEST_FIBER_H

#include <stdbool.h>

struct fiber;

typedef void fiber_body(void *argument);

/* A fiber that will run ${body} when it is first resumed. Never NULL. */
struct fiber *fiber_new(fiber_body *body, void *argument);

/* Let it run until it pauses or ends; from outside of all fibers only. */
void fiber_resume(struct fiber *fiber);

/* Give the word back to who resumed; from inside a fiber only. */
void fiber_pause(void);

bool fiber_ended(const struct fiber *fiber);

/* Forget one that does not run now, wherever it stands. */
void fiber_free(struct fiber **fiber);

#endif
