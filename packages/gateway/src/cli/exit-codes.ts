/** What the program's exit status says. Documented in `cellmux --help`; numbers never change their meaning. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  line: 3,
  module: 4,
  network: 5,
  remote: 6,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The lines of `--help` about them. */
export const EXIT_CODE_HELP = `Exit status:
  0    done; all that was to be verified was
  1    failed, for a reason that is none of the following
  2    wrong usage: an option, its value or an argument
  3    the line: no such device, no answer, lost
  4    the module refused: ERROR, +CME ERROR, a DLC refused
  5    the network refused: PPP, its authentication, a context
  6    the far host: its name does not resolve, it refuses or does not answer
  130  interrupted by SIGINT (Ctrl-C), ended in order; 143 the same by SIGTERM`;

/** First match decides; a code is matched by what it begins with. */
const BY_CODE: readonly (readonly [prefix: string, exitCode: ExitCode])[] = [
  ['ERR_OPTION_', EXIT.usage],
  ['ERR_GATEWAY_USAGE', EXIT.usage],
  ['ERR_HE863_FAULTS', EXIT.usage],
  ['ERR_GATEWAY_INTERRUPTED', EXIT.interrupted],
  ['ERR_GATEWAY_TERMINATED', EXIT.terminated],
  ['ERR_GATEWAY_SIM', EXIT.module],
  ['ERR_GATEWAY_REGISTRATION', EXIT.network],
  ['ERR_GATEWAY_HOST_', EXIT.remote],
  ['ERR_GATEWAY_MODULE_', EXIT.module],
  ['ERR_GATEWAY_LINE_', EXIT.line],
  ['ERR_GATEWAY_DEMO_', EXIT.failed],
  ['ERR_CMUX_REFUSED_BY_MODULE', EXIT.module],
  ['ERR_CMUX_DLC_REFUSED', EXIT.module],
  ['ERR_CMUX_', EXIT.line],
  ['ERR_AT_TIMEOUT', EXIT.line],
  ['ERR_AT_LINE_LOST', EXIT.line],
  ['ERR_AT_CLOSED', EXIT.line],
  ['ERR_AT_UNSAFE_TEXT', EXIT.usage],
  ['ERR_AT_LINE_TOO_LONG', EXIT.usage],
  ['ERR_AT_', EXIT.module],
  ['ERR_PPP_CARRIER_LOST', EXIT.network],
  ['ERR_PPP_', EXIT.network],
  ['ERR_IPEASY_CANNOT_RESOLVE', EXIT.remote],
  ['ERR_IPEASY_CONNECT_', EXIT.remote],
  ['ERR_IPEASY_REFUSED', EXIT.remote],
  ['ERR_IPEASY_REMOTE', EXIT.remote],
  ['ERR_IPEASY_FTP_', EXIT.remote],
  ['ERR_IPEASY_LINE_LOST', EXIT.line],
  ['ERR_IPEASY_', EXIT.network],
  ['ERR_PORT_', EXIT.line],
];

/** The exit status for an error's code. */
export function exitCodeFor(code: string): ExitCode {
  return BY_CODE.find(([prefix]) => code.startsWith(prefix))?.[1] ?? EXIT.failed;
}
