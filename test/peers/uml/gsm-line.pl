# Puts the kernel's n_gsm on a tty: raw, an AT exchange where the other end expects one, then the line discipline.
# A file for `require`; perl-base alone runs it.
use strict;
use warnings;
use POSIX ();

$| = 1;

use constant { TIOCSETD => 0x5423, GSMIOC_GETCONF => 0x804C4700, GSMIOC_SETCONF => 0x404C4701, N_GSM0710 => 21 };

sub make_raw {
  my ($handle) = @_;
  my $termios = POSIX::Termios->new;
  $termios->getattr(fileno $handle) or die "tcgetattr: $!";
  $termios->setiflag(0);
  $termios->setoflag(0);
  $termios->setlflag(0);
  $termios->setcflag(POSIX::CS8() | POSIX::CREAD() | POSIX::CLOCAL());
  $termios->setcc(POSIX::VMIN(), 1);
  $termios->setcc(POSIX::VTIME(), 0);
  $termios->setospeed(POSIX::B38400());
  $termios->setispeed(POSIX::B38400());
  $termios->setattr(fileno $handle, POSIX::TCSANOW()) or die "tcsetattr: $!";
}

# Sends a command and reads until a final result, at most 30 s.
sub at_command {
  my ($line, $command) = @_;
  syswrite $line, "$command\r" or die "write: $!";
  my ($answer, $result, $until) = ('', undef, time + 30);
  until (($result) = $answer =~ /\r\n(OK|ERROR|\+CME ERROR[^\r]*)\r\n/) {
    my $ready = '';
    vec($ready, fileno $line, 1) = 1;
    die "no answer to $command, got: $answer" if time > $until;
    next unless select($ready, undef, undef, 1);
    my $count = sysread $line, my $bytes, 4096;
    die "read: $!" unless $count;
    $answer .= $bytes;
  }
  die "$command: $answer" if $result ne 'OK';
}

# While a DLC opens, this kernel waits for the answer to its MSC from within its receiver, so that it is deaf until T2 has
# run out N2 times: both are kept short.
# struct gsm_config: adaption encapsulation initiator t1 t2 t3 n2 mru mtu k i, then eight unused words.
sub attach_gsm {
  my ($line, %option) = @_;
  my $discipline = pack "i", N_GSM0710;
  ioctl($line, TIOCSETD, $discipline) or die "TIOCSETD: $!";
  my $config = pack('I19', (0) x 19);
  ioctl($line, GSMIOC_GETCONF, $config) or die "GSMIOC_GETCONF: $!";
  my @word = unpack 'I19', $config;
  $word[0] = 1;
  $word[1] = $option{encapsulation};
  $word[2] = $option{initiator};
  $word[3] = $option{t1} if $option{t1};
  $word[4] = $option{t2} if $option{t2};
  $word[6] = $option{n2} if $option{n2};
  $word[7] = $option{mru};
  $word[8] = $option{mtu};
  $config = pack "I19", @word;
  ioctl($line, GSMIOC_SETCONF, $config) or die "GSMIOC_SETCONF: $!";
}

# The line is a plain terminal line again.
sub leave_gsm {
  my ($line) = @_;
  my $discipline = pack 'i', 0;
  ioctl($line, TIOCSETD, $discipline) or die "TIOCSETD: $!";
}

# The mux ttys are made by the driver; a responder's cannot be opened before the initiator has opened DLCI 0. Without
# O_NONBLOCK the open waits for carrier, which a module gives only at CONNECT.
sub open_gsmtty {
  my ($number, $seconds) = @_;
  my $path = "/dev/gsmtty$number";
  my $until = time + $seconds;
  while (1) {
    if (sysopen $_[2], $path, POSIX::O_RDWR() | POSIX::O_NOCTTY() | POSIX::O_NONBLOCK()) {
      make_raw($_[2]);
      fcntl $_[2], POSIX::F_SETFL(), POSIX::O_RDWR();
      return;
    }
    die "$path: $!" if time > $until;
    select undef, undef, undef, 0.1;
  }
}

1;
