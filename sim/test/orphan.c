/* orphan.c: processes whose parent is gone, seen from a test. */
#include "orphan.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "../../monitor/clock.h"

void orphan_adopt(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

bool orphan_ends(pid_t orphan)
{
	const int64_t deadline_ns = dmonitor_clock_now_ns() + 10 * DMONITOR_NS_PER_S;
	bool ended;

	/* It may also have been reaped by its parent before that ended: then it is nobody's child.
	 */
	while (!(ended = waitpid(orphan, NULL, WNOHANG) != 0) &&
	       dmonitor_clock_now_ns() < deadline_ns)
		dmonitor_clock_sleep_until(dmonitor_clock_now_ns() + DMONITOR_NS_PER_MS);
	if (!ended) {
		kill(orphan, SIGKILL);
		waitpid(orphan, NULL, 0);
	}
	return ended;
}

bool orphan_none(void)
{
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
}
