#!/usr/bin/env bash
# The Debian package: installed, used by two users, removed and purged, leaving nothing but its user.
set -euo pipefail
cd "$(dirname "$0")"
. ./clean_system.sh
package=$(ls "$packages"/lensd_*.deb)
system=$(clean_system debian)
trap 'rm -rf "$system"' EXIT
cp "$package" "$system/root/"

# Everything that is there, but for what dpkg and apt themselves write.
listing() {
    (cd "$system" && find . -xdev | grep -vE '^\./(proc|sys|dev|root|tmp|var/(lib/(dpkg|apt|systemd/deb-systemd-helper)|cache|log)|etc/(ld.so.cache|(passwd|group|shadow|gshadow|subuid|subgid)-))' | sort)
}

inside "$system" apt-get -qq update
# What it depends on comes first, so that the two listings differ by the package alone.
inside "$system" sh -c 'apt-get -qq install -y --no-install-recommends \
    $(apt-get -s install --no-install-recommends /root/lensd_*.deb | sed -n "s/^Inst \([^ ]*\) .*/\1/p" | grep -vx lensd)' \
    >"$system.log" 2>&1
listing >"$system.before"
check "it installs" inside "$system" apt-get -q install -y --no-install-recommends "/root/${package##*/}"
check "the user and the folders are there" inside "$system" sh -c '
    set -e
    [ "$(stat -c "%U:%G %a" /var/lib/lensd)" = "lensd:lensd 700" ]
    [ "$(stat -c "%U:%G %a" /run/lensd)" = "lensd:lensd 755" ]
    [ "$(getent passwd lensd | cut -d: -f6,7)" = /var/lib/lensd:/usr/sbin/nologin ]'
check "the units are enabled" inside "$system" sh -c '
    set -e
    [ -L /etc/systemd/system/multi-user.target.wants/lensd.service ]
    [ -L /etc/systemd/system/sockets.target.wants/lensd.socket ]'
check "the configuration is good" inside "$system" lensd --config /etc/lensd/lensd.toml --check-config
check "members of the group are served, others are not" inside "$system" bash -c '
    set -e
    useradd -m -G lensd alice; useradd -m bob
    as() { user=$1; shift; setpriv --reuid "$user" --regid "$user" --init-groups env HOME="/home/$user" "$@"; }
    setpriv --reuid lensd --regid lensd --init-groups lensd --config /etc/lensd/lensd.toml 2>/run/lensd.log & daemon=$!
    for try in $(seq 100); do grep -q ready /run/lensd.log && break; sleep 0.1; done
    as alice lensctl run "Once upon a time" --json | grep -q "\"loss\""
    as alice lensctl sessions list --json | grep -q default
    code=0; as bob lensctl status >/run/bob.log 2>&1 || code=$?
    [ $code = 77 ] || { echo "bob: exit $code"; cat /run/bob.log; exit 1; }
    kill $daemon; wait $daemon'
check "removing keeps sessions and configuration" inside "$system" sh -c '
    set -e
    apt-get -q remove -y lensd
    [ ! -e /usr/bin/lensd ] && [ -e /var/lib/lensd/lensd.sqlite ] && [ -e /etc/lensd/lensd.toml ]'
check "it comes back to what was there" inside "$system" sh -c '
    set -e
    apt-get -q install -y --no-install-recommends /root/lensd_*.deb
    [ -e /var/lib/lensd/lensd.sqlite ]'
check "purging removes everything" inside "$system" sh -c '
    set -e
    userdel -r alice; userdel -r bob; rm /run/*.log
    apt-get -q purge -y lensd
    [ ! -e /var/lib/lensd ] && [ ! -e /etc/lensd ]'
listing >"$system.after"
check "nothing is left over" diff "$system.before" "$system.after"
rm -f "$system".{before,after,log}
