// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finds out which sch_plug modules are installed and loaded. Used only by
 * "version", and after the kernel has reported that it does not know the qdisc.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "module.h"

#define MODULE_FILE	"/sch_plug.ko"
#define SIGNATURE	"~Module signature appended~\n"

/* Reads the first line of a file; false if there is no such file. */
static bool read_line(char *text, size_t size, const char *root, const char *path)
{
	char name[MODULE_PATH_MAX];
	FILE *file;
	bool ok;

	text[0] = '\0';
	snprintf(name, sizeof(name), "%s%s", root, path);
	file = fopen(name, "re");
	if (!file)
		return false;
	ok = fgets(text, (int)size, file);
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return ok;
}

static bool exists(const char *root, const char *path)
{
	char name[MODULE_PATH_MAX];

	snprintf(name, sizeof(name), "%s%s", root, path);
	return !access(name, F_OK);
}

/*
 * Finds the word of modules.dep (or modules.builtin) that names the module's file,
 * with any compression.
 */
static bool find_in_index(char *path, size_t size, const char *root,
			  const char *release, const char *index)
{
	char name[MODULE_PATH_MAX], line[4096];
	bool found = false;
	FILE *file;

	snprintf(name, sizeof(name), "%s/lib/modules/%s/%s", root, release, index);
	file = fopen(name, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		char *end = line + strcspn(line, ":\n");

		*end = '\0';
		if (!strstr(line, MODULE_FILE) || strlen(line) >= size)
			continue;
		memcpy(path, line, strlen(line) + 1);
		found = true;
	}
	fclose(file);
	return found;
}

/* Whether the file is known to be unsigned. We cannot tell for compressed files. */
static bool is_unsigned(const char *root, const char *release, const char *path)
{
	char name[MODULE_PATH_MAX * 2], tail[sizeof(SIGNATURE) - 1];
	size_t len = strlen(path);
	bool plain = len > 3 && !strcmp(path + len - 3, ".ko");
	FILE *file;
	bool read;

	if (!plain)
		return false;
	snprintf(name, sizeof(name), "%s/lib/modules/%s/%s", root, release, path);
	file = fopen(name, "re");
	if (!file)
		return false;
	read = !fseek(file, -(long)sizeof(tail), SEEK_END) &&
	       fread(tail, sizeof(tail), 1, file) == 1;
	fclose(file);
	return read && memcmp(tail, SIGNATURE, sizeof(tail));
}

static void look_elsewhere(struct module_info *info, const char *root)
{
	char name[MODULE_PATH_MAX], path[MODULE_PATH_MAX];
	const struct dirent *entry;
	DIR *dir;

	snprintf(name, sizeof(name), "%s/lib/modules", root);
	dir = opendir(name);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    strlen(entry->d_name) >= sizeof(info->elsewhere))
			continue;
		if (!find_in_index(path, sizeof(path), root, entry->d_name,
				   "modules.dep"))
			continue;
		snprintf(info->elsewhere, sizeof(info->elsewhere), "%.*s",
			 MODULE_TEXT_MAX - 1, entry->d_name);
		break;
	}
	closedir(dir);
}

static bool is_locked_down(const char *root)
{
	static const char secure_boot[] = "/sys/firmware/efi/efivars/"
		"SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
	char text[MODULE_TEXT_MAX], name[MODULE_PATH_MAX];
	unsigned char var[5] = { 0 };
	FILE *file;

	if (read_line(text, sizeof(text), root, "/sys/kernel/security/lockdown") &&
	    !strstr(text, "[none]"))
		return true;
	if (read_line(text, sizeof(text), root,
		      "/sys/module/module/parameters/sig_enforce") &&
	    text[0] == 'Y')
		return true;
	snprintf(name, sizeof(name), "%s%s", root, secure_boot);
	file = fopen(name, "re");
	if (!file)
		return false;
	/* The file has four bytes of attributes, then the value. */
	if (fread(var, 1, sizeof(var), file) != sizeof(var))
		var[4] = 0;
	fclose(file);
	return var[4] == 1;
}

static void look_on_disk(struct module_info *info, const char *root)
{
	char name[MODULE_PATH_MAX], path[MODULE_PATH_MAX];

	snprintf(name, sizeof(name), "/lib/modules/%s", info->release);
	info->has_modules = exists(root, name);
	if (find_in_index(path, sizeof(path), root, info->release,
			  "modules.builtin")) {
		info->builtin = true;
		return;
	}
	if (!find_in_index(info->path, sizeof(info->path), root, info->release,
			   "modules.dep")) {
		look_elsewhere(info, root);
		return;
	}
	info->path_is_intree = !strncmp(info->path, "kernel/net/", 11);
	info->path_unsigned = is_unsigned(root, info->release, info->path);
}

void module_look(struct module_info *info, const char *root, const char *release)
{
	struct utsname uts;
	char text[MODULE_TEXT_MAX];

	memset(info, 0, sizeof(*info));
	if (!release)
		release = uname(&uts) ? "" : uts.release;
	snprintf(info->release, sizeof(info->release), "%s", release);
	info->loaded = exists(root, "/sys/module/sch_plug");
	read_line(info->version, sizeof(info->version), root,
		  "/sys/module/sch_plug/version");
	look_on_disk(info, root);
	info->locked_down = is_locked_down(root);
	info->loading_disabled =
		read_line(text, sizeof(text), root,
			  "/proc/sys/kernel/modules_disabled") && text[0] == '1';
}
