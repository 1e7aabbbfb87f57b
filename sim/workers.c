/*
 * workers.c: worker processes that are forked, started at one instant, watched and reaped together.
 *
 * A worker says that it is ready by its own counter in shared memory and then waits on the common
 * round counter with a futex. The parent polls one descriptor for each worker's end, one for news
 * of readiness and one that interrupts it, so that it neither sleeps nor asks in turns.
 */
#include "workers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../monitor/clock.h"
#include "interrupt.h"

/* Shared by the parent and all workers. */
struct gate {
	_Atomic uint32_t round;     /* common starts so far; workers wait for it to change */
	_Atomic int64_t start_ns;   /* of the latest one */
	_Atomic uint32_t arrived[]; /* for each worker, how often it has become ready */
};

struct worker {
	struct gate *gate;
	size_t index;
	int news_fd; /* tells the parent to look at arrived[] */
};

struct child {
	pid_t pid;   /* 0: not forked */
	int life_fd; /* a pipe that only it could write to: hangs up when it ends; -1 once reaped */
	int wait_status;
	bool wanted; /* it was killed on purpose */
};

struct workers {
	struct workers_plan plan;
	struct gate *gate;
	size_t gate_bytes;
	int news_fd;
	struct child *children;
	struct pollfd *polled; /* scratch: stop, news, and one for each child */
	char error[256];
};

/* What a wait is for. */
enum goal { ALL_READY, ALL_ENDED };

static void name_of(const struct workers *workers, size_t index, char *text, size_t room_bytes)
{
	if (workers->plan.name != NULL)
		workers->plan.name(workers->plan.context, index, text, room_bytes);
	else
		snprintf(text, room_bytes, "worker %zu", index);
}

static void explain_end(struct workers *workers, size_t index)
{
	const int status = workers->children[index].wait_status;
	char name[64];

	name_of(workers, index, name, sizeof(name));
	if (WIFSIGNALED(status))
		snprintf(workers->error, sizeof(workers->error), "%s was killed by signal %d (%s)",
		         name, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		snprintf(workers->error, sizeof(workers->error), "%s failed: %s", name,
		         strerror(WEXITSTATUS(status)));
	else
		snprintf(workers->error, sizeof(workers->error),
		         "%s ended before the others were ready", name);
}

/* The worker's side. Everything that this process still has of its siblings is closed; the
 * signal that ends it with its parent is asked for before anything can go wrong. */
static _Noreturn void be_worker(struct workers *workers, size_t index, pid_t parent)
{
	struct worker self = { .gate = workers->gate, .index = index, .news_fd = workers->news_fd };
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EOWNERDEAD);
	interrupt_leave_to_parent();
	for (size_t i = 0; i < workers->plan.count; i++)
		if (workers->children[i].life_fd != -1)
			close(workers->children[i].life_fd);
	status = workers->plan.run(workers->plan.context, index, &self);
	fflush(NULL);
	_exit(status);
}

static int fork_worker(struct workers *workers, size_t index)
{
	struct child *child = &workers->children[index];
	const pid_t parent = getpid();
	int life[2], error = 0;

	if (pipe2(life, O_CLOEXEC) != 0)
		return errno;
	/* What is buffered would be written twice otherwise. */
	fflush(NULL);
	if ((child->pid = fork()) == 0) {
		close(life[0]);
		be_worker(workers, index, parent);
	}
	if (child->pid == -1) {
		error = errno;
		child->pid = 0;
		close(life[0]);
		life[0] = -1;
	}
	/* It must be the worker's alone, also when the next one is forked. */
	close(life[1]);
	child->life_fd = life[0];
	return error;
}

int workers_start(const struct workers_plan *plan, struct workers **result)
{
	struct workers *workers;
	int error;

	if (plan == NULL || plan->run == NULL || result == NULL || plan->count > UINT16_MAX)
		return EINVAL;
	if ((workers = calloc(1, sizeof(*workers))) == NULL)
		return ENOMEM;
	workers->plan = *plan;
	workers->gate_bytes = sizeof(struct gate) + plan->count * sizeof(_Atomic uint32_t);
	workers->gate = mmap(NULL, workers->gate_bytes, PROT_READ | PROT_WRITE,
	                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (workers->gate == MAP_FAILED) {
		error = errno;
		goto err0;
	}
	if ((workers->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1) {
		error = errno;
		goto err1;
	}
	workers->children = calloc(plan->count + 1, sizeof(*workers->children));
	workers->polled = calloc(plan->count + 2, sizeof(*workers->polled));
	error = workers->children == NULL || workers->polled == NULL ? ENOMEM : 0;
	for (size_t i = 0; error == 0 && i < plan->count; i++)
		workers->children[i].life_fd = -1;
	for (size_t i = 0; error == 0 && i < plan->count; i++)
		error = fork_worker(workers, i);
	if (error != 0) {
		workers_free(&workers);
		return error;
	}
	*result = workers;
	return 0;

err1:
	munmap(workers->gate, workers->gate_bytes);
err0:
	free(workers);
	return error;
}

int64_t worker_ready(struct worker *self)
{
	struct gate *gate = self->gate;
	const uint32_t round = atomic_load(&gate->round);
	const uint64_t one = 1;
	ssize_t written;
	int64_t start_ns;

	atomic_store(&gate->arrived[self->index], round + 1);
	/* That the counter is full (EAGAIN) would do as well: the parent has news to read. */
	written = write(self->news_fd, &one, sizeof(one));
	(void)written;
	while (atomic_load(&gate->round) == round)
		syscall(SYS_futex, &gate->round, FUTEX_WAIT, round, NULL, NULL, 0);
	start_ns = atomic_load(&gate->start_ns);
	dmonitor_clock_sleep_until(start_ns);
	return start_ns;
}

void workers_go(struct workers *workers, int64_t start_ns)
{
	atomic_store(&workers->gate->start_ns, start_ns);
	atomic_fetch_add(&workers->gate->round, 1);
	syscall(SYS_futex, &workers->gate->round, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void reap(struct child *child)
{
	if (child->life_fd == -1 || waitpid(child->pid, &child->wait_status, WNOHANG) != child->pid)
		return;
	close(child->life_fd);
	child->life_fd = -1;
}

/* How far worker ${index} is: 0 if it has reached ${goal}, EAGAIN if not yet, ECHILD if never. */
static int progress(const struct workers *workers, size_t index, enum goal goal)
{
	const struct child *child = &workers->children[index];
	const struct gate *gate = workers->gate;

	if (child->life_fd == -1) {
		if (child->wanted || (goal == ALL_ENDED && child->wait_status == 0))
			return 0;
		return ECHILD;
	}
	if (goal == ALL_READY &&
	    atomic_load(&gate->arrived[index]) == atomic_load(&gate->round) + 1)
		return 0;
	return EAGAIN;
}

/* Look at everybody. 0 if the goal is reached; EAGAIN with the first who keeps it in *${who}. */
static int look(struct workers *workers, enum goal goal, size_t *who)
{
	int result = 0;

	for (size_t i = 0; i < workers->plan.count; i++) {
		int error;

		reap(&workers->children[i]);
		error = progress(workers, i, goal);
		if (error == 0 || (error == EAGAIN && result == EAGAIN))
			continue;
		*who = i;
		if (error == ECHILD)
			return ECHILD;
		result = EAGAIN;
	}
	return result;
}

/* Sleep until something has happened. Returns 0, EINTR by the plan's stop_fd, or ETIMEDOUT. */
static int sleep_until_news(struct workers *workers, int64_t deadline_ns)
{
	struct pollfd *polled = workers->polled;
	const int64_t left_ns = deadline_ns - dmonitor_clock_now_ns();
	const struct timespec left = { .tv_sec = (time_t)(left_ns / DMONITOR_NS_PER_S),
		                       .tv_nsec = (long)(left_ns % DMONITOR_NS_PER_S) };
	uint64_t news;
	ssize_t ignored;

	if (left_ns <= 0)
		return ETIMEDOUT;
	polled[0] = (struct pollfd){ .fd = workers->plan.stop_fd, .events = POLLIN };
	polled[1] = (struct pollfd){ .fd = workers->news_fd, .events = POLLIN };
	for (size_t i = 0; i < workers->plan.count; i++)
		polled[2 + i] =
		    (struct pollfd){ .fd = workers->children[i].life_fd, .events = POLLIN };
	if (ppoll(polled, workers->plan.count + 2, &left, NULL) == -1)
		return errno == EINTR ? 0 : errno;
	if (polled[0].revents != 0)
		return EINTR;
	ignored = read(workers->news_fd, &news, sizeof(news));
	(void)ignored;
	return 0;
}

static int await(struct workers *workers, int64_t timeout_ns, enum goal goal)
{
	const int64_t now_ns = dmonitor_clock_now_ns();
	const int64_t deadline_ns =
	    timeout_ns < 0 || timeout_ns > INT64_MAX - now_ns ? INT64_MAX : now_ns + timeout_ns;
	char name[64];
	size_t who = 0;
	int error;

	while ((error = look(workers, goal, &who)) == EAGAIN)
		if ((error = sleep_until_news(workers, deadline_ns)) != 0)
			break;
	switch (error) {
	case 0:
		break;
	case ECHILD:
		explain_end(workers, who);
		break;
	case ETIMEDOUT:
		name_of(workers, who, name, sizeof(name));
		snprintf(workers->error, sizeof(workers->error), "%s %s in time", name,
		         goal == ALL_READY ? "was not ready" : "did not end");
		break;
	case EINTR:
		snprintf(workers->error, sizeof(workers->error), "interrupted");
		break;
	default:
		snprintf(workers->error, sizeof(workers->error), "waiting for workers: %s",
		         strerror(error));
	}
	return error;
}

int workers_await_ready(struct workers *workers, int64_t timeout_ns)
{
	return await(workers, timeout_ns, ALL_READY);
}

int workers_await_end(struct workers *workers, int64_t timeout_ns)
{
	return await(workers, timeout_ns, ALL_ENDED);
}

int workers_kill(struct workers *workers, size_t index, int signal_number)
{
	struct child *child;

	if (index >= workers->plan.count)
		return EINVAL;
	child = &workers->children[index];
	if (child->life_fd == -1)
		return 0;
	if (signal_number != SIGSTOP && signal_number != SIGCONT)
		child->wanted = true;
	return kill(child->pid, signal_number) == 0 ? 0 : errno;
}

/* Kill it if it still runs, and reap it. */
static void end(struct child *child)
{
	if (child->pid == 0 || child->life_fd == -1)
		return;
	kill(child->pid, SIGKILL);
	while (waitpid(child->pid, &child->wait_status, 0) == -1 && errno == EINTR)
		continue;
	close(child->life_fd);
	child->life_fd = -1;
}

int workers_end(struct workers *workers, size_t index)
{
	struct child *child;
	bool unwanted;

	if (index >= workers->plan.count)
		return EINVAL;
	child = &workers->children[index];
	end(child);
	unwanted = !child->wanted && child->pid != 0 && child->wait_status != 0 &&
	           !(WIFSIGNALED(child->wait_status) && WTERMSIG(child->wait_status) == SIGKILL);
	if (unwanted)
		explain_end(workers, index);
	child->wanted = true;
	return unwanted ? ECHILD : 0;
}

int workers_replace(struct workers *workers, size_t index)
{
	if (index >= workers->plan.count)
		return EINVAL;
	workers_end(workers, index);
	workers->children[index] = (struct child){ .life_fd = -1 };
	atomic_store(&workers->gate->arrived[index], 0);
	return fork_worker(workers, index);
}

int workers_check(struct workers *workers)
{
	for (size_t i = 0; i < workers->plan.count; i++) {
		reap(&workers->children[i]);
		if (workers->children[i].life_fd == -1 && !workers->children[i].wanted) {
			explain_end(workers, i);
			return ECHILD;
		}
	}
	return 0;
}

pid_t workers_pid(const struct workers *workers, size_t index)
{
	return workers->children[index].pid;
}

bool workers_ended(const struct workers *workers, size_t index, int *wait_status)
{
	if (workers->children[index].life_fd != -1)
		return false;
	*wait_status = workers->children[index].wait_status;
	return true;
}

const char *workers_error(const struct workers *workers)
{
	return workers->error;
}

void workers_free(struct workers **address)
{
	struct workers *workers = *address;

	*address = NULL;
	if (workers == NULL)
		return;
	for (size_t i = 0; workers->children != NULL && i < workers->plan.count; i++)
		end(&workers->children[i]);
	free(workers->polled);
	free(workers->children);
	close(workers->news_fd);
	munmap(workers->gate, workers->gate_bytes);
	free(workers);
}
