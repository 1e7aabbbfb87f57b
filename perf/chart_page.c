/* chart_page.c: see chart_page.h. Numbers are printed in the C locale, which chart_draw() sets. */
#include "chart_page.h"

#include <math.h>
#include <stdio.h>

#include "chart_label.h"

/* In single quotes, where gnuplot takes everything literally but the quote itself. */
static void print_quoted(FILE *file, const char *text)
{
	fputc('\'', file);
	for (; *text; text++) {
		if (*text == '\'')
			fputc('\'', file);
		fputc(*text == '\n' || *text == '\r' ? ' ' : *text, file);
	}
	fputs("'\n", file);
}

void chart_page_number(struct chart_page *page, const char *name, double value)
{
	fprintf(page->variables, "%s = %.10g\n", name, value);
}

void chart_page_text(struct chart_page *page, const char *name, const char *text)
{
	fprintf(page->variables, "%s = ", name);
	print_quoted(page->variables, text);
}

void chart_page_array(struct chart_page *page, const char *name, size_t elements)
{
	fprintf(page->variables, "array %s[%zu]\n", name, elements);
}

void chart_page_element(struct chart_page *page, const char *name, size_t index, double value)
{
	fprintf(page->variables, "%s[%zu] = %.10g\n", name, index, value);
}

void chart_page_entry(struct chart_page *page, const char *name, size_t index, const char *text)
{
	fprintf(page->variables, "%s[%zu] = ", name, index);
	print_quoted(page->variables, text);
}

void chart_page_series(struct chart_page *page, size_t index, const char *name, const char *factors)
{
	char text[CHART_LABEL_BYTES];

	chart_label_join(name, factors, CHART_NAME_MAX, text);
	if (chart_label_width(text) > page->longest)
		page->longest = chart_label_width(text);
	chart_page_entry(page, "series_name", index, text);
}

bool chart_page_skip(struct chart_page *page, const char *reason)
{
	snprintf(page->reason, sizeof(page->reason), "%s", reason);
	return false;
}

void chart_page_crop(struct chart_page *page, size_t drawn, size_t all, const char *what)
{
	if (drawn < all)
		snprintf(page->reason, sizeof(page->reason),
		         "only the first %zu of %zu %s are shown", drawn, all, what);
}

void chart_page_block(struct chart_page *page, const char *title, const char *header)
{
	if (ftell(page->data) > 0)
		fputs("\n\n", page->data); /* gnuplot's mark between blocks */
	fprintf(page->data, "# %s\n%s\n", title, header);
}

double chart_page_unit(struct chart_page *page, const char *name, double typical_ns)
{
	static const struct unit {
		const char *name;
		double ns;
	} units[] = { { "ns", 1 }, { "µs", 1e3 }, { "ms", 1e6 }, { "s", 1e9 } };
	size_t unit = 0;
	char variable[32];

	while (unit < 3 && typical_ns >= units[unit + 1].ns)
		unit++;
	snprintf(variable, sizeof(variable), "%s_unit", name);
	chart_page_text(page, variable, units[unit].name);
	return units[unit].ns;
}

size_t chart_page_panels(struct chart_page *page, size_t series)
{
	size_t panels = (series + CHART_SERIES_MAX - 1) / CHART_SERIES_MAX;
	size_t per_panel = (series + panels - 1) / panels;

	chart_page_number(page, "series", (double)series);
	chart_page_number(page, "panels", (double)panels);
	chart_page_number(page, "per_panel", (double)per_panel);
	return per_panel;
}

/* The last of 1 2 5 10 20 50 ... not above ${value}, or the first not below it. */
static double round_step(double value, bool up)
{
	static const double steps[] = { 1, 2, 5, 10 };
	double power = pow(10, floor(log10(value)));
	size_t i = 0;

	while (i < 3 && steps[i] * power < value * (1 - 1e-9))
		i++;
	if (!up && steps[i] * power > value * (1 + 1e-9))
		i--;
	return steps[i] * power;
}

void chart_page_log_axis(struct chart_page *page, const char *name, double low, double high)
{
	double ticks[64];
	size_t count = 0;
	char variable[32];
	bool powers_only;

	if (!(high > 0))
		high = 1;
	if (!(low > 0))
		low = high / 1000; /* what is 0 lies below such an axis */
	low = round_step(low / 1.05, false);
	high = round_step(high * 1.05, true);
	powers_only = high / low > 500;
	for (double tick = low; tick <= high * 1.01 && count < 64;
	     tick = round_step(tick * 1.5, true)) {
		if (!powers_only || fabs(log10(tick) - round(log10(tick))) < 1e-9)
			ticks[count++] = tick;
	}
	snprintf(variable, sizeof(variable), "%s_low", name);
	chart_page_number(page, variable,
	                  low / 1.02); /* gnuplot may miss a tick on the very edge */
	snprintf(variable, sizeof(variable), "%s_high", name);
	chart_page_number(page, variable, high * 1.02);
	snprintf(variable, sizeof(variable), "%s_ticks", name);
	chart_page_number(page, variable, (double)count);
	snprintf(variable, sizeof(variable), "%s_tick", name);
	chart_page_array(page, variable, count ? count : 1);
	for (size_t i = 0; i < count; i++)
		chart_page_element(page, variable, i + 1, ticks[i]);
}
