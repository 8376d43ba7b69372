// SPDX-License-Identifier: GPL-2.0-or-later
/* Parsers for user input: sizes, times, handles, lines. */
#include <string.h>
#include <strings.h>

#include <linux/types.h>
#include <linux/pkt_sched.h>

#include "parse.h"

/* A factor of 0 ends the list. */
struct unit {
	char name[4];
	uint64_t factor;
};

/*
 * As in tc, K, M and G are powers of 1024. "MB" is missing on purpose: half of
 * its readers take it for 1000 x 1000.
 */
static const struct unit size_units[] = {
	{ "", 1 },
	{ "K", 1ULL << 10 }, { "KiB", 1ULL << 10 },
	{ "M", 1ULL << 20 }, { "MiB", 1ULL << 20 },
	{ "G", 1ULL << 30 }, { "GiB", 1ULL << 30 },
	{ "", 0 }
};

static const struct unit time_units[] = {
	{ "", 1000000000ULL },
	{ "ms", 1000000ULL },
	{ "s", 1000000000ULL },
	{ "m", 60 * 1000000000ULL },
	{ "h", 3600 * 1000000000ULL },
	{ "", 0 }
};

/*
 * Parses a number. strtoull() would accept signs, blanks and "0x". Returns a pointer
 * behind the number; NULL: there is no number, or it is too big.
 */
static const char *parse_digits(const char *text, unsigned int base,
				uint64_t *value)
{
	const char *p = text;
	uint64_t v = 0;

	for (;; p++) {
		unsigned int digit;

		if (*p >= '0' && *p <= '9')
			digit = (unsigned int)(*p - '0');
		else if (base == 16 && *p >= 'a' && *p <= 'f')
			digit = (unsigned int)(*p - 'a') + 10;
		else if (base == 16 && *p >= 'A' && *p <= 'F')
			digit = (unsigned int)(*p - 'A') + 10;
		else
			break;
		if (v > (UINT64_MAX - digit) / base)
			return NULL;
		v = v * base + digit;
	}
	if (p == text)
		return NULL;
	*value = v;
	return p;
}

static const struct unit *find_unit(const struct unit *units, const char *name,
				    size_t len, bool fold_case)
{
	for (; units->factor; units++) {
		if (strlen(units->name) != len)
			continue;
		if (fold_case ? !strncasecmp(units->name, name, len) :
				!strncmp(units->name, name, len))
			return units;
	}
	return NULL;
}

/* NUMBER[UNIT][-1]. The "-1" is for 4GiB-1, the largest limit. */
bool parse_size(const char *text, uint32_t *bytes)
{
	const struct unit *unit;
	const char *suffix, *end;
	uint64_t v;

	suffix = parse_digits(text, 10, &v);
	if (!suffix)
		return false;
	end = suffix + strcspn(suffix, "-");
	unit = find_unit(size_units, suffix, (size_t)(end - suffix), true);
	if (!unit || v > (UINT32_MAX + 1ULL) / unit->factor)
		return false;
	v *= unit->factor;
	if (*end) {
		if (strcmp(end, "-1") || v == 0)
			return false;
		v--;
	}
	if (v > UINT32_MAX)
		return false;
	*bytes = (uint32_t)v;
	return true;
}

/* Parses ".5" into billionths. Digits after the ninth are ignored. */
static const char *parse_fraction(const char *text, uint64_t *billionths)
{
	uint64_t digit = 100000000;
	const char *p = text + 1;

	*billionths = 0;
	if (*text != '.')
		return text;
	for (; *p >= '0' && *p <= '9'; p++) {
		*billionths += digit * (uint64_t)(*p - '0');
		digit /= 10;
	}
	return p == text + 1 ? NULL : p;
}

bool parse_time(const char *text, uint64_t *nanoseconds)
{
	const struct unit *unit;
	uint64_t v, billionths;
	const char *suffix;

	v = 0;
	suffix = *text == '.' ? text : parse_digits(text, 10, &v);
	if (!suffix)
		return false;
	suffix = parse_fraction(suffix, &billionths);
	if (!suffix)
		return false;
	unit = find_unit(time_units, suffix, strlen(suffix), false);
	/* Longer times are refused, so that no deadline overflows. */
	if (!unit || v >= INT64_MAX / 2 / unit->factor)
		return false;
	*nanoseconds = v * unit->factor + billionths * (unit->factor / 1000000) / 1000;
	return true;
}

bool parse_epoch(const char *text, uint64_t *epoch)
{
	const char *end;
	uint64_t v;

	end = parse_digits(text, 10, &v);
	if (!end || *end)
		return false;
	*epoch = v;
	return true;
}

/* "8001:" or "8001", hexadecimal as everywhere in tc. */
bool parse_handle(const char *text, uint32_t *handle)
{
	const char *end;
	uint64_t major;

	end = parse_digits(text, 16, &major);
	if (!end || (*end && strcmp(end, ":")))
		return false;
	if (major == 0 || major > 0xffff)
		return false;
	*handle = (uint32_t)major << 16;
	return true;
}

/* "root" or "MAJOR:MINOR". */
bool parse_parent(const char *text, uint32_t *parent)
{
	uint64_t major, minor;
	const char *end;

	if (!strcmp(text, "root")) {
		*parent = TC_H_ROOT;
		return true;
	}
	end = parse_digits(text, 16, &major);
	if (!end || *end != ':')
		return false;
	end = parse_digits(end + 1, 16, &minor);
	if (!end || *end)
		return false;
	if (major == 0 || major > 0xffff || minor == 0 || minor > 0xffff)
		return false;
	*parent = (uint32_t)(major << 16 | minor);
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

int split_line(char *line, char **words, size_t max)
{
	size_t n = 0;

	for (;;) {
		while (is_blank(*line))
			line++;
		if (!*line || *line == '#')
			break;
		if (n + 1 >= max)
			return -1;
		words[n++] = line;
		while (*line && !is_blank(*line))
			line++;
		if (!*line)
			break;
		*line++ = '\0';
	}
	words[n] = NULL;
	return (int)n;
}

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

unsigned int edit_distance(const char *a, const char *b)
{
	enum { MAX = 32 };
	unsigned int d[MAX + 1][MAX + 1];
	size_t la = strlen(a), lb = strlen(b);
	size_t i, j;

	if (la > MAX || lb > MAX)
		return MAX;
	for (i = 0; i <= la; i++)
		d[i][0] = (unsigned int)i;
	for (j = 0; j <= lb; j++)
		d[0][j] = (unsigned int)j;
	for (i = 1; i <= la; i++) {
		for (j = 1; j <= lb; j++) {
			unsigned int change = a[i - 1] != b[j - 1];

			d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1,
					d[i - 1][j - 1] + change);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[la][lb];
}
