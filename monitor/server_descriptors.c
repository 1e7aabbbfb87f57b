/* server_descriptors.c: file descriptors for all connections, or no start. */
#include "server_descriptors.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>

/* Besides connections: the server's own, and those that are accepted before one is cut for them. */
enum { RESERVE = 256 };

int server_descriptors_raise(const struct server_options *options)
{
	const rlim_t needed = (rlim_t)options->gate.connections + RESERVE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= needed)
		return 0;
	fprintf(
	    stderr,
	    "monitor_server: %lld sessions on up to %lld connections take %llu file descriptors, "
	    "and this process may have %llu; raise that limit (ulimit -n, LimitNOFILE=), or lower "
	    "--max-sessions or --max-connections\n",
	    (long long)options->core.limits.sessions, (long long)options->gate.connections,
	    (unsigned long long)needed, (unsigned long long)limit.rlim_cur);
	return EMFILE;
}
