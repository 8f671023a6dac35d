#!/bin/sh
# First process of the user-mode kernel. The words of the kernel's command line that it does not know itself say what to
# do: peer_run=<script> peer_work=<folder on the host>, and whatever that script reads. The root is the host's own file system.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mkdir -p /run/lock
mountpoint -q /dev || mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
ip link set lo up 2>/dev/null

modules=/usr/lib/uml/modules/$(uname -r)/kernel
for module in drivers/tty/n_gsm lib/crc-ccitt drivers/net/slip/slhc drivers/net/ppp/ppp_generic drivers/net/ppp/ppp_async \
  net/ipv6/ipv6; do
  insmod "$modules/$module.ko" || echo "peer: cannot load $module"
done

for word in $(cat /proc/cmdline); do
  case $word in peer_*=*) export "$word" ;; esac
done
# The guest's own limit, for when nobody is left to end it.
(sleep "${peer_limit:-600}"; halt -f) &
cd "$peer_work" || halt -f
echo "peer: up"
"$peer_run"
echo "peer: done $?"
halt -f
