/* fiber.c: fibers by ucontext(3). Stacks are kept for the next fiber: a simulation makes many. */
#include "fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { STACK_BYTES = 256 * 1024, STACKS_KEPT = 64 };

struct fiber {
	ucontext_t context;
	void *stack;
	fiber_body *body;
	void *argument;
	bool ended;
};

static ucontext_t outside;
static struct fiber *running;
static void *stacks[STACKS_KEPT];
static int stacks_kept;

static void *stack_take(void)
{
	void *stack;

	if (stacks_kept > 0)
		return stacks[--stacks_kept];
	stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack == MAP_FAILED) {
		perror("fiber: no memory for a stack");
		abort();
	}
	return stack;
}

static void stack_give_back(void *stack)
{
	if (stacks_kept < STACKS_KEPT)
		stacks[stacks_kept++] = stack;
	else
		munmap(stack, STACK_BYTES);
}

static void run(void)
{
	running->body(running->argument);
	running->ended = true;
	fiber_pause();
}

struct fiber *fiber_new(fiber_body *body, void *argument)
{
	struct fiber *fiber = calloc(1, sizeof(*fiber));

	if (fiber == NULL)
		abort();
	fiber->body = body;
	fiber->argument = argument;
	fiber->stack = stack_take();
	getcontext(&fiber->context);
	fiber->context.uc_stack.ss_sp = fiber->stack;
	fiber->context.uc_stack.ss_size = STACK_BYTES;
	makecontext(&fiber->context, run, 0);
	return fiber;
}

void fiber_resume(struct fiber *fiber)
{
	running = fiber;
	swapcontext(&outside, &fiber->context);
	running = NULL;
}

void fiber_pause(void)
{
	swapcontext(&running->context, &outside);
}

bool fiber_ended(const struct fiber *fiber)
{
	return fiber->ended;
}

void fiber_free(struct fiber **fiber)
{
	if (*fiber == NULL)
		return;
	stack_give_back((*fiber)->stack);
	free(*fiber);
	*fiber = NULL;
}
