# What a script needs to talk AT on a tty: commands with their answers, prompts, data mode, counted answers.
# A file for `require`; perl-base alone runs it.
use strict;
use warnings;

my $final = qr/\r\n(OK|ERROR|NO CARRIER|\+CM[ES] ERROR: [^\r\n]*)\r\n/;

sub at_port {
  my ($handle) = @_;
  return { handle => $handle, unread => '' };
}

# Reads on until the unread octets match; gives what stood there up to the end of the match, and takes it off.
sub read_until {
  my ($port, $pattern, $seconds, $what) = @_;
  for (my $until = time + $seconds;;) {
    return substr $port->{unread}, 0, $+[0], '' if $port->{unread} =~ $pattern;
    die "$what: no answer, got " . printable($port->{unread}) if time > $until;
    read_more($port, 1);
  }
}

sub read_more {
  my ($port, $seconds) = @_;
  my $ready = '';
  vec($ready, fileno $port->{handle}, 1) = 1;
  return 0 unless select $ready, undef, undef, $seconds;
  my $count = sysread $port->{handle}, my $bytes, 4096;
  die 'the port ended: ' . ($! || 'end of file') unless $count;
  $port->{unread} .= $bytes;
  return $count;
}

sub write_all {
  my ($port, $bytes) = @_;
  for (my $done = 0; $done < length $bytes;) {
    $done += syswrite($port->{handle}, $bytes, 512, $done) // die "write: $!";
  }
}

# A command line and its whole answer; anything but OK is the end of the script.
sub run_command {
  my ($port, $line, $seconds) = @_;
  write_all($port, "$line\r");
  my $answer = read_until($port, $final, $seconds // 10, $line);
  die "$line: " . printable($answer) if $answer !~ /\r\nOK\r\n\z/;
  # Telit asks for 20 ms between a result and the next command.
  select undef, undef, undef, 0.02;
  return $answer;
}

sub go_online {
  my ($port, $line, $seconds) = @_;
  write_all($port, "$line\r");
  my $answer = read_until($port, qr/\r\n(CONNECT[^\r]*|OK|ERROR|NO CARRIER|\+CME ERROR[^\r]*)\r\n/, $seconds, $line);
  die "$line: " . printable($answer) if $answer !~ /CONNECT/;
}

# All data up to the NO CARRIER behind which nothing follows for a second.
sub read_until_no_carrier {
  my ($port, $seconds) = @_;
  for (my $until = time + $seconds;;) {
    die 'no NO CARRIER, ' . length($port->{unread}) . ' octets' if time > $until;
    my $more = read_more($port, 1);
    last if !$more && $port->{unread} =~ /\r\nNO CARRIER\r\n\z/;
  }
  my $data = $port->{unread};
  $port->{unread} = '';
  return substr $data, 0, -14;
}

# Silence, three times plus, silence.
sub escape {
  my ($port) = @_;
  # tcdrain: the silence begins when all has left.
  ioctl $port->{handle}, 0x5409, 1;
  select undef, undef, undef, 1.5;
  write_all($port, '+++');
  select undef, undef, undef, 1.2;
}

sub send_at_prompt {
  my ($port, $line, $text, $seconds) = @_;
  write_all($port, "$line\r");
  read_until($port, qr/\r\n> /, $seconds, $line);
  write_all($port, "$text\x1a");
  my $answer = read_until($port, $final, $seconds, $line);
  die "$line: " . printable($answer) if $answer !~ /\r\nOK\r\n\z/;
}

# The raw octets that an information line announces in its first group; undefined where the module has none.
sub read_counted {
  my ($port, $line, $header) = @_;
  write_all($port, "$line\r");
  my $head = read_until($port, qr/$header|\r\n\+CME ERROR: [^\r]*\r\n/, 10, $line);
  return undef if $head =~ /CME ERROR/;
  my ($count) = $head =~ $header;
  read_more($port, 1) while length $port->{unread} < $count;
  my $data = substr $port->{unread}, 0, $count, '';
  read_until($port, qr/\r\nOK\r\n/, 10, $line);
  return $data;
}

sub printable {
  my ($bytes) = @_;
  $bytes =~ s/([^\x20-\x7e])/sprintf '\\x%02x', ord $1/ge;
  return $bytes;
}

1;
