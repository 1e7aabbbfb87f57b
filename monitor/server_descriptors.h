/* server_descriptors.h: file descriptors for all connections, or no start. */
#ifndef DMONITOR_SERVER_DESCRIPTORS_H
#define DMONITOR_SERVER_DESCRIPTORS_H

#include "server_options.h"

/* Raise the limit of descriptors as far as this process may, and see that it suffices for what
 * ${options} allow. EMFILE, which has been said, where it does not. */
int server_descriptors_raise(const struct server_options *options);

#endif
