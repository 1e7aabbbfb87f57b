/* machine.c: /proc, /sys and uname(2). */
#include "machine.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sentence.h"

/* The first line of ${file} that begins with ${prefix}: what follows its colon, if it has one. */
static bool find_line(const char *file, const char *prefix, char text[MACHINE_TEXT_BYTES])
{
	FILE *in = fopen(file, "re");
	bool found = false;
	char *line = NULL;
	size_t room = 0;
	text[0] = '\0';
	while (in != NULL && !found && getline(&line, &room, in) > 0) {
		found = strncmp(line, prefix, strlen(prefix)) == 0;
		if (!found)
			continue;
		const char *colon = prefix[0] != '\0' ? strchr(line, ':') : NULL;
		const char *from = colon != NULL ? colon + 1 : line;
		from += strspn(from, " \t");
		sentence(text, MACHINE_TEXT_BYTES, "%.*s", (int)strcspn(from, "\n"), from);
	}
	free(line);
	if (in != NULL)
		fclose(in);
	return found;
}

/* A virtual machine says so in its CPU's flags; who runs it, in what it shows as mainboard. */
static void look_for_hypervisor(char text[MACHINE_TEXT_BYTES])
{
	char vendor[MACHINE_TEXT_BYTES];
	text[0] = '\0';
	FILE *in = fopen("/proc/cpuinfo", "re");
	char *line = NULL;
	size_t room = 0;
	bool has_flags = false;
	bool virtual = false;
	while (in != NULL && !has_flags && getline(&line, &room, in) > 0) {
		has_flags = strncmp(line, "flags", 5) == 0;
		virtual = has_flags && strstr(line, " hypervisor") != NULL;
	}
	free(line);
	if (in != NULL)
		fclose(in);
	if (has_flags && !virtual)
		sentence(text, MACHINE_TEXT_BYTES, "none");
	else if (virtual && find_line("/sys/class/dmi/id/sys_vendor", "", vendor))
		sentence(text, MACHINE_TEXT_BYTES, "%s", vendor);
	else if (virtual)
		sentence(text, MACHINE_TEXT_BYTES, "unknown hypervisor");
}

void machine_look(struct machine *machine)
{
	*machine = (struct machine){ .memory_bytes = -1, .load_average_1min = -1 };
	find_line("/proc/cpuinfo", "model name", machine->cpu_model);
	machine->logical_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct sysinfo memory;
	if (sysinfo(&memory) == 0)
		machine->memory_bytes = (int64_t)memory.totalram * (int64_t)memory.mem_unit;
	struct utsname kernel;
	if (uname(&kernel) == 0)
		sentence(machine->kernel, MACHINE_TEXT_BYTES, "%s %s %s", kernel.sysname,
		         kernel.release, kernel.machine);
	look_for_hypervisor(machine->virtualisation);
	if (getloadavg(&machine->load_average_1min, 1) != 1)
		machine->load_average_1min = -1;
}
