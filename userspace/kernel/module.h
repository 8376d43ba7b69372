/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which sch_plug modules are loaded and on disk. */
#ifndef PLUGCTL_MODULE_H
#define PLUGCTL_MODULE_H

#include <stdbool.h>
#include <stddef.h>

#define MODULE_PATH_MAX		512
#define MODULE_TEXT_MAX		128

struct module_info {
	bool loaded;
	char version[MODULE_TEXT_MAX];	/* of the loaded module; "": the in-tree one */
	char release[MODULE_TEXT_MAX];	/* of the running kernel */
	bool has_modules;		/* /lib/modules has a folder for it */
	bool builtin;
	char path[MODULE_PATH_MAX];	/* module for the running kernel, "": none */
	bool path_is_intree;
	bool path_unsigned;		/* known to be unsigned */
	char elsewhere[MODULE_TEXT_MAX]; /* another kernel that has the module, or "" */
	bool locked_down;		/* only signed modules may be loaded */
	bool loading_disabled;
};

/* root is "" except in tests; release NULL means that of the running kernel. */
void module_look(struct module_info *info, const char *root, const char *release);

#endif
