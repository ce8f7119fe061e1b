#!/usr/bin/env bash
# The service under a systemd that was really booted: a Debian in QEMU, where in_booted_system.sh says what it sees.
set -euo pipefail
cd "$(dirname "$0")"
. ./clean_system.sh
../../.ci/packages.sh qemu-system-x86 e2fsprogs
system=$(clean_system booted systemd-sysv libnss-systemd udev linux-image-cloud-amd64 openssh-server openssh-client \
    procps libopenblas0 libprotobuf-c1 libsqlite3-0)
disk=$system.ext4 results=$system.results
trap 'rm -rf "$system" "$disk" "$results" "$system.console"' EXIT
rm "$system/usr/sbin/policy-rc.d"
cp "$packages"/lensd_*.deb in_booted_system.sh clean_system.sh "$system/root/"
cat >"$system/etc/systemd/system/check.service" <<'END'
[Unit]
After=multi-user.target ssh.service
SuccessAction=poweroff-force
FailureAction=poweroff-force

[Service]
Type=oneshot
Environment=HOME=/root
ExecStart=/bin/bash /root/in_booted_system.sh
StandardOutput=file:/dev/ttyS1
StandardError=file:/dev/ttyS1
END
ln -s ../check.service "$system/etc/systemd/system/multi-user.target.wants/check.service"
truncate -s 3G "$disk"
mkfs.ext4 -q -d "$system" "$disk"
# Emulated, so that it runs where nested virtualisation does not.
timeout 1500 qemu-system-x86_64 -accel "${LENS_QEMU_ACCEL:-tcg}" -cpu max -smp 2 -m 3G -nodefaults -no-reboot -display none \
    -serial "file:$system.console" -serial "file:$results" -drive "file=$disk,format=raw,if=virtio" \
    -kernel "$system"/boot/vmlinuz-* -initrd "$system"/boot/initrd.img-* \
    -append "root=/dev/vda rw console=ttyS0 quiet" || true
tr -d '\r' <"$results"
grep -q '^all good' "$results" || { tail -20 "$system.console" >&2; exit 1; }
