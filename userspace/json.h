/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json-c, loaded when JSON is asked for and not before. Most runs are a single
 * command from a script that wants none, and loading the library would be a
 * fifth of all they cost.
 */
#ifndef PLUGCTL_JSON_H
#define PLUGCTL_JSON_H

#include <stdbool.h>

#include <json-c/json.h>

#define JSON_ERROR_MAX	256

/* Members have the names of json-c's functions, without "json_object_". */
struct json_api {
	__typeof__(json_object_new_object) *new_object;
	__typeof__(json_object_new_array) *new_array;
	__typeof__(json_object_new_int64) *new_int64;
	__typeof__(json_object_new_string) *new_string;
	__typeof__(json_object_new_boolean) *new_boolean;
	__typeof__(json_object_object_add) *object_add;
	__typeof__(json_object_array_add) *array_add;
	__typeof__(json_object_get) *get;
	__typeof__(json_object_put) *put;
	__typeof__(json_object_is_type) *is_type;
	__typeof__(json_object_to_json_string_ext) *to_json_string_ext;
};

/* Returns false, and why, if the library is not there. */
bool json_load(struct json_api *api, char why[JSON_ERROR_MAX]);

#endif
