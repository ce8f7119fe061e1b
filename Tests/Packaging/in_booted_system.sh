# Runs as root in the booted system, from its own service; what it writes is the test's result.
set -uo pipefail
cd /root
. ./clean_system.sh
# A boot is long: what fails does not keep the rest from being looked at.
failed=0
look() { (check "$@") || failed=$((failed + 1)); }

# as USER COMMAND...: with what a login would give.
as() {
    local user=$1
    shift
    setpriv --reuid "$user" --regid "$user" --init-groups env HOME="/home/$user" "$@"
}
alice() { as alice lensctl "$@"; }
pid() { systemctl show -P MainPID lensd.service; }
active() { systemctl is-active --quiet lensd.service lensd.socket; }
setting() { mkdir -p /etc/systemd/system/lensd.service.d && printf '[Service]\n%s\n' "$1" \
    >/etc/systemd/system/lensd.service.d/test.conf && systemctl daemon-reload; }

check "the package installs" dpkg -i lensd_*.deb
look "service and socket are up" active
useradd -m -G lensd alice
useradd -m bob
useradd -m carol
echo "  $(systemd-analyze security lensd.service | tail -1 | sed 's/[^A-Za-z]*\(.*[A-Z]\).*/\1/')"
look "the socket is the group's" test "$(stat -c '%U:%G %a' /run/lensd/lensd.sock)" = 'lensd:lensd 660'
look "a member of the group is served" alice run "Once upon a time"
stranger() {
    local code=0
    as bob lensctl status || code=$?
    [ $code = 77 ]
}
look "a stranger is not allowed" stranger

sandboxed() {
    local status=/proc/$(pid)/status
    grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' "$status"
    grep -q "^Uid:.*$(id -u lensd)$" "$status" && grep -q '^CapBnd:.*0000000000000000$' "$status" &&
        grep -q '^NoNewPrivs:.*1$' "$status" && grep -q '^Seccomp:.*2$' "$status" &&
        [ "$(grep -c : "/proc/$(pid)/net/dev")" = 1 ] &&
        ! nsenter -t "$(pid)" -m touch /etc/lensd/written && ! nsenter -t "$(pid)" -m ls /home/alice
}
look "the sandbox holds: no capabilities, no network, nothing to write, no homes" sandboxed

back() {
    local before=$1
    for _ in $(seq 200); do
        [ "$(pid)" != "$before" ] && [ "$(pid)" != 0 ] && active && return 0
        sleep 0.1
    done
    return 1
}
killed() {
    local before
    before=$(pid)
    kill -9 "$before"
    alice run "The cat" && back "$before" && alice sessions show default | grep -q Once
}
look "killed, it comes back, and a client that came meanwhile has its answer" killed

watched() {
    setting WatchdogSec=4
    systemctl restart lensd.service
    local before
    before=$(pid)
    sleep 6
    [ "$(pid)" = "$before" ] || { echo "it did not say that it is alive"; return 1; }
    kill -STOP "$before"
    back "$before" && alice status && setting "" && systemctl restart lensd.service
}
look "the watchdog restarts one that hangs, and leaves one that works" watched

reloads() {
    local before
    before=$(pid)
    echo 'treads = 2' >>/etc/lensd/lensd.toml
    ! systemctl reload lensd.service || return 1
    sed -i '$d' /etc/lensd/lensd.toml
    systemctl reload lensd.service && [ "$(pid)" = "$before" ] && alice status
}
look "reload refuses a wrong configuration and takes a right one" reloads

activated() {
    systemctl stop lensd.service && alice run "Once upon a time" && active
}
look "the socket starts it" activated

upgrade() {
    local before
    before=$(pid)
    for _ in $(seq 40); do alice run "Once upon a time" || exit 1; done >/root/upgrade.log 2>&1 &
    dpkg -i lensd_*.deb || return 1
    wait $! && [ "$(pid)" != "$before" ] && active
}
look "an upgrade fails no call" upgrade

bounded() {
    setting MemoryMax=1G
    systemctl restart lensd.service
    alice status | grep 'of 512.0 MiB'
}
look "half of MemoryMax is for weights" bounded

forwarded() {
    usermod -p '*' alice  # without a password, not locked
    as carol mkdir -m 0700 /home/carol/.ssh
    as carol ssh-keygen -q -t ed25519 -N '' -f /home/carol/.ssh/id_ed25519
    install -d -m 0700 -o alice -g alice /home/alice/.ssh
    install -m 0600 -o alice -g alice /home/carol/.ssh/id_ed25519.pub /home/alice/.ssh/authorized_keys
    as carol ssh -f -N -o ExitOnForwardFailure=yes -o StrictHostKeyChecking=accept-new \
        -L /home/carol/lensd.sock:/run/lensd/lensd.sock alice@127.0.0.1 || return 1
    as carol lensctl --socket /home/carol/lensd.sock sessions show default | grep -q Once
}
look "ssh -L: carol, elsewhere, is alice here" forwarded

# What "Running lensd for a group" tells an administrator to do.
models() {
    lensctl models import /usr/share/lensd/models/tinytales-1l --name copy --state /var/lib/lensd &&
        alice --model copy run "Once upon a time" || return 1
    mkdir -p /srv/models && cp -r /usr/share/lensd/models/tinytales-1l /srv/models/unpublished
    printf '[[model]]\nname = "unpublished"\npath = "/srv/models/unpublished"\ngroups = ["lab"]\n' \
        >>/etc/lensd/lensd.toml
    groupadd lab
    useradd -m -G lensd,lab dora
    systemctl reload lensd.service && sleep 2 || return 1
    as dora lensctl --model unpublished run "Once upon a time" && ! alice --model unpublished run "Once upon a time"
}
look "an imported model is served, and another to its group alone" models

observed() {
    lensctl status --all && lensctl status --all | grep -q alice && lensctl top --once && lensctl store | grep -q alice &&
        ! alice status --all || return 1
    sed -i '1i metrics = "/run/lensd/lensd.prom"' /etc/lensd/lensd.toml
    systemctl reload lensd.service && sleep 17 && as bob grep '^lensd_calls_total' /run/lensd/lensd.prom
}
look "an administrator sees everybody; metrics are for the exporter" observed

restored() {
    lensctl store backup /var/backups/lensd.sqlite && lensctl store check && alice sessions delete default || return 1
    ! alice sessions show default || return 1
    systemctl stop lensd.socket lensd.service
    install -o lensd -m 0600 /var/backups/lensd.sqlite /var/lib/lensd/backup.sqlite
    setpriv --reuid lensd --regid lensd --clear-groups lensd --restore /var/lib/lensd/backup.sqlite \
        --config /etc/lensd/lensd.toml && systemctl start lensd && alice sessions show default | grep -q Once
}
look "a backup is restored" restored

doctor() {
    alice doctor || return 1
    ! as bob lensctl doctor >/root/doctor.log || return 1
    grep 'usermod -aG lensd bob' /root/doctor.log
}
look "the doctor knows what is wrong with a stranger" doctor

quiet() {
    journalctl -u lensd.service -o cat | grep -iE 'once upon|the cat' && return 1
    return 0
}
look "no prompt is in the journal" quiet

look "stopped, a client is told" bash -c '
    systemctl stop lensd.socket lensd.service && [ ! -e /run/lensd/lensd.sock ] || exit 1
    code=0; setpriv --reuid alice --regid alice --init-groups lensctl status || code=$?; [ $code = 69 ]'
look "it is purged" dpkg --purge lensd
systemctl list-units --all 'lensd*' --no-legend
[ $failed = 0 ] && echo "all good"
