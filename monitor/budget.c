/* budget.c: a share of the server's time for what costs much. */
#include "budget.h"

bool budget_allows(const struct budget *budget, struct budget_terms terms, int64_t now_ns)
{
	return budget->paid_off_ns - now_ns < terms.burst_ns * terms.divisor;
}

void budget_charge(struct budget *budget, struct budget_terms terms, int64_t now_ns,
                   int64_t cost_ns)
{
	if (budget->paid_off_ns < now_ns)
		budget->paid_off_ns = now_ns;
	budget->paid_off_ns += cost_ns * terms.divisor;
}

int budget_refuse(const char *text, size_t size_bytes, size_t frames,
                  struct dmonitor_request *request)
{
	int result = 0;

	*request = (struct dmonitor_request){ .timeout_ms = -1 };
	if (size_bytes <= BUDGET_LIGHT_BYTES)
		result = dmonitor_request_decode(text, size_bytes, frames, request);
	if (result == 0)
		dmonitor_request_refuse(request, DMONITOR_CODE_LIMIT,
		                        "Long messages and STATUS have had their share of the "
		                        "server's time; ask again later");
	return result;
}
