/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the system has of the module sch_plug, loaded and on disk. */
#ifndef PLUGCTL_MODULE_H
#define PLUGCTL_MODULE_H

#include <stdbool.h>
#include <stddef.h>

#define MODULE_PATH_MAX		512
#define MODULE_TEXT_MAX		128
#define ADVICE_MAX		768

struct module_info {
	bool loaded;
	char version[MODULE_TEXT_MAX];	/* of the loaded one; "": the in-tree one */
	char release[MODULE_TEXT_MAX];	/* of the running kernel */
	bool has_modules;		/* its folder in /lib/modules is there */
	bool builtin;
	char path[MODULE_PATH_MAX];	/* for the running kernel, "": none */
	bool path_is_intree;
	bool path_unsigned;		/* for certain */
	char elsewhere[MODULE_TEXT_MAX]; /* a kernel it is installed for, or "" */
	bool locked_down;		/* only signed modules may be loaded */
	bool loading_disabled;
};

/* root is "" but for tests; release NULL means the running kernel's. */
void module_look(struct module_info *info, const char *root, const char *release);

/* Why the kernel does not know the kind "plug", and what to do about it. */
void module_advice(char advice[ADVICE_MAX], const struct module_info *info);

#endif
