import { closeSync, constants, openSync } from 'node:fs';
import { CellmuxError, checkInteger } from '@cellmux/port';
import { isIPv4, isIPv6 } from 'node:net';
import type { PppNetwork } from '../ppp-network.ts';
import { configureInterface } from './configure-interface.ts';
import { TunDevice } from './tun-device.ts';
import { loadTunLibc } from './tun-libc.ts';
import { startTunReader } from './tun-reader.ts';

/** Options of {@link openTun}. */
export interface OpenTunOptions {
  /** The interface, 1 to 15 characters; `%d` becomes a free number; default `ppp%d`. */
  readonly name?: string;
  /** Takes addresses and MTU from what a link agreed on, where they are not given. */
  readonly network?: PppNetwork;
  /** Our IPv4 address; without one, and without `network`, the interface is left unconfigured. */
  readonly localAddress?: string;
  /** The far end's IPv4 address; default: none, the interface has a network of one address. */
  readonly peerAddress?: string;
  /** Our IPv6 address with prefix length (`fe80::1/64`). */
  readonly ipv6Address?: string;
  /** 68 to 65535; default that of `network`, else 1500. */
  readonly mtu?: number;
  /** What is routed into the interface: `default`, `10.0.0.0/8`, `2000::/3`. Default: nothing but the far end. */
  readonly routes?: readonly string[];
  /** Metric of these routes, 0 to 2^31-1; default the kernel's. */
  readonly routeMetric?: number;
  /** A file that gets the name servers of `network` as long as the interface is there, as `/etc/resolv.conf` has them. */
  readonly resolvConf?: string;
  /** A network namespace to move the interface into (`ip netns`). */
  readonly netns?: string;
}

const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_PERSIST = 0x0800;
/** `struct ifreq`: name, then flags. */
const IFREQ_BYTES = 40;
const NAME_BYTES = 16;
const [EPERM, EBUSY, EINVAL] = [1, 16, 22];
/** Octets that the reading thread gathers before it hands them over, and batches it may be ahead. */
const BATCH_BYTES = 256 * 1024;
const BATCH_LIMIT = 4;

/**
 * Makes a TUN device on Linux, with addresses, MTU and routes. Needs CAP_NET_ADMIN, also for `ip`, which it starts; or a
 * device made before with `ip tuntap add NAME mode tun user USER` and no addresses here. Reading is done by a thread of its
 * own.
 *
 * Rejects with `ERR_PPP_TUN_NOT_PERMITTED`, `ERR_PPP_TUN_UNSUPPORTED` (no Linux, no koffi, no `/dev/net/tun`),
 * `ERR_PPP_TUN_BUSY` (another program has this interface), `ERR_PPP_TUN_FAILED` (`ip` said no), `ERR_OPTION_RANGE`.
 *
 * @example
 * await using tun = await openTun({ network: call.network, routes: ['default'] });
 * const carrier = carryPackets(tun, call);
 */
export async function openTun(options: OpenTunOptions = {}): Promise<TunDevice> {
  const wanted = checkOptions(options);
  const libc = loadTunLibc();
  const fd = openDevice();
  let device: TunDevice | undefined;
  try {
    const request = Buffer.alloc(IFREQ_BYTES);
    request.write(wanted.name, 'latin1');
    request.writeUInt16LE(IFF_TUN | IFF_NO_PI, NAME_BYTES);
    const result = libc.setInterface(fd, request);
    if (result < 0) throw interfaceError(wanted.name, -result);
    const name = request.toString('latin1', 0, request.indexOf(0));
    libc.getInterface(fd, request);
    const isPersistent = (request.readUInt16LE(NAME_BYTES) & IFF_PERSIST) !== 0;
    const cleanUp = await configureInterface({ ...wanted, name, isPersistent });
    const wakeFd = libc.eventFd();
    const shared = new SharedArrayBuffer(8);
    const worker = startTunReader({
      koffiPath: libc.koffiPath,
      fd,
      wakeFd,
      shared,
      batchBytes: BATCH_BYTES,
      packetBytes: 65_536,
      batchLimit: BATCH_LIMIT,
    });
    device = new TunDevice({ name, fd, wakeFd, shared, worker, libc, cleanUp });
    return device;
  } catch (error) {
    if (device === undefined) closeSync(fd);
    throw error;
  }
}

function openDevice(): number {
  try {
    return openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') throw notPermitted(error);
    throw new CellmuxError('ERR_PPP_TUN_UNSUPPORTED', 'there is no /dev/net/tun', {
      cause: error,
      hint: 'Load the module (modprobe tun), or start the container with --device /dev/net/tun.',
    });
  }
}

function interfaceError(name: string, errno: number): CellmuxError {
  if (errno === EPERM) return notPermitted(undefined);
  if (errno === EBUSY) {
    return new CellmuxError('ERR_PPP_TUN_BUSY', `the interface ${name} is in use`, {
      hint: 'Choose another name, or end the program that has it.',
      context: { name },
    });
  }
  return new CellmuxError('ERR_PPP_TUN_FAILED', `the interface ${name} cannot be made: errno ${errno}`, {
    hint: errno === EINVAL ? 'An interface of another kind may have this name.' : 'See `dmesg`.',
    context: { name, errno },
  });
}

/** What is said to whoever may not make interfaces. */
export function notPermitted(cause: unknown): CellmuxError {
  return new CellmuxError('ERR_PPP_TUN_NOT_PERMITTED', 'this process may not make a TUN device', {
    ...(cause === undefined ? {} : { cause }),
    hint: 'Run it as root, or with CAP_NET_ADMIN for it and the programs it starts (systemd AmbientCapabilities, docker --cap-add NET_ADMIN --device /dev/net/tun), or leave TUN out.',
  });
}

/** The options as {@link configureInterface} takes them, checked. */
function checkOptions(options: OpenTunOptions) {
  const { network } = options;
  const reject = (option: string, value: unknown, what: string): never => {
    throw new CellmuxError('ERR_OPTION_RANGE', `${option} must be ${what}, not ${String(value)}`, {
      context: { option, value },
    });
  };
  const name = options.name ?? 'ppp%d';
  if (!/^[A-Za-z0-9_.-]{1,14}(%d)?$|^[A-Za-z0-9_.-]{15}$/.test(name) || name.length > 15) {
    reject('name', name, '1 to 15 letters, digits, dots, hyphens or underscores');
  }
  const fromNetwork = network !== undefined && network.localAddress !== '0.0.0.0' ? network : undefined;
  const localAddress = options.localAddress ?? fromNetwork?.localAddress;
  const peerAddress =
    options.peerAddress ?? (options.localAddress === undefined ? fromNetwork?.peerAddress : undefined);
  for (const [option, address] of Object.entries({ localAddress, peerAddress })) {
    if (address !== undefined && !isIPv4(address)) reject(option, address, 'an IPv4 address');
  }
  const ipv6Address =
    options.ipv6Address ?? (network?.ipv6 === undefined ? undefined : `${network.ipv6.localAddress}/64`);
  if (ipv6Address !== undefined) {
    const [address = '', length = ''] = ipv6Address.split('/');
    if (!isIPv6(address) || !/^\d{1,3}$/.test(length) || Number(length) > 128) {
      reject('ipv6Address', ipv6Address, 'an IPv6 address with prefix length');
    }
  }
  const routes = options.routes ?? [];
  for (const route of routes) {
    const [address = '', length] = route.split('/');
    const isNetwork =
      (isIPv4(address) || isIPv6(address)) &&
      (length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= 128));
    if (route !== 'default' && !isNetwork) reject('routes', route, '`default` or a network such as 10.0.0.0/8');
  }
  const { netns, routeMetric } = options;
  if (netns !== undefined && !/^[A-Za-z0-9_.-]{1,64}$/.test(netns)) reject('netns', netns, 'the name of a namespace');
  return {
    name,
    localAddress,
    peerAddress,
    ipv6Address,
    mtu: checkInteger('mtu', options.mtu ?? network?.mtu ?? 1500, 68, 65_535),
    routes,
    routeMetric: routeMetric === undefined ? undefined : checkInteger('routeMetric', routeMetric, 0, 2 ** 31 - 1),
    netns,
    resolvConf: options.resolvConf,
    dns: network?.dns ?? [],
  };
}
