/* check_holds.c: whether what server and client tell of one ownership fits. */
#include "check_holds.h"

#include <inttypes.h>
#include <stdio.h>

void signals_add(struct signals *signals, bool all, const char *condition)
{
	uint64_t digest = UINT64_C(14695981039346656037) + all;

	for (; *condition != '\0'; condition++)
		digest = (digest ^ (unsigned char)*condition) * UINT64_C(1099511628211);
	signals->count++;
	signals->sum += digest * digest + digest;
}

static bool is_within(const struct hold *hold, int64_t at_ns, struct span span)
{
	return hold->any_clock || (at_ns >= span.from_ns && at_ns <= span.to_ns);
}

const char *hold_claim_fault(const struct hold *hold, bool explained, char *sentence,
                             size_t room_bytes)
{
	const bool early = hold->granted_ns < hold->claim.from_ns;

	if (is_within(hold, hold->granted_ns, hold->claim) || (early && explained))
		return NULL;
	snprintf(sentence, room_bytes,
	         "client %s was granted %s by token %" PRIu64 " at line %" PRIu64
	         ", %s of the call that says so (I12: what a call does happens while it lasts)",
	         hold->client, hold->monitor, hold->token, hold->granted_line,
	         early ? "before the beginning" : "after the return");
	return sentence;
}

static const char *signals_fault(const struct hold *hold, char *sentence, size_t room_bytes)
{
	const uint64_t least = hold->signalled.count;
	const uint64_t most = least + hold->perhaps_signalled;
	const uint64_t done = hold->executed.count;

	if (hold->released == DMONITOR_EFFECT_ENDED)
		return NULL; /* signals held back end with their session */
	if (hold->perhaps_signalled > 0
	        ? done >= least && done <= most
	        : done == least && hold->executed.sum == hold->signalled.sum)
		return NULL;
	snprintf(sentence, room_bytes,
	         "client %s signalled %" PRIu64 " times while it owned %s by token %" PRIu64
	         ", and %" PRIu64 " were executed by line %" PRIu64 "%s (%s)",
	         hold->client, least, hold->monitor, hold->token, done, hold->released_line,
	         done == least ? ", for other conditions" : "",
	         done < least ? "I7: no wake-up is lost" : "I8: no wake-up is invented");
	return sentence;
}

const char *hold_release_fault(const struct hold *hold, char *sentence, size_t room_bytes)
{
	static const char *const words[] = { [DMONITOR_EFFECT_GRANTED] = "still owns it",
		                             [DMONITOR_EFFECT_EXITED] = "exited",
		                             [DMONITOR_EFFECT_WAITS] = "began to wait",
		                             [DMONITOR_EFFECT_ENDED] = "had ended" };
	const struct span no_sooner = { hold->giving_up.from_ns, INT64_MAX };

	if (hold->sure && hold->released != hold->how) {
		snprintf(sentence, room_bytes,
		         "client %s was told that it %s at %s, which it owned by token %" PRIu64
		         "; by line %" PRIu64 " it %s (I10: who is told success had it)",
		         hold->client, words[hold->how], hold->monitor, hold->token,
		         hold->released_line, words[hold->released]);
		return sentence;
	}
	if (hold->released != DMONITOR_EFFECT_ENDED &&
	    !is_within(hold, hold->released_ns, hold->sure ? hold->giving_up : no_sooner)) {
		snprintf(sentence, room_bytes,
		         "client %s gave up %s, token %" PRIu64 ", at line %" PRIu64
		         ", outside of the call that says so (I12: what a call does happens while "
		         "it lasts)",
		         hold->client, hold->monitor, hold->token, hold->released_line);
		return sentence;
	}
	return signals_fault(hold, sentence, room_bytes);
}

bool hold_is_settled(const struct hold *hold)
{
	return hold->granted_line != 0 && hold->claimed && hold->gave_up &&
	       (hold->released == DMONITOR_EFFECT_EXITED ||
	        hold->released == DMONITOR_EFFECT_WAITS);
}
