#!/usr/bin/perl
# A host of the module on /dev/ttyS0, with the programs that Linux has for it. With $peer_gsm the line is multiplexed by
# n_gsm: pppd and chat on the first virtual port, IP Easy sockets on the second, FTP on the third, all at once. Without it
# pppd has the line alone. What was fetched is written into the folder, for who started this to compare.
use strict;
use warnings;
use FindBin ();
use Socket ();
require "$FindBin::Bin/gsm-line.pl";
require "$FindBin::Bin/at-port.pl";

my $chat = <<'CHAT';
ABORT ERROR ABORT 'NO CARRIER' ABORT BUSY
TIMEOUT 20
'' ATZ
OK 'AT+CGDCONT=1,"IP","internet"'
OK 'ATD*99***1#'
CONNECT '\c'
CHAT

sub slurp {
  my ($path) = @_;
  open my $file, '<', $path or die "$path: $!";
  local $/ = undef;
  return scalar <$file>;
}

sub spill {
  my ($path, $bytes) = @_;
  open my $file, '>', $path or die "$path: $!";
  print $file $bytes;
  close $file or die "$path: $!";
}

sub wait_for_file {
  my ($path, $seconds) = @_;
  for (my $until = time + $seconds; !-e $path;) {
    die "$path did not come" if time > $until;
    select undef, undef, undef, 0.05;
  }
}

# Datagrams to the echo port (RFC 862) of an address, each of which must come back as it went.
sub echo_datagrams {
  my ($address, $count) = @_;
  socket my $udp, Socket::PF_INET(), Socket::SOCK_DGRAM(), 0 or die "socket: $!";
  connect $udp, Socket::pack_sockaddr_in(7, Socket::inet_aton($address)) or die "connect: $!";
  for my $number (1 .. $count) {
    my $sent = join '', map { chr int rand 256 } 1 .. 40 * $number;
    send $udp, $sent, 0 or die "send: $!";
    my $ready = '';
    vec($ready, fileno $udp, 1) = 1;
    select $ready, undef, undef, 5 or die "datagram $number did not come back";
    recv $udp, my $got, 4096, 0;
    die "datagram $number came back altered" if $got ne $sent;
  }
  print "peer: $count datagrams came back\n";
}

# pppd on a port, with chat to dial. Gives its exit status. `$work` is what a shell runs once the network is up, with the
# addresses in $4 and $5; then pppd is ended.
sub pppd {
  my ($tty, $password, $work) = @_;
  spill('/etc/ppp/chat', $chat);
  spill("/etc/ppp/$_", "web * \"$password\" *\n") for 'pap-secrets', 'chap-secrets';
  chmod 0600, map { "/etc/ppp/$_" } 'pap-secrets', 'chap-secrets';
  spill('/etc/ppp/ip-up', <<"SCRIPT");
#!/bin/sh
exec >/dev/console 2>&1
echo "peer: ip-up local=\$4 remote=\$5 dns=\$DNS1"
$work
kill \$PPPD_PID
SCRIPT
  chmod 0755, '/etc/ppp/ip-up';
  return system('pppd', $tty, '115200', qw(nodetach debug logfile /dev/console lock modem nocrtscts noauth defaultroute),
    qw(noipdefault ipcp-accept-local ipcp-accept-remote usepeerdns novj noccp user web),
    'connect', '/usr/sbin/chat -v -f /etc/ppp/chat') >> 8;
}

# Whether the port takes commands again after a call; the NO CARRIER of that may still lie in the tty.
sub answers_at {
  my ($tty, $port) = @_;
  write_all($port, "AT\r");
  read_until($port, qr/\r\nOK\r\n/, 10, 'AT behind a call');
  print "peer: $tty takes commands\n";
}

my $network = '192.0.2.77';
my $pings = "ping -n -q -c 5 -i 0.2 -W 5 -s 600 -p a55a0dff \$5 && ping -n -q -c 3 -i 0.2 -W 5 $network && echo 'peer: pinged'
$0 datagrams $network";

sub bare {
  my $tty = '/dev/ttyS0';
  my $refused = pppd($tty, 'wrong', 'true');
  print "peer: wrong password: pppd exit $refused\n";
  my $status = pppd($tty, $ENV{peer_password}, $pings);
  print "peer: pppd exit $status\n";
  open my $line, '+<', $tty or die "$tty: $!";
  make_raw($line);
  answers_at($tty, at_port($line));
}

# Calls, pings until the other ports are done, and pings once more.
sub first_port {
  my ($port) = @_;
  run_command($port, 'AT&C1');
  run_command($port, 'AT&D2');
  run_command($port, 'AT&W');
  my $status = pppd('/dev/gsmtty1', $ENV{peer_password}, <<"WORK");
$pings
touch /run/online
rounds=0
while [ ! -e /run/sockets ] || [ ! -e /run/ftp ]; do
  ping -n -q -c 2 -i 0.2 -W 5 $network >/dev/null || echo "peer: a ping was lost"
  rounds=\$((rounds + 1))
done
echo "peer: pinged meanwhile, \$rounds rounds"
$pings
WORK
  print "peer: pppd exit $status\n";
  # The kernel has hung up with DCD, and closed the DLC.
  close $port->{handle};
  open_gsmtty(1, 30, my $tty);
  answers_at('/dev/gsmtty1', at_port($tty));
}

sub http_body {
  my ($text) = @_;
  $text =~ s/\AHTTP\/1\.[01] 200 .*?\r\n\r\n//s or die "no page: " . substr $text, 0, 200;
  return $text;
}

# A page online, to NO CARRIER; another in command mode, by SRING and #SRECV.
sub second_port {
  my ($port) = @_;
  run_command($port, $_) for 'AT+CMEE=1', 'AT+CGDCONT=2,"IP","internet"', 'AT#SCFG=1,2,300,90,600,2',
    'AT#SCFG=4,2,300,90,600,2', 'AT#SCFG=5,2,300,90,600,2';
  wait_for_file('/run/online', 60);
  my ($address) = run_command($port, 'AT#SGACT=2,1', 150) =~ /#SGACT: ([\d.]+)/ or die 'no address';
  spill('/run/context', $address);

  go_online($port, 'AT#SD=4,0,80,"web.example"', 60);
  write_all($port, "GET /online.bin HTTP/1.0\r\nHost: web.example\r\n\r\n");
  spill('online.bin', http_body(read_until_no_carrier($port, 60)));
  print "peer: page online\n";

  run_command($port, 'AT#SD=5,0,80,"web.example",0,0,1', 60);
  send_at_prompt($port, 'AT#SSEND=5', "GET /command.bin HTTP/1.0\r\nHost: web.example\r\n\r\n", 30);
  my $page = '';
  for (my $until = time + 60;;) {
    die 'the page did not come' if time > $until;
    my $part = read_counted($port, 'AT#SRECV=5,1000', qr/#SRECV: 5,(\d+)\r\n/);
    if (defined $part) { $page .= $part; next }
    # Nothing to read: the end, or not yet.
    last if run_command($port, 'AT#SS=5') =~ /#SS: 5,0/;
    select undef, undef, undef, 0.1;
  }
  spill('command.bin', http_body($page));
  print "peer: page in command mode\n";
  spill('/run/sockets', '');
  wait_for_file('/run/ftp', 120);
  run_command($port, 'AT#SGACT=2,0', 30);
}

# A file up, its size, and another down.
sub third_port {
  my ($port) = @_;
  run_command($port, 'AT+CMEE=1');
  wait_for_file('/run/context', 120);
  run_command($port, $_, 60)
    for 'AT#FTPOPEN="ftp.example","anonymous","peer@example",1', 'AT#FTPTYPE=0', 'AT#FTPCWD="incoming"';
  my $up = slurp('up.bin');
  go_online($port, 'AT#FTPPUT="up.bin"', 60);
  write_all($port, $up);
  escape($port);
  read_until_no_carrier($port, 60);
  my ($size) = run_command($port, 'AT#FTPFSIZE="up.bin"', 60) =~ /#FTPFSIZE: (\d+)/ or die 'no size';
  die 'the server has ' . $size . ' of ' . length $up if $size != length $up;
  print "peer: file up\n";
  go_online($port, 'AT#FTPGET="down.bin"', 60);
  spill('down.bin', read_until_no_carrier($port, 60));
  print "peer: file down\n";
  run_command($port, 'AT#FTPCLOSE', 60);
  spill('/run/ftp', '');
}

sub multiplexed {
  open my $line, '+<', '/dev/ttyS0' or die "ttyS0: $!";
  make_raw($line);
  my $port = at_port($line);
  run_command($port, 'AT');
  run_command($port, 'AT+CMUX=0');
  # The module needs a moment between its OK and the first SABM (Telit modules: 400 ms).
  select undef, undef, undef, 0.5;
  attach_gsm($line, initiator => 1, encapsulation => 0, mru => 512, mtu => 127, t1 => 20, t2 => 20, n2 => 3);
  # One after the other: this kernel is deaf for a while each time, and would give the next one up.
  my @ports = map {
    open_gsmtty($_, 30, my $tty);
    my $opened = at_port($tty);
    run_command($opened, 'ATE0');
    $opened;
  } 1 .. 3;
  my @work = (\&first_port, \&second_port, \&third_port);
  my %running;
  for my $number (1 .. 3) {
    my $pid = fork // die "fork: $!";
    if (!$pid) {
      # As long as any process holds a tty that was hung up, all that open it again get that one.
      close $ports[$_ - 1]{handle} for grep { $_ != $number } 1 .. 3;
      eval { $work[$number - 1]->($ports[$number - 1]); 1 } or print "peer: port $number failed: $@\n" and POSIX::_exit(1);
      POSIX::_exit(0);
    }
    $running{$pid} = "port $number";
  }
  close $_->{handle} for @ports;
  my $failed = 0;
  while (%running) {
    my $pid = wait;
    my $name = delete $running{$pid} // next;
    $failed = 1 if $?;
    print "peer: $name ended, status $?\n";
  }
  print "peer: all ports done\n" unless $failed;
}

if (@ARGV) {
  echo_datagrams($ARGV[1], 20);
  exit 0;
}
system 'mount -t tmpfs tmpfs /etc/ppp';
$ENV{peer_password} = slurp('password');
$ENV{peer_gsm} ? multiplexed() : bare();
