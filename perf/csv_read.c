/* csv_read.c: see csv_read.h. libcsv splits the fields; this file feeds it line by line, so that
 * every complaint can name one, and looks after all that libcsv lets pass. */
#include "csv_read.h"

#include <csv.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* A file in the middle of being read. */
struct reader {
	struct csv_table table;
	size_t text_used, text_room;
	size_t cells_used, cells_room;
	size_t lines_used, lines_room;
	size_t row_cells; /* of the row being read */
	size_t row_line;  /* where it begins */
	bool between;     /* no row has begun */
	int failure;      /* the first, as an errno value; all callbacks do nothing from then on */
	char *error;
	size_t room;
};

static void __attribute__((format(printf, 3, 4)))
refuse(struct reader *reader, size_t line, const char *sentence, ...)
{
	va_list arguments;
	int length;

	if (reader->failure)
		return;
	reader->failure = EINVAL;
	length = snprintf(reader->error, reader->room, "%s:%zu: ", reader->table.path, line);
	if (length < 0 || (size_t)length >= reader->room)
		return;
	va_start(arguments, sentence);
	vsnprintf(reader->error + length, reader->room - (size_t)length, sentence, arguments);
	va_end(arguments);
}

/* Make room in ${array} for ${need} elements of ${size} bytes. */
static void *grown(struct reader *reader, void *array, size_t *room, size_t need, size_t size)
{
	size_t wanted = *room ? *room : 256;
	void *larger;

	if (need <= *room)
		return array;
	while (wanted < need)
		wanted *= 2;
	larger = realloc(array, wanted * size);
	if (!larger) {
		reader->failure = ENOMEM;
		return array;
	}
	*room = wanted;
	return larger;
}

static void on_field(void *field, size_t length, void *data)
{
	struct reader *reader = data;
	struct csv_table *table = &reader->table;

	table->cells = grown(reader, table->cells, &reader->cells_room, reader->cells_used + 1,
	                     sizeof(*table->cells));
	table->text =
	    grown(reader, table->text, &reader->text_room, reader->text_used + length + 1, 1);
	if (reader->failure)
		return;
	table->cells[reader->cells_used++] = reader->text_used;
	if (length > 0)
		memcpy(table->text + reader->text_used, field, length);
	reader->text_used += length;
	table->text[reader->text_used++] = '\0';
	reader->row_cells++;
}

static void check_header(struct reader *reader)
{
	struct csv_table *table = &reader->table;

	table->columns = reader->row_cells;
	if (table->columns == 1 && strchr(table->text, ';'))
		refuse(reader, 1, "semicolons stand between the columns where commas are needed");
	for (size_t i = 0; i < table->columns; i++) {
		const char *name = table->text + table->cells[i];

		if (*name == '\0')
			refuse(reader, 1, "column %zu has no name", i + 1);
		for (size_t before = 0; before < i; before++) {
			if (strcmp(name, table->text + table->cells[before]) == 0)
				refuse(reader, 1, "column \"%s\" stands there twice", name);
		}
	}
}

static void on_row(int terminator, void *data)
{
	struct reader *reader = data;
	struct csv_table *table = &reader->table;

	(void)terminator;
	table->lines = grown(reader, table->lines, &reader->lines_room, reader->lines_used + 1,
	                     sizeof(*table->lines));
	if (reader->failure)
		return;
	table->lines[reader->lines_used++] = reader->row_line;
	if (reader->lines_used == 1)
		check_header(reader);
	else if (reader->row_cells != table->columns)
		refuse(reader, reader->row_line, "%zu fields where the header names %zu columns",
		       reader->row_cells, table->columns);
	reader->row_cells = 0;
	reader->between = true;
}

/* What can be said of line ${number} before it is split. */
static void check_line(struct reader *reader, const char *line, size_t length, size_t number)
{
	if (number == 1 && length >= 2 &&
	    (memcmp(line, "\xff\xfe", 2) == 0 || memcmp(line, "\xfe\xff", 2) == 0))
		refuse(reader, number, "this is UTF-16 where UTF-8 is needed");
	if (memchr(line, '\0', length))
		refuse(reader, number, "there is a NUL byte in the line");
	if (utf8_valid_bytes(line, length) != length)
		refuse(reader, number, "this is not UTF-8");
	if (line[length - 1] != '\n')
		refuse(reader, number, "the line is cut off: no newline ends the file");
}

static void feed(struct reader *reader, struct csv_parser *parser, const char *line, size_t length)
{
	if (csv_parse(parser, line, length, on_field, on_row, reader) == length)
		return;
	if (csv_error(parser) == CSV_EPARSE)
		refuse(reader, reader->row_line,
		       "a quotation mark inside a field: it is doubled there, and the whole field "
		       "quoted");
	else if (!reader->failure)
		reader->failure = ENOMEM;
}

static void read_lines(struct reader *reader, struct csv_parser *parser, FILE *file)
{
	char *line = NULL;
	size_t room = 0, number = 0;
	ssize_t length;

	reader->between = true;
	while (!reader->failure && (length = getline(&line, &room, file)) > 0) {
		size_t mark = ++number == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

		check_line(reader, line, (size_t)length, number);
		if (reader->between && line[strspn(line + mark, " \r\n") + mark] == '\0')
			continue; /* libcsv takes no notice of an empty line */
		if (reader->between)
			reader->row_line = number;
		reader->between = false;
		if (!reader->failure)
			feed(reader, parser, line + mark, (size_t)length - mark);
	}
	if (ferror(file) && !reader->failure)
		reader->failure = errno;
	if (!reader->between)
		refuse(reader, reader->row_line, "a quotation mark is opened and never closed");
	if (reader->lines_used == 0)
		refuse(reader, 1,
		       "the file is empty where a line with the names of the columns should be");
	free(line);
}

int csv_read(const char *path, struct csv_table *table, char *error, size_t room)
{
	struct reader reader = { .error = error, .room = room };
	struct csv_parser parser;
	FILE *file = fopen(path, "re");

	if (!file)
		reader.failure = errno;
	reader.table.path = strdup(path);
	if (!reader.table.path)
		reader.failure = ENOMEM;
	if (!reader.failure && csv_init(&parser, CSV_STRICT) == 0) {
		read_lines(&reader, &parser, file);
		csv_free(&parser);
	}
	if (file)
		fclose(file);
	if (reader.failure) {
		if (reader.failure != EINVAL)
			snprintf(error, room, "%s: cannot be read: %s", path,
			         strerror(reader.failure));
		csv_read_free(&reader.table);
		return reader.failure;
	}
	reader.table.rows = reader.lines_used - 1;
	*table = reader.table;
	return 0;
}

void csv_read_free(struct csv_table *table)
{
	free(table->path);
	free(table->cells);
	free(table->lines);
	free(table->text);
	*table = (struct csv_table){ 0 };
}

int csv_read_column(const struct csv_table *table, const char *name)
{
	for (size_t i = 0; i < table->columns; i++) {
		if (strcmp(table->text + table->cells[i], name) == 0)
			return (int)i;
	}
	return -1;
}

const char *csv_read_text(const struct csv_table *table, size_t row, int column)
{
	if (column < 0)
		return "";
	return table->text + table->cells[(row + 1) * table->columns + (size_t)column];
}

int csv_read_number(const struct csv_table *table, size_t row, int column, double *value,
                    char *error, size_t room)
{
	const char *text = csv_read_text(table, row, column);
	locale_t c_locale;
	char *end;

	if (*text == '\0') {
		*value = NAN;
		return 0;
	}
	/* strtod also takes spaces, "nan", "infinity" and hexadecimal digits. */
	if (text[strspn(text, "0123456789+-.eE")] == '\0') {
		c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
		if (c_locale) {
			double read = strtod_l(text, &end, c_locale);

			freelocale(c_locale);
			if (*end == '\0' && isfinite(read)) {
				*value = read;
				return 0;
			}
		}
	}
	snprintf(error, room, "%s:%zu: column \"%s\": \"%s\" is not a number", table->path,
	         table->lines[row + 1], table->text + table->cells[column], text);
	return EINVAL;
}
