# What leaves this folder: installed here, or as a package for other machines.
PACKAGING := Sources/Packaging
PACKAGES := .build/packages
# Units, the user and the configuration are for the whole machine: left out where one installs for oneself.
SERVICE ?= $(if $(filter /usr /usr/local,$(PREFIX)),yes)
SYSCONFDIR ?= /etc
export DESTDIR PREFIX SERVICE SYSCONFDIR

DEB_PACKAGES := debhelper lintian
# What a program that runs from anywhere has inside, where the build itself does not want it.
PORTABLE_PACKAGES := libgfortran-12-dev

.PHONY: install
install: build ## Install under PREFIX (/usr/local); with units under /usr and /usr/local. DESTDIR, SYSCONFDIR (/etc)
	@$(PACKAGING)/link.sh system $(PACKAGES)/system
	@$(PACKAGING)/install.sh install $(PACKAGES)/system
	@echo "Installed lensd and lensctl in $(DESTDIR)$(PREFIX)/bin"
	@[ -n "$(DESTDIR)" ] || [ -z "$(SERVICE)" ] || echo "As a service: systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload && systemctl enable --now lensd.socket lensd.service"

.PHONY: uninstall
uninstall: ## Remove what make install put under PREFIX; the configuration and sessions stay
	@$(PACKAGING)/install.sh uninstall $(PACKAGES)/system

.PHONY: deb
deb: build ## A Debian package: programs, the embedded model, units, the user
	@.ci/packages.sh $(DEB_PACKAGES)
	@$(PACKAGING)/link.sh system $(PACKAGES)/system
	@$(PACKAGING)/deb.sh $(PACKAGES)

.PHONY: tarball
tarball: build ## A folder that runs from anywhere: nothing but glibc is needed
	@.ci/packages.sh $(PORTABLE_PACKAGES)
	@$(PACKAGING)/link.sh portable $(PACKAGES)/portable
	@$(PACKAGING)/tarball.sh $(PACKAGES)

.PHONY: wheel
wheel: build ## A Python wheel that carries the daemon, the CLI and the embedded model
	@.ci/packages.sh $(PYTHON_PACKAGES) $(PORTABLE_PACKAGES)
	@$(PACKAGING)/link.sh portable $(PACKAGES)/portable
	@$(PACKAGING)/wheel.sh $(PACKAGES)

.PHONY: newcomer
newcomer: wheel ## The newcomer's clock: from pip install of the wheel to a picture, and to the end of the guide
	@python3 Tests/Packaging/newcomer.py $(PACKAGES)/lensd-*.whl

.PHONY: test-packages
test-packages: deb tarball wheel ## Install, use and remove the packages in clean systems, one of them booted (some minutes)
	@Tests/Packaging/packages.sh $(PACKAGES)
