/* SPDX-License-Identifier: GPL-2.0-or-later */
#include_next <linux/compiler.h>

#ifndef PLUG_COMPAT_LINUX_COMPILER_H
#define PLUG_COMPAT_LINUX_COMPILER_H

#ifndef data_race
/* Kernels without KCSAN have nobody to tell. */
#define data_race(expr)	(expr)
#endif /* data_race */

#endif /* PLUG_COMPAT_LINUX_COMPILER_H */
