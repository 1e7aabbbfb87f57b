/* recovery_report.c: rows of the table and of the CSV file. Printed in the C locale. */
#include "recovery_report.h"

#include <inttypes.h>

#include "../monitor/clock.h"
#include "statistics.h"

/* What is aimed at on an idle machine. */
#define MEDIAN_AIM_MS  100.0
#define WORST_AIM_MS   500.0
#define STOPPED_AIM_MS (RECOVERY_LEASE_MS + 250.0)

void recovery_cell_add(struct recovery_cell *cell, const struct recovery_outcome *outcome)
{
	if (outcome->first_ns >= 0)
		cell->first_ms[cell->went_on++] =
		    (double)outcome->first_ns / (double)DMONITOR_NS_PER_MS;
	cell->kills++;
	cell->signals += (size_t)outcome->signals;
	cell->lost += (size_t)outcome->lost;
	cell->blocked += outcome->blocked;
	cell->early += outcome->early;
	cell->unnoticed += outcome->unnoticed;
	cell->disturbed += outcome->disturbed;
}

bool recovery_cell_kept(const struct recovery_cell *cell)
{
	return cell->went_on == cell->kills && cell->lost == 0 && cell->blocked == 0 &&
	       cell->early == 0 && cell->unnoticed == 0 && cell->disturbed == 0;
}

void recovery_print_head(FILE *file)
{
	fprintf(file, "%-25s %-13s %5s %11s %11s %11s %6s %8s %5s %8s\n", "fault", "system",
	        "times", "least ms", "median ms", "worst ms", "never", "signals", "lost",
	        "blocked");
}

static const char *verdict(enum recovery_fault fault, const struct recovery_cell *cell,
                           double median_ms, double worst_ms)
{
	const bool reached = fault == RECOVERY_HOLDER_STOPPED
	                         ? worst_ms <= STOPPED_AIM_MS
	                         : median_ms <= MEDIAN_AIM_MS && worst_ms <= WORST_AIM_MS;

	if (!recovery_cell_kept(cell))
		return "  BROKEN";
	return reached ? "  reached" : "  MISSED";
}

void recovery_print_row(FILE *file, const struct recovery_system *system, enum recovery_fault fault,
                        struct recovery_cell *cell)
{
	/* Which sorts them, too. */
	const double median_ms = statistics_median(cell->first_ms, cell->went_on);
	const double worst_ms = cell->went_on == 0 ? 0 : cell->first_ms[cell->went_on - 1];

	fprintf(file, "%-25s %-13s %5zu ", recovery_fault_name(fault), system->name, cell->kills);
	if (cell->went_on == 0)
		fprintf(file, "%11s %11s %11s", "-", "-", "-");
	else
		fprintf(file, "%11.2f %11.2f %11.2f", cell->first_ms[0], median_ms, worst_ms);
	fprintf(file, " %6zu", cell->kills - cell->went_on);
	if (cell->signals == 0)
		fprintf(file, " %8s %5s %8s", "-", "-", "-");
	else
		fprintf(file, " %8zu %5zu %8zu", cell->signals, cell->lost, cell->blocked);
	if (system->has_lease)
		fputs(verdict(fault, cell, median_ms, worst_ms), file);
	fputc('\n', file);
	if (cell->early + cell->unnoticed + cell->disturbed > 0)
		fprintf(file,
		        "  before the lease was over: %zu; exit not told ESTALE: %zu; "
		        "next owner disturbed: %zu\n",
		        cell->early, cell->unnoticed, cell->disturbed);
}

void recovery_csv_head(FILE *file)
{
	fputs("fault,system,attempt,first_progress_ns,signals,lost_signals,signaller_blocked,"
	      "before_lease,late_exit_unnoticed,next_owner_disturbed\n",
	      file);
}

void recovery_csv_row(FILE *file, const struct recovery_system *system, enum recovery_fault fault,
                      size_t attempt, const struct recovery_outcome *outcome)
{
	fprintf(file, "\"%s\",\"%s\",%zu,", recovery_fault_name(fault), system->name, attempt);
	if (outcome->first_ns >= 0)
		fprintf(file, "%" PRId64, outcome->first_ns);
	fprintf(file, ",%" PRId64 ",%" PRId64 ",%d,%d,%d,%d\n", outcome->signals, outcome->lost,
	        outcome->blocked, outcome->early, outcome->unnoticed, outcome->disturbed);
	fflush(file);
}
