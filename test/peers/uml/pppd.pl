#!/usr/bin/perl
# pppd on /dev/ttyS0, or on a virtual port of n_gsm where $peer_gsm says so. The folder has `options` for pppd, and
# `pap-secrets`, `chap-secrets` and `chat` (a connect script) where needed. Once the network is up the peer is pinged, and
# what `when-up` says is run; then pppd is ended, unless the other side ends it first ($peer_stay).
use strict;
use warnings;
use FindBin ();
require "$FindBin::Bin/gsm-line.pl";

my $tty = '/dev/ttyS0';
my $line;
if ($ENV{peer_gsm}) {
  open $line, '+<', $tty or die "$tty: $!";
  make_raw($line);
  at_command($line, 'AT+CMUX=0') if $ENV{peer_at};
  # A module may need a moment between its OK and the first SABM.
  select undef, undef, undef, 0.5;
  attach_gsm($line, initiator => $ENV{peer_initiator}, encapsulation => 0, mru => 512, mtu => 127, t1 => 20, t2 => 20, n2 => 3);
  $tty = "/dev/gsmtty1";
  open_gsmtty(1, 30, my $port);
  # pppd opens the tty again; the first handle goes only when it ends, so that the DLC stays open in between.
  $ENV{peer_hold} = fileno $port;
  $^F = 255;
  our $hold = $port;
}

system 'mount -t tmpfs tmpfs /etc/ppp';
system 'cp options pap-secrets chap-secrets chat /etc/ppp/ 2>/dev/null; chmod 600 /etc/ppp/*';
# pppd gives its scripts an environment of its own: what they need is written into them.
my $pings = $ENV{peer_pings} // 5;
my $stay = $ENV{peer_stay} // 0;
open my $up, '>', '/etc/ppp/ip-up' or die $!;
print $up <<"SCRIPT";
#!/bin/sh
exec >/dev/console 2>&1
echo "peer: ip-up local=\$4 remote=\$5 dns1=\$DNS1 dns2=\$DNS2"
ping -n -c $pings -i 0.2 -W 5 \$5 && echo "peer: pinged"
[ -x $ENV{peer_work}/when-up ] && $ENV{peer_work}/when-up "\$4" "\$5"
echo "peer: work done"
[ $stay = 1 ] || kill \$PPPD_PID
SCRIPT
close $up;
chmod 0755, '/etc/ppp/ip-up';
my @connect = -e 'chat' ? ('connect', '/usr/sbin/chat -v -f /etc/ppp/chat') : ();
my $status = system 'pppd', $tty, '115200', 'nodetach', 'debug', 'logfile', '/dev/console', 'lock', 'nocrtscts', 'local', @connect, 'file', '/etc/ppp/options';
print "peer: pppd exit " . ($status >> 8) . "\n";
exit($status >> 8);
