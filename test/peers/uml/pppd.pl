#!/usr/bin/perl
# pppd on /dev/ttyS0, one session after another, each for a folder that the host makes when it wants one: session-1, session-2 …
# It has `options` for pppd, `pap-secrets`, `chap-secrets`, and `when-up` (run once the network is up) where needed, an empty
# file `stay` where the other side ends the session, and at last `go`.
use strict;
use warnings;
use FindBin ();
require "$FindBin::Bin/gsm-line.pl";

my $tty = '/dev/ttyS0';
# Raw also between two sessions: an echo would be heard as a looped line.
open my $line, '+<', $tty or die "$tty: $!";
make_raw($line);

my $pings = $ENV{peer_pings} // 5;
system 'mount -t tmpfs tmpfs /etc/ppp';
for (my $number = 1; ; $number++) {
  my $folder = "$ENV{peer_work}/session-$number";
  select undef, undef, undef, 0.02 until -e "$folder/go";
  system "rm -f /etc/ppp/* /run/pinged6; cp $folder/* /etc/ppp/; chmod 600 /etc/ppp/*";
  my $stay = -e "$folder/stay" ? 1 : 0;
  # pppd gives its scripts an environment of its own: what they need is written into them.
  script('/etc/ppp/ip-up', <<"SCRIPT");
#!/bin/sh
exec >/dev/console 2>&1
echo "peer: ip-up local=\$4 remote=\$5 dns1=\$DNS1 dns2=\$DNS2"
ping -n -c $pings -i 0.05 -W 5 \$5 && echo "peer: pinged"
[ -x $folder/when-up ] && $folder/when-up "\$4" "\$5" "\$PPPD_PID"
echo "peer: work done"
[ $stay = 1 ] || kill \$PPPD_PID
SCRIPT
  script('/etc/ppp/ipv6-up', <<"SCRIPT");
#!/bin/sh
exec >/dev/console 2>&1
echo "peer: ipv6-up local=\$4 remote=\$5"
ping -6 -n -c $pings -i 0.05 -W 5 \$5%\$1 && echo "peer: pinged over IPv6"
>/run/pinged6
SCRIPT
  # Said by pppd once the line is its own.
  script('/etc/ppp/connected', "#!/bin/sh\necho 'peer: session $number' >/dev/console\n");
  my $status = system 'pppd', $tty, '115200', 'nodetach', 'debug', 'logfile', '/dev/console', 'lock', 'nocrtscts', 'local',
    'connect-delay', '1', 'connect', '/etc/ppp/connected', 'file', '/etc/ppp/options';
  print "peer: session $number: pppd exit " . ($status >> 8) . "\n";
}

sub script {
  my ($path, $text) = @_;
  open my $file, '>', $path or die "$path: $!";
  print $file $text;
  close $file;
  chmod 0755, $path;
}
