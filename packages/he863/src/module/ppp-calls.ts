import { EchoNetwork } from '../network/echo-network.ts';
import type { PacketNetwork } from '../network/packet-network.ts';
import type { He863Module } from './he863-module.ts';
import type { PortSession } from './module-services.ts';
import { PppCall } from './ppp-call.ts';

/** The module's own end of PPP. */
export const PPP_LOCAL_ADDRESS = '10.64.64.64';

/** The one PPP call that the module can have. */
export class PppCalls {
  readonly network: PacketNetwork;
  readonly #module: He863Module;
  #call: PppCall | undefined;

  constructor(module: He863Module) {
    this.#module = module;
    const hosts = Object.fromEntries(
      Object.entries(module.options.hosts ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
    );
    this.network = module.options.ppp?.network ?? new EchoNetwork({ hosts });
  }

  /** The call that is up, also while it is suspended. */
  get current(): PppCall | undefined {
    return this.#call;
  }

  /** The call of this port. */
  of(session: PortSession): PppCall | undefined {
    return this.#call?.session === session ? this.#call : undefined;
  }

  start(cid: number, session: PortSession): PppCall {
    const { options, checked, network } = this.#module;
    const { user, password, localAddress = PPP_LOCAL_ADDRESS, dns = [localAddress] } = options.ppp ?? {};
    const port = session.portName;
    const call = new PppCall({
      cid,
      session,
      clock: this.#module.clock,
      network: this.network,
      ppp: {
        auth: checked.pppAuth,
        verify: (name: string) => (user === undefined || name === user ? (password ?? '') : undefined),
        localAddress,
        peerAddress: network.addressOf(cid),
        dns,
        random: (octets) => Uint8Array.from({ length: octets }, () => Math.floor(this.#module.random() * 256)),
      },
      onUp: () => {
        this.#module.emit({ type: 'pppStarted', port });
      },
      onEnd: (reason) => {
        this.#call = undefined;
        this.#module.emit({ type: 'pppEnded', port, reason });
      },
    });
    this.#call = call;
    return call;
  }
}
