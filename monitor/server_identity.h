/* server_identity.h: who this server is, different at each of its starts. */
#ifndef DMONITOR_SERVER_IDENTITY_H
#define DMONITOR_SERVER_IDENTITY_H

#include <stddef.h>

/* Write HOST/BOOTID/PID/STARTTIME/RANDOM: what tells others, on this host, whether the server that
 * bore this name still runs. STARTTIME is in clock ticks since boot. */
void server_identity(char *text, size_t room_bytes);

#endif
