/**
 * What to do, for errors that come without a hint of their own. First match decides; a code is matched by what it begins
 * with.
 */
const HINTS: readonly (readonly [prefix: string, hint: string])[] = [
  ['ENOENT', 'Check the path.'],
  ['EACCES', 'Check the permissions; serial devices usually belong to the group dialout.'],
  ['EADDRINUSE', 'Another program listens there: choose another port, or end that program.'],
  ['EADDRNOTAVAIL', 'That address is not one of this machine: use 127.0.0.1 or an address that `ip addr` shows.'],
  ['ECONNREFUSED', 'Nothing listens there: start it first, or check host and port.'],
  ['ERR_OPTION_', 'See --help for what is allowed.'],
  ['ERR_CMUX_REFUSED_BY_MODULE', 'Check with `cellmux at --line … AT+CMUX=?` that the module can multiplex.'],
  ['ERR_CMUX_NO_ANSWER', 'Check that the module is on, the baud rate fits, and no other program uses the line.'],
  ['ERR_CMUX_DLC_REFUSED', 'The module gives fewer ports than are asked for, or one of them is taken.'],
  ['ERR_CMUX_', 'Check the cable and that the module is on.'],
  ['ERR_AT_TIMEOUT', 'Check that the module is on, the baud rate fits, and no other program uses the line.'],
  ['ERR_AT_LINE_LOST', 'Check the cable and that the module is on.'],
  ['ERR_AT_ERROR', 'Check the command and its values; AT+CMEE=2 makes the module say more.'],
  ['ERR_AT_', 'Check the command and whether the module is in a state to run it.'],
  ['ERR_PPP_AUTH_FAILED', 'Check --user and the password.'],
  ['ERR_PPP_NO_ANSWER', 'Check the APN, the signal (AT+CSQ) and the registration (AT+CGREG?).'],
  ['ERR_PPP_', 'Check the APN, user and password, and the registration (AT+CGREG?).'],
  ['ERR_IPEASY_CANNOT_RESOLVE', 'Check the spelling of the name and that the context has a DNS server.'],
  ['ERR_IPEASY_CONNECT_TIMEOUT', 'Check address and port, and whether a firewall drops the connection.'],
  ['ERR_IPEASY_REFUSED', 'Check address and port, and that the server runs.'],
  ['ERR_IPEASY_', 'Check the APN and the registration (AT+CGREG?).'],
  ['ERR_PORT_', 'Check the line: its name, the cable, and that no other program uses it.'],
];

/** The hint for a code; undefined where there is none. */
export function hintFor(code: string): string | undefined {
  return HINTS.find(([prefix]) => code.startsWith(prefix))?.[1];
}
