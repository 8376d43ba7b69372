// SPDX-License-Identifier: GPL-2.0-or-later
/* sch_plug.c, in an object that does not bear the name of the whole module. */
#include "sch_plug.c"
