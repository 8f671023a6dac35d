#!/usr/bin/perl
# Three virtual ports at once: writes to-host-<dlci>.bin to each and stores what comes from each in from-host-<dlci>.bin, both
# ways at the same time, in as many rounds as asked, each on a port opened anew.
use strict;
use warnings;
use FindBin ();
require "$FindBin::Bin/gsm-line.pl";

my %want = map { $_ => $ENV{"peer_$_"} } qw(initiator encapsulation mtu bytes rounds at);
open my $line, '+<', '/dev/ttyS0' or die "/dev/ttyS0: $!";
make_raw($line);
at_command($line, 'AT+CMUX=' . ($want{encapsulation} ? 1 : 0)) if $want{at};
attach_gsm($line, initiator => $want{initiator}, encapsulation => $want{encapsulation}, mru => $want{mtu}, mtu => $want{mtu}, t1 => 20, t2 => 20, n2 => 3);
print "peer: n_gsm attached\n";

my @children;
for my $dlci (1 .. 3) {
  my $pid = fork // die "fork: $!";
  if ($pid) { push @children, $pid; next }
  for my $round (1 .. $want{rounds}) {
    open_gsmtty($dlci, 30, my $tty);
    print "peer: dlci $dlci open, round $round\n";
    my $writer = fork // die "fork: $!";
    if (!$writer) {
      open my $file, '<', "to-host-$dlci.bin" or die $!;
      while (my $count = sysread $file, my $bytes, 4096) {
        for (my $done = 0; $done < $count;) {
          my $wrote = syswrite $tty, $bytes, $count - $done, $done;
          die "dlci $dlci write: $!" unless defined $wrote;
          $done += $wrote;
        }
      }
      POSIX::_exit(0);
    }
    open my $file, '>', "from-host-$dlci-$round.bin" or die $!;
    my $left = $want{bytes};
    while ($left > 0) {
      my $count = sysread $tty, my $bytes, 4096;
      die "dlci $dlci read, $left bytes missing: " . (defined $count ? 'end' : $!) unless $count;
      syswrite $file, $bytes;
      $left -= $count;
    }
    close $file;
    waitpid $writer, 0;
    die "dlci $dlci: writer failed" if $?;
    print "peer: dlci $dlci round $round complete\n";
    if ($want{initiator}) {
      # tcdrain, then the close that sends DISC; the host gets everything first.
      ioctl $tty, 0x5409, 1;
      select undef, undef, undef, 1;
    } else {
      # The host closes: the end of the tty.
      while (sysread $tty, my $bytes, 4096) { }
    }
    close $tty;
    select undef, undef, undef, 0.5;
  }
  POSIX::_exit(0);
}
my $failed = 0;
for (@children) { waitpid $_, 0; $failed = 1 if $? }
exit $failed;
