#!/usr/bin/perl
# The kernel's n_gsm on /dev/ttyS0, and its three virtual ports used for as many rounds as $peer_bytes has numbers. The host makes
# files in the working directory that are waited for below. What the ports send is in to-host-<dlci>.bin.
use strict;
use warnings;
use FindBin ();
require "$FindBin::Bin/gsm-line.pl";

sub wait_for { my ($file) = @_; select undef, undef, undef, 0.02 until -e $file; }
sub say_line { syswrite STDOUT, "peer: @_\n" }
sub say_failed { say_line(@_); POSIX::_exit(1) }

my %want = map { $_ => $ENV{"peer_$_"} } qw(initiator encapsulation mtu bytes damage ppp);
open my $line, '+<', '/dev/ttyS0' or die "/dev/ttyS0: $!";
make_raw($line);
# T2 x N2 is how long this kernel is deaf while a DLC opens. After ten times T1 it looks for what its queues have forgotten.
attach_gsm($line, initiator => $want{initiator}, encapsulation => $want{encapsulation}, mru => $want{mtu}, mtu => $want{mtu}, t1 => 10, t2 => 3, n2 => 10);
say_line('attached');
for my $dlci (1 .. 3) {
  my $pid = fork // die "fork: $!";
  next if $pid;
  if ($dlci == 1 && $want{ppp}) { call() } else { use_port($dlci) }
  POSIX::_exit(0);
}
# To the end of the guest, which is the host's: this kernel dies now and then when n_gsm is taken off its line, or set anew.
sleep 1 while 1;

sub use_port {
  my ($dlci) = @_;
  my $round = 0;
  for my $bytes (split /,/, $want{bytes}) {
    $round++;
    my $name = "round $round dlci $dlci";
    my $go = "round-$round";
    # One after the other: while one opens, this kernel does not hear what answers the SABM of the next.
    wait_for("$go-open-$dlci");
    open_gsmtty($dlci, 60, my $tty);
    say_line("$name open");
    # The host says when all are open: what it sends before this tty is open and raw would be lines of a terminal.
    wait_for($go);
    if ($want{damage}) {
      chat_until($tty, $dlci, "$go-calm");
      say_line("$name calm");
      wait_for("$go-again");
    }
    my $writer = fork // die "fork: $!";
    if (!$writer) {
      open my $file, '<', "to-host-$dlci.bin" or die $!;
      my $left = $bytes;
      while ($left > 0) {
        my $count = sysread $file, my $part, $left < 4096 ? $left : 4096;
        say_failed("$name: to-host-$dlci.bin is too short") unless $count;
        write_all($tty, $part) or say_failed("$name: write: $!");
        $left -= $count;
      }
      POSIX::_exit(0);
    }
    read_to_file($tty, $bytes, "from-host-$dlci.bin", $want{damage}) or say_failed("$name: read: $!");
    waitpid $writer, 0;
    say_failed("$name: the writer failed") if $?;
    say_line("$name complete");
    if ($want{initiator}) {
      wait_for("$go-done");
      # tcdrain, then the close that sends DISC.
      ioctl $tty, 0x5409, 1;
    } else {
      # The host closes: the end of the tty.
      while (sysread $tty, my $part, 4096) { }
    }
    close $tty;
    say_line("$name closed");
  }
}

sub write_all {
  my ($tty, $bytes) = @_;
  for (my $done = 0; $done < length $bytes;) {
    my $wrote = syswrite $tty, $bytes, length($bytes) - $done, $done;
    return 0 unless defined $wrote;
    $done += $wrote;
  }
  return 1;
}

# Stores what comes; on a line that was damaged, from behind the mark that stands in front of it.
sub read_to_file {
  my ($tty, $left, $path, $after_mark) = @_;
  open my $file, '>', $path or return 0;
  my $before = '';
  while ($left > 0) {
    # Some frames at a time: each call is dear in this kernel.
    select undef, undef, undef, 0.02;
    my $count = sysread $tty, my $part, 4096;
    return 0 unless $count;
    if ($after_mark) {
      $before .= $part;
      my $at = index $before, 'BEGIN-OF-DATA-OF-THE-HOST:';
      next if $at < 0;
      $part = substr $before, $at + 26;
      $after_mark = 0;
    }
    syswrite $file, $part;
    $left -= length $part;
  }
  return $left == 0;
}

# Sends and takes whatever there is, until the host says so and nothing more comes.
sub chat_until {
  my ($tty, $dlci, $end) = @_;
  my $writer = fork // die "fork: $!";
  if (!$writer) {
    open my $file, '<', "to-host-$dlci.bin" or die $!;
    until (-e $end) {
      sysread $file, my $part, 1500;
      write_all($tty, $part) or last;
      select undef, undef, undef, 0.03;
    }
    POSIX::_exit(0);
  }
  while (1) {
    my $ready = '';
    vec($ready, fileno $tty, 1) = 1;
    if (select $ready, undef, undef, 0.7) { sysread $tty, my $part, 4096 or last }
    elsif (-e $end) { last }
  }
  waitpid $writer, 0;
}

# pppd on the first virtual port, and at the far end of what the host makes of it, /dev/ttyS1, another in a network of its own.
sub call {
  my ($name, $go) = ('round 1 dlci 1', 'round-1');
  wait_for("$go-open-1");
  open_gsmtty(1, 60, my $tty);
  say_line("$name open");
  wait_for($go);
  system 'mount -t tmpfs tmpfs /etc/ppp';
  open my $up, '>', '/etc/ppp/ip-up' or die $!;
  print $up <<"SCRIPT";
#!/bin/sh
exec >/dev/console 2>&1
case \$4 in 10.9.0.2) ;; *) exit ;; esac
ping -n -q -c 20 -i 0.05 -s 1000 -W 5 \$5
SCRIPT
  close $up;
  chmod 0755, '/etc/ppp/ip-up';
  my @common = qw(115200 nodetach noauth lock local nocrtscts novj noccp nodefaultroute logfile /dev/console);
  my $network = fork // die "fork: $!";
  if (!$network) { exec qw(unshare -n pppd /dev/ttyS1), @common, 'passive', '10.9.0.1:10.9.0.2' or POSIX::_exit(127) }
  my $terminal = fork // die "fork: $!";
  if (!$terminal) { exec qw(pppd /dev/gsmtty1), @common, 'noipdefault', 'ipcp-accept-local', 'ipcp-accept-remote' or POSIX::_exit(127) }
  wait_for("$go-done");
  kill 'TERM', $terminal;
  waitpid $terminal, 0;
  say_line("$name pppd exit " . ($? >> 8));
  kill 'TERM', $network;
  waitpid $network, 0;
  close $tty;
  say_line("$name closed");
}
