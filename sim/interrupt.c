/* interrupt.c: SIGINT, SIGTERM and SIGHUP as something that can be polled. */
#include "interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>

static const int caught[] = { SIGINT, SIGTERM, SIGHUP };

enum { CAUGHT = sizeof(caught) / sizeof(caught[0]) };

static void fill(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < CAUGHT; i++)
		sigaddset(set, caught[i]);
}

int interrupt_open(int *fd)
{
	sigset_t set;
	int opened;

	fill(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return errno;
	if ((opened = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) == -1)
		return errno;
	*fd = opened;
	return 0;
}

/* Asking what is pending, rather than reading the descriptor, leaves the signal there for others.
 */
int interrupt_pending(void)
{
	sigset_t set;

	if (sigpending(&set) != 0)
		return 0;
	for (size_t i = 0; i < CAUGHT; i++)
		if (sigismember(&set, caught[i]) == 1)
			return caught[i];
	return 0;
}

void interrupt_release(void)
{
	sigset_t set;

	for (size_t i = 0; i < CAUGHT; i++)
		signal(caught[i], SIG_DFL);
	fill(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void interrupt_leave_to_parent(void)
{
	sigset_t set;

	for (size_t i = 0; i < CAUGHT; i++)
		signal(caught[i], caught[i] == SIGTERM ? SIG_DFL : SIG_IGN);
	fill(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}
