// SPDX-License-Identifier: GPL-2.0-or-later
/* Addresses found before, so that a batch looks each device up only once. */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "plugctl.h"

#define BUCKETS	1024

struct entry {
	struct entry *next;
	uint32_t handle;
	unsigned long age;	/* memory.age when the name was looked up */
	struct remembered what;
	char name[];
};

struct memory {
	unsigned long age;
	struct entry *buckets[BUCKETS];
};

struct memory *memory_new(void)
{
	return calloc(1, sizeof(struct memory));
}

void memory_free(struct memory *memory)
{
	struct entry *entry, *next;
	size_t i;

	if (!memory)
		return;
	for (i = 0; i < BUCKETS; i++) {
		for (entry = memory->buckets[i]; entry; entry = next) {
			next = entry->next;
			free(entry);
		}
	}
	free(memory);
}

/* FNV-1a */
static uint32_t hash(const char *name)
{
	uint32_t h = 2166136261U;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619U;
	return h;
}

static uint32_t wanted_handle(const struct options *opt)
{
	return opt->have_handle ? opt->handle : 0;
}

static struct entry *find(const struct memory *memory, const char *name,
			  const struct options *opt)
{
	struct entry *entry = memory->buckets[hash(name) % BUCKETS];

	/* Commands go by handle, and this one may turn up below another parent. */
	if (opt->have_parent)
		return NULL;
	for (; entry; entry = entry->next)
		if (entry->handle == wanted_handle(opt) &&
		    !strcmp(entry->name, name))
			break;
	return entry;
}

bool memory_get(const struct memory *memory, const char *name,
		const struct options *opt, struct remembered *what)
{
	const struct entry *entry = find(memory, name, opt);

	if (!entry || !entry->what.at.ifindex)
		return false;
	*what = entry->what;
	what->fresh = entry->age == memory->age;
	return true;
}

void memory_age(struct memory *memory)
{
	memory->age++;
}

void memory_refresh(struct memory *memory, const char *name,
		    const struct options *opt)
{
	struct entry *entry = find(memory, name, opt);

	if (entry)
		entry->age = memory->age;
}

void memory_set(struct memory *memory, const char *name,
		const struct options *opt, const struct remembered *what)
{
	struct entry *entry = find(memory, name, opt);
	struct entry **bucket;
	size_t size;

	if (opt->have_parent)
		return;
	if (!entry) {
		size = strlen(name) + 1;
		entry = malloc(sizeof(*entry) + size);
		if (!entry)
			return;
		memcpy(entry->name, name, size);
		entry->handle = wanted_handle(opt);
		bucket = &memory->buckets[hash(name) % BUCKETS];
		entry->next = *bucket;
		*bucket = entry;
	}
	entry->what = *what;
	entry->age = memory->age;
}

/* Without a device an entry counts for nothing; it will be used again. */
void memory_forget(struct memory *memory, const char *name,
		   const struct options *opt)
{
	struct entry *entry = find(memory, name, opt);

	if (entry)
		entry->what.at.ifindex = 0;
}
