// SPDX-License-Identifier: GPL-2.0-or-later
/* json-c, loaded when JSON is asked for and not before. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

#ifndef JSON_LIBRARY
#define JSON_LIBRARY	"libjson-c.so.5"	/* what most systems have today */
#endif

_Static_assert(sizeof(JSON_LIBRARY) > 1, "make could not find out libjson-c's name: give it as JSON_LIBRARY");

struct symbol {
	const char *name;
	size_t offset;
};

#define SYMBOL(name, member) { name, offsetof(struct json_api, member) }

static const struct symbol symbols[] = {
	SYMBOL("json_object_new_object", new_object),
	SYMBOL("json_object_new_array", new_array),
	SYMBOL("json_object_new_int64", new_int64),
	SYMBOL("json_object_new_string", new_string),
	SYMBOL("json_object_new_boolean", new_boolean),
	SYMBOL("json_object_object_add", object_add),
	SYMBOL("json_object_array_add", array_add),
	SYMBOL("json_object_get", get),
	SYMBOL("json_object_put", put),
	SYMBOL("json_object_is_type", is_type),
	SYMBOL("json_object_to_json_string_ext", to_json_string_ext),
};

bool json_load(struct json_api *api, char why[JSON_ERROR_MAX])
{
	/* The version that <json-c/json.h> was of: the Makefile asked. */
	void *library = dlopen(JSON_LIBRARY, RTLD_LAZY | RTLD_LOCAL);
	size_t i;

	for (i = 0; library && i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *function = dlsym(library, symbols[i].name);

		if (!function)
			break;
		memcpy((char *)api + symbols[i].offset, &function,
		       sizeof(function));
	}
	/* Never closed: it is needed until the end. */
	if (library && i == sizeof(symbols) / sizeof(symbols[0]))
		return true;
	snprintf(why, JSON_ERROR_MAX, "%s", dlerror());
	return false;
}
