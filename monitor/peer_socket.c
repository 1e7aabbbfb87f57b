/* peer_socket.c: what the kernel knows of a peer's socket. */
#include "peer_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

uint64_t peer_socket_cookie(int descriptor)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	if (getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0)
		return 0;
	return cookie;
}

bool peer_socket_lives(int descriptor, uint64_t cookie)
{
	struct pollfd socket = { .fd = descriptor, .events = POLLRDHUP };

	return cookie != 0 && peer_socket_cookie(descriptor) == cookie && poll(&socket, 1, 0) == 0;
}

bool peer_socket_local(int descriptor)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	struct in6_addr v6;

	if (getpeername(descriptor, (struct sockaddr *)&address, &size) != 0)
		return false;
	if (address.ss_family == AF_UNIX)
		return true;
	if (address.ss_family == AF_INET)
		return ntohl(((struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24 == 127;
	if (address.ss_family != AF_INET6)
		return false;
	v6 = ((struct sockaddr_in6 *)&address)->sin6_addr;
	return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

int64_t peer_socket_waiting_bytes(int descriptor)
{
	int waiting = 0;

	return ioctl(descriptor, FIONREAD, &waiting) == 0 ? waiting : 0;
}

int64_t peer_socket_unsent_bytes(int descriptor)
{
	int unsent = 0;

	return ioctl(descriptor, SIOCOUTQ, &unsent) == 0 ? unsent : 0;
}

int64_t peer_socket_taken_bytes(int descriptor)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
		return -1;
	/* Asked for second, since more may arrive in between: what is taken is not told too high.
	 */
	return (int64_t)info.tcpi_bytes_received - peer_socket_waiting_bytes(descriptor);
}

/* A descriptor of our own for the socket with ${cookie}, to be closed: libzmq may close its own at
 * any moment, and then that is another socket's. -1: it is so already. */
static int hold(int descriptor, uint64_t cookie)
{
	const int held = cookie == 0 ? -1 : fcntl(descriptor, F_DUPFD_CLOEXEC, 0);

	if (held < 0 || peer_socket_cookie(held) == cookie)
		return held;
	close(held);
	return -1;
}

static void release(int held)
{
	if (held >= 0)
		close(held);
}

void peer_socket_cut(int descriptor, uint64_t cookie)
{
	const int held = hold(descriptor, cookie);

	shutdown(held, SHUT_RDWR);
	release(held);
}

void peer_socket_pause(int descriptor, uint64_t cookie)
{
	/* Packets that carry no data pass: their length is that of the TCP header. */
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 12),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf0),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 2),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	static const struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]),
		                                   .filter = code };

	const int held = hold(descriptor, cookie);

	setsockopt(held, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
	release(held);
}

void peer_socket_resume(int descriptor, uint64_t cookie)
{
	const int held = hold(descriptor, cookie);
	const int unused = 0;

	setsockopt(held, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused));
	release(held);
}
