#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# install.sh install|uninstall
#
# Does the work of "make install", without packages. Installs plugctl and the module.
#
# With DKMS, the module's source goes to /usr/src. DKMS builds the module now, and
# again for every later kernel.
# Without DKMS, the module is built for the running kernel, or for KERNELRELEASE. It
# goes into that kernel's updates/, where depmod finds it before the kernel's own
# module. After a kernel upgrade, run this again.
#
# DESTDIR: a directory to install below, for a package or an image. Files are only
# put there, and without DKMS unless DKMS=yes.
# PREFIX: where plugctl goes (/usr/local).
# DKMS=yes|no: whether to use DKMS. Default: yes if dkms is installed.
set -eu

cd "$(dirname "$0")/.."
: "${DESTDIR:=}" "${PREFIX:=/usr/local}" "${MAKE:=make}"
: "${KERNELRELEASE:=$(uname -r)}"
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' dkms.conf)
source=/usr/src/sch-plug-$version
moddir=/lib/modules/$KERNELRELEASE/updates
PATH=$PATH:/usr/sbin:/sbin

# Only the package manager may change the files of a package.
packaged=
[ -n "$DESTDIR" ] || [ ! -e /usr/share/sch-plug-dkms/loaded-module ] || packaged=yes
if [ -n "$packaged" ] && [ "${1:-}" = install ]; then
	echo "install.sh: the package sch-plug-dkms is installed: upgrade or remove that one" >&2
	exit 1
fi

if [ -z "${DKMS:-}" ]; then
	DKMS=no
	[ -n "$DESTDIR" ] || ! command -v dkms > /dev/null || DKMS=yes
fi

# dkms_forget: removes all versions of the module, and their source, from DKMS.
dkms_forget() {
	for old in $(dkms status -m sch-plug | sed -n 's,^sch-plug[/ ,]*\([^, :]*\).*,\1,p' | sort -u); do
		dkms remove -m sch-plug -v "$old" --all
		rm -rf "/usr/src/sch-plug-$old"
	done
}

# remove_updates: removes modules that were installed without DKMS: depmod would
# prefer them to those of DKMS.
remove_updates() {
	for file in "$DESTDIR"/lib/modules/*/updates/sch_plug.ko; do
		[ -e "$file" ] || continue
		rm -f "$file"
		kernel=${file#"$DESTDIR/lib/modules/"}
		[ -n "$DESTDIR" ] || depmod "${kernel%%/*}"
	done
}

# dkms_build: builds and installs the module for every kernel that has headers.
# "dkms autoinstall" does so for one kernel only.
dkms_build() {
	any=
	status=0
	for headers in /lib/modules/*/build/include; do
		[ -e "$headers" ] || continue
		any=yes
		kernel=${headers#/lib/modules/}
		failed=0
		dkms install -m sch-plug -v "$version" -k "${kernel%%/build/include}" || failed=$?
		case $failed in
		0|9|77)	;;	# the last two: not for this kernel
		*)	status=$failed ;;
		esac
	done
	[ -n "$any" ] || echo "install.sh: no headers of any kernel: install them, then run: dkms autoinstall" >&2
	return $status
}

# put_module: installs the module, with or without DKMS.
put_module() {
	if [ "$DKMS" = yes ]; then
		[ -n "$DESTDIR" ] || { dkms_forget; remove_updates; }
		mkdir -p "$DESTDIR$source/src"
		cp dkms.conf "$DESTDIR$source/"
		cp -R src/Kbuild src/Makefile src/compat src/sch_plug.h src/plug_*.c src/uapi "$DESTDIR$source/src/"
		rm -f "$DESTDIR$source/src/compat-config.h"
		[ -z "$DESTDIR" ] || return 0
		dkms add -m sch-plug -v "$version"
		dkms_build
	else
		if [ -z "$DESTDIR" ] && command -v dkms > /dev/null; then
			dkms_forget
		fi
		$MAKE -C src KERNELRELEASE="$KERNELRELEASE" modules
		mkdir -p "$DESTDIR$moddir"
		cp src/sch_plug.ko "$DESTDIR$moddir/"
		[ -n "$DESTDIR" ] || depmod "$KERNELRELEASE"
	fi
}

case ${1:-} in
install)
	# First the steps that may fail: a build, or missing headers.
	$MAKE -C userspace plugctl
	put_module
	$MAKE -C userspace install DESTDIR="$DESTDIR" PREFIX="$PREFIX"
	[ -n "$DESTDIR" ] || src/loaded-module installed
	;;
uninstall)
	remove_updates
	if [ -z "$packaged" ]; then
		[ -n "$DESTDIR" ] || ! command -v dkms > /dev/null || dkms_forget
		rm -rf "$DESTDIR$source"
	elif [ "$PREFIX" = /usr ]; then
		echo "install.sh: the rest belongs to packages" >&2
		exit 0
	fi
	$MAKE -C userspace uninstall DESTDIR="$DESTDIR" PREFIX="$PREFIX"
	[ -n "$DESTDIR" ] || src/loaded-module removed
	;;
*)
	echo "usage: install.sh install|uninstall" >&2
	exit 1
	;;
esac
