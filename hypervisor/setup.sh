#!/bin/sh
# Gets a Debian machine ready to run virtual machines: installs libvirt, qemu and what belongs to them, and starts the
# daemons, by systemd or, where there is none (containers), by hand. Needs root. Run it again at any time: what is there is
# left alone. Ends with an error and a reason when machines are impossible here.
set -eu

say() { printf 'vm setup: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "virtual machines need root"
command -v apt-get >/dev/null || fail "this is no Debian; install libvirt, qemu, qemu-img and iproute2 by hand"
[ "$(dpkg --print-architecture)" = amd64 ] || fail "virtual machines are built for amd64 only"

# package:file pairs; a package is installed when its file is missing.
wanted="libvirt-daemon-system:/usr/sbin/libvirtd qemu-system-x86:/usr/bin/qemu-system-x86_64 qemu-utils:/usr/bin/qemu-img
	iproute2:/sbin/ip nftables:/usr/sbin/nft e2fsprogs:/sbin/mke2fs openssh-client:/usr/bin/ssh procps:/usr/bin/pgrep"
missing=""
for pair in $wanted; do
	[ -e "${pair#*:}" ] || missing="$missing ${pair%%:*}"
done
if [ -n "$missing" ]; then
	say "apt-get install$missing"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -o Acquire::Retries=3 update -qq || say "apt-get update failed; going on with the lists that are there"
	# shellcheck disable=SC2086 # the list is meant to be split
	apt-get -o Acquire::Retries=3 install -y -qq --no-install-recommends $missing >/dev/null || fail "apt-get install failed"
fi

# Containers lack what udev makes elsewhere. With rights other than these on /dev/kvm libvirt probes the emulator anew
# for every question, which takes seconds each time.
if [ ! -e /dev/net/tun ]; then
	mkdir -p /dev/net
	mknod -m 666 /dev/net/tun c 10 200 || fail "no tap devices: /dev/net/tun is missing"
fi
if [ -c /dev/kvm ] && getent group kvm >/dev/null; then
	chgrp kvm /dev/kvm && chmod 660 /dev/kvm || true
fi

socket=/var/run/libvirt/libvirt-sock
answers() {
	[ -S "$socket" ] || return 1
	# virsh comes with libvirt-clients, which is not needed otherwise; without it a daemon that runs is answer enough.
	if command -v virsh >/dev/null; then
		virsh -q -c qemu:///system version >/dev/null 2>&1
	else
		pgrep -x libvirtd >/dev/null
	fi
}
if ! answers; then
	if [ -d /run/systemd/system ]; then
		say "systemctl start libvirtd"
		systemctl start virtlogd.socket libvirtd || fail "libvirtd does not start; see journalctl -u libvirtd"
	else
		say "starting virtlogd and libvirtd"
		pgrep -x virtlogd >/dev/null || virtlogd -d || fail "virtlogd does not start; see /var/log/libvirt"
		pgrep -x libvirtd >/dev/null || libvirtd -d || fail "libvirtd does not start; see /var/log/libvirt"
	fi
	n=0
	until answers; do
		n=$((n + 1))
		[ $n -le 60 ] || fail "libvirtd does not answer at $socket"
		sleep 0.5
	done
fi
say "ready"
