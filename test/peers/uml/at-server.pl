# The few AT commands that a port of a module must know before it does something else. A file for `require`; perl-base alone runs it.
use strict;
use warnings;

my @known = (qr/^ATE[01]$/, qr/^AT$/, qr/^ATZ$/, qr/^ATH0?$/, qr/^AT\+CMEE=[012]$/, qr/^AT\+CGDCONT=1,"IP","[^"]*"$/);

# What a host asks to find its step again: the registers of V.250 §6.2.
my %register = (3 => '013', 4 => '010', 5 => '008');

# Answers commands until one matches, which is answered with OK unless it dials; gives that one, or undef when the port ends.
sub serve_at {
  my ($handle, $last) = @_;
  my ($unread, $echo) = ('', 1);
  while (sysread $handle, my $bytes, 1) {
    syswrite $handle, $bytes if $echo;
    $unread .= $bytes;
    # What came before the tty was raw has LF for CR.
    next unless $unread =~ s/^(.*)[\r\n]$//s;
    my ($command) = $1 =~ /(AT.*)$/i or next;
    $command = uc $command;
    return $command if $command =~ $last && $command =~ /^ATD/;
    my ($asked) = $command =~ /^ATS([345])\?$/;
    syswrite $handle, "\r\n$register{$asked}\r\n" if defined $asked;
    my $is_known = defined $asked || $command =~ $last || grep { $command =~ $_ } @known;
    $echo = $1 if $command =~ /^ATE([01])/;
    syswrite $handle, $is_known ? "\r\nOK\r\n" : "\r\nERROR\r\n";
    next unless $command =~ $last;
    ioctl $handle, 0x5409, 1;
    return $command;
  }
  return undef;
}

1;
