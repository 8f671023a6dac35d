#!/usr/bin/perl
# A module on /dev/ttyS0: AT, then the kernel's n_gsm as its multiplexer, and AT again. Its first virtual port has a few commands of
# its own, and pppd with a web server behind it for a call; what is on the other two comes from outside, on ttyS1 and ttyS2.
use strict;
use warnings;
use FindBin ();
require "$FindBin::Bin/gsm-line.pl";
require "$FindBin::Bin/at-server.pl";

# tcdrain; circuits set and cleared. With OUT2 this kernel, which has no other name for it, drives DCD as a module does.
use constant { TCSBRK => 0x5409, TIOCMBIS => 0x5416, TIOCMBIC => 0x5417, TIOCM_OUT2 => 0x4000 };

sub say_line { syswrite STDOUT, "peer: @_\n" }

open my $line, '+<', '/dev/ttyS0' or die "/dev/ttyS0: $!";
make_raw($line);
my @outside = (undef, undef, map { open my $tty, '+<', "/dev/ttyS$_" or die "/dev/ttyS$_: $!"; make_raw($tty); $tty } 1, 2);
system 'mount -t tmpfs tmpfs /etc/ppp';
for my $secrets ('pap-secrets', 'chap-secrets') {
  open my $file, '>', "/etc/ppp/$secrets" or die $!;
  print $file qq(web network "$ENV{peer_password}" *\n);
  close $file;
  chmod 0600, "/etc/ppp/$secrets";
}
my $web = fork // die "fork: $!";
if (!$web) { exec '/usr/sbin/nginx', '-c', "$ENV{peer_nginx}/nginx.conf", '-p', $ENV{peer_nginx}, '-e', 'stderr' or POSIX::_exit(127) }

for (my $session = 1; ; $session++) {
  say_line("session $session: in command mode");
  serve_at($line, qr/^AT\+CMUX=0/) or die 'the line ended';
  attach_gsm($line, initiator => 0, encapsulation => 0, mru => 127, mtu => 127, t1 => 10, t2 => 1, n2 => 1);
  say_line("session $session: multiplexed");
  my @children = map { port_process($_) } 1 .. 3;
  waitpid $_, 0 for @children;
  say_line("session $session: ended");
  leave_gsm($line);
  make_raw($line);
}

# One virtual port, until the host closes it. It is not opened again before the next multiplexer: a tty that is opened while the host
# closes down is never hung up.
sub port_process {
  my ($dlci) = @_;
  my $pid = fork // die "fork: $!";
  return $pid if $pid;
  my $is_done = eval {
    open_gsmtty($dlci, 60, my $tty);
    say_line("port $dlci open");
    $dlci == 1 ? calls($tty) : join_lines($tty, $outside[$dlci]);
    1;
  };
  say_line("port $dlci " . ($is_done ? 'closed' : "failed: $@"));
  POSIX::_exit(0);
}

# AT, and a call of pppd for each ATD, until the port closes.
sub calls {
  my ($tty) = @_;
  while (defined(my $command = serve_at($tty, qr/^ATD/))) {
    my $dcd = pack 'i', TIOCM_OUT2;
    # It leaves at once; that a busy host takes longer than T2 to answer is no trouble.
    ioctl $tty, TIOCMBIS, $dcd;
    syswrite $tty, "\r\nCONNECT 115200\r\n";
    ioctl $tty, TCSBRK, 1;
    my $status = system qw(pppd /dev/gsmtty1 115200 nodetach lock local nocrtscts novj noccp nodefaultroute auth),
      'require-chap', qw(name network logfile /dev/console ms-dns 10.64.64.64 10.64.64.64:10.64.0.1);
    say_line('pppd exit ' . ($status >> 8));
    make_raw($tty);
    syswrite $tty, "\r\nNO CARRIER\r\n";
    ioctl $tty, TIOCMBIC, $dcd;
  }
}

# What one has is the other's, both ways, until the first one ends.
sub join_lines {
  my ($tty, $other) = @_;
  my $inward = fork // die "fork: $!";
  if (!$inward) {
    copy($other, $tty);
    POSIX::_exit(0);
  }
  copy($tty, $other);
  kill 'KILL', $inward;
  waitpid $inward, 0;
}

sub copy {
  my ($from, $to) = @_;
  while (sysread $from, my $part, 4096) {
    for (my $done = 0; $done < length $part;) {
      $done += syswrite($to, $part, length($part) - $done, $done) // return;
    }
  }
}
