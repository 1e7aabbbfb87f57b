/* intake.c: from the frames of a message to a request. */
#include "intake.h"

#include "clock.h"
#include "peer_socket.h"

/* Who leaves so much of its answers unread is told no lists any more. */
enum { UNSENT_BYTES = 128 << 10 };

/* Of one connection a twentieth of the time, and a fifth of all together. */
static const struct budget_terms terms_of_one = { .divisor = 20,
	                                          .burst_ns = 50 * DMONITOR_NS_PER_MS };
static const struct budget_terms terms_of_all = { .divisor = 5,
	                                          .burst_ns = 200 * DMONITOR_NS_PER_MS };

void intake_init(struct intake *intake)
{
	*intake = (struct intake){ .heavy_since_ns = 0 };
	zmq_msg_init(&intake->last);
}

void intake_fini(struct intake *intake)
{
	zmq_msg_close(&intake->last);
}

bool intake_is_heavy(const struct intake *intake)
{
	return intake->heavy_since_ns != 0;
}

/* Whether ${peer} may ask for what costs much now. */
static bool may_ask_much(const struct intake *intake, const struct peer *peer)
{
	const int64_t now_ns = intake->heavy_since_ns;

	return budget_allows(&peer->heavy, terms_of_one, now_ns) &&
	       budget_allows(&intake->heavy, terms_of_all, now_ns) &&
	       peer_socket_unsent_bytes(peer->descriptor) <= UNSENT_BYTES;
}

static int refuse(struct dmonitor_envelope *envelope, struct dmonitor_request *request)
{
	envelope->over_budget = true;
	return budget_refuse(envelope->bytes, envelope->size_bytes, envelope->frames, request);
}

static int decode(struct intake *intake, const struct peer *peer,
                  struct dmonitor_envelope *envelope, struct dmonitor_request *request)
{
	const size_t size = envelope->size_bytes;
	const bool is_long = size > BUDGET_LIGHT_BYTES && size <= DMONITOR_MESSAGE_BYTES;
	int result;

	intake->heavy_since_ns = is_long ? dmonitor_clock_now_ns() : 0;
	if (is_long && !may_ask_much(intake, peer))
		return refuse(envelope, request);
	result = dmonitor_request_decode(envelope->bytes, size, envelope->frames, request);
	if (result != 0 || request->action != DMONITOR_ACTION_STATUS)
		return result;
	if (!is_long)
		intake->heavy_since_ns = dmonitor_clock_now_ns();
	if (may_ask_much(intake, peer))
		return 0;
	dmonitor_request_fini(request);
	return refuse(envelope, request);
}

int intake_read(struct intake *intake, struct router_frames *frames, const struct peer *peer,
                struct dmonitor_envelope *envelope, struct dmonitor_request *request)
{
	*envelope = (struct dmonitor_envelope){ .frames = 0 };
	if (frames->count >= 3 && zmq_msg_size(&frames->kept[1]) == 0) {
		zmq_msg_move(&intake->last, &frames->kept[2]);
		envelope->bytes = zmq_msg_data(&intake->last);
		envelope->size_bytes = zmq_msg_size(&intake->last);
		envelope->frames = frames->count - 2;
	}
	return decode(intake, peer, envelope, request);
}

void intake_charge(struct intake *intake, struct peer *peer)
{
	const int64_t now_ns = dmonitor_clock_now_ns();
	const int64_t cost_ns = now_ns - intake->heavy_since_ns;

	budget_charge(&intake->heavy, terms_of_all, now_ns, cost_ns);
	if (peer != NULL)
		budget_charge(&peer->heavy, terms_of_one, now_ns, cost_ns);
}
