# SPDX-License-Identifier: GPL-2.0-or-later
# sch-plug: the qdisc, plugctl, their tests and packages. "make help" lists the
# targets. Nothing has to be installed first: the tests install the packages that they
# need, or print their names.

.DEFAULT_GOAL := all
ifneq ($(words $(CURDIR)),1)
$(error neither the kernel's build nor this one can do with a blank in a path: $(CURDIR))
endif
.PHONY: all module plugctl demo demo-failover check check-all check-debug check-distro check-xen \
	bench deb rpm srpm repo install uninstall shell vm-refresh clean help

all: plugctl module			## the module for the running kernel, and plugctl

module:					## src/sch_plug.ko (KDIR=... for another kernel)
	$(MAKE) -C src modules

plugctl:				## userspace/plugctl
	$(MAKE) -C userspace plugctl

demo:					## see packets held and released (HOST=1: with this kernel)
	@tests/demo/run $(if $(HOST),--host $(DEV) $(PEER))

demo-failover:				## a service outlives its host: CRIU, redis, the plug
	@tests/demo/run failover $(KERNEL)

check:					## static checks, unit tests, two kernels
	@tests/check

check-all:				## the long forms, all kernels: hours
	@tests/check --all

check-debug:				## kernels with KASAN, lockdep, KCSAN, PREEMPT_RT: 90 minutes
	@tests/debug/run

check-distro:				## packages in real Debian roots, built, installed, booted
	@tests/distro/run

check-xen:				## Xen, its dom0 and a guest: xl remus drives the module
	@tests/xen/run
	@tests/xen/control

bench:					## instructions per packet and command, and how long commands take
	@bench/run

deb:					## Debian packages, into build/deb
	@debian/build

rpm:					## RPM packages, into build/rpm
	@rpm/build

srpm:					## the source RPM, into build/rpm
	@rpm/build --source

repo:					## apt and rpm repositories of them, build/repo (SIGN=KEYID URL=...)
	@repo/build $(if $(SIGN),--sign $(SIGN)) $(if $(URL),--url $(URL))

install:				## without packages, by DKMS if there (DESTDIR, PREFIX)
	@sh src/install.sh install

uninstall:				## undo that
	@sh src/install.sh uninstall

shell:					## a shell in a VM (KERNEL=7.3)
	@tests/vm/run --shell $(or $(KERNEL),7.3)

vm-refresh:				## empty the cache; the next run fetches the newest kernels
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/sch-plug"

clean:					## remove what was built in the checkout
	rm -rf build tests/tools/bin
	-$(MAKE) -s -C userspace clean
	-$(MAKE) -s -C examples clean
	rm -f src/*.o src/.*.cmd src/*.ko src/*.mod src/*.mod.c src/compat-config.h \
		src/Module.symvers src/modules.order

help:					## this list
	@sed -n 's/^\([a-z-]*\):.*##/\1 /p' $(MAKEFILE_LIST) | \
		awk '{ printf "  make %-14s", $$1; $$1 = ""; print }'
