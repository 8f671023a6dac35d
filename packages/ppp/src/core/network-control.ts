import { ControlProtocol, type ProtocolFailure } from './control-protocol.ts';
import { IpcpOptions } from './ipcp-options.ts';
import { Ipv6cpOptions } from './ipv6cp-options.ts';
import { PROTOCOL, protocolName } from './protocol-numbers.ts';
import type { OptionNegotiator } from './option-negotiator.ts';
import type { NetworkAgreement, SessionConfiguration } from './session-types.ts';

/** How long the first network protocol that is up waits for the other one. */
const GRACE_MS = 3000;

/** What the network protocols need from the session. */
export interface NetworkControlHost {
  now(): number;
  random(octets: number): Uint8Array;
  send(protocol: number, packet: Uint8Array): void;
  maximumPacketBytes(): number;
  /** The first time that IP can flow since {@link NetworkControl.start}. */
  running(): void;
  /** One of two protocols came or went while the other is up. */
  changed(): void;
  /** IP can no longer flow. */
  down(): void;
  /** No protocol can come up any more. */
  failed(text: string): void;
}

interface NetworkProtocol {
  readonly number: number;
  /** The protocol number of its packets. */
  readonly data: number;
  readonly control: ControlProtocol;
  status: 'pending' | 'up' | 'failed';
  failure: string;
}

/** IPCP and IPV6CP side by side: what happens to one never harms the other. */
export class NetworkControl {
  readonly #host: NetworkControlHost;
  readonly #configuration: SessionConfiguration;
  readonly #protocols: NetworkProtocol[] = [];
  readonly #ipv4: IpcpOptions | undefined;
  readonly #ipv6: Ipv6cpOptions | undefined;
  /** False while the link below is down: what finishes then has not failed. */
  #isStarted = false;
  #isRunning = false;
  #graceMs: number | undefined;
  /** The data protocols that are up, kept apart because every packet asks. */
  #carriesIpv4 = false;
  #carriesIpv6 = false;

  constructor(configuration: SessionConfiguration, host: NetworkControlHost) {
    this.#host = host;
    this.#configuration = configuration;
    if (configuration.ipv4 !== undefined) {
      this.#ipv4 = new IpcpOptions(configuration.ipv4);
      this.#add(PROTOCOL.IPCP, PROTOCOL.IPv4, this.#ipv4);
    }
    if (configuration.ipv6 !== undefined) {
      this.#ipv6 = new Ipv6cpOptions({
        identifier: configuration.ipv6.identifier,
        random: (octets) => host.random(octets),
      });
      this.#add(PROTOCOL.IPV6CP, PROTOCOL.IPv6, this.#ipv6);
    }
  }

  get agreement(): Omit<NetworkAgreement, 'mtu'> {
    const [ipv4, ipv6] = [this.#ipv4, this.#ipv6];
    return {
      ...(this.#carriesIpv4 && ipv4 !== undefined
        ? { ipv4: { localAddress: ipv4.localAddress, peerAddress: ipv4.peerAddress, dns: ipv4.dns } }
        : {}),
      ...(this.#carriesIpv6 && ipv6 !== undefined
        ? { ipv6: { localIdentifier: ipv6.localIdentifier, peerIdentifier: ipv6.peerIdentifier } }
        : {}),
    };
  }

  get deadlineMs(): number | undefined {
    let deadline = this.#graceMs ?? Infinity;
    for (const { control } of this.#protocols) deadline = Math.min(deadline, control.deadlineMs ?? Infinity);
    return deadline === Infinity ? undefined : deadline;
  }

  carries(protocol: number): boolean {
    return protocol === PROTOCOL.IPv4 ? this.#carriesIpv4 : protocol === PROTOCOL.IPv6 && this.#carriesIpv6;
  }

  /** True for a network protocol of ours and for its packets. */
  isKnown(protocol: number): boolean {
    return this.#protocols.some(({ number, data }) => number === protocol || data === protocol);
  }

  start(): void {
    this.#isStarted = true;
    this.#isRunning = false;
    for (const protocol of this.#protocols) {
      protocol.status = 'pending';
      protocol.control.open();
      protocol.control.up();
    }
  }

  lowerDown(): void {
    this.#graceMs = undefined;
    this.#isStarted = false;
    for (const { control } of this.#protocols) {
      control.down();
      control.close();
    }
  }

  timeout(nowMs: number): void {
    for (const { control } of this.#protocols) {
      if (control.deadlineMs !== undefined && control.deadlineMs <= nowMs) control.timeout();
    }
    if (this.#graceMs !== undefined && this.#graceMs <= nowMs) {
      this.#graceMs = undefined;
      this.#run();
    }
  }

  /** Takes a packet of a network control protocol; false where it is none of ours. */
  receive(protocol: number, information: Uint8Array): boolean {
    const mine = this.#protocols.find(({ number }) => number === protocol);
    mine?.control.receive(information);
    return mine !== undefined;
  }

  /** The peer does not know this protocol. */
  rejected(protocol: number): void {
    this.#protocols.find(({ number, data }) => number === protocol || data === protocol)?.control.rejected();
  }

  /** What is still waited for, for a person. */
  describePending(): string {
    const pending = this.#protocols
      .filter(({ status }) => status === 'pending')
      .map(({ number }) => protocolName(number));
    return `${pending.join(' and ')} did not come to an agreement in time`;
  }

  #add(number: number, data: number, options: OptionNegotiator): void {
    const protocol: NetworkProtocol = {
      number,
      data,
      status: 'pending',
      failure: '',
      control: new ControlProtocol(
        options,
        {
          now: () => this.#host.now(),
          send: (packet) => {
            this.#host.send(number, packet);
          },
          maximumPacketBytes: () => this.#host.maximumPacketBytes(),
          layerUp: () => {
            this.#up(protocol);
          },
          layerDown: () => {
            this.#down(protocol);
          },
          layerFinished: (failure) => {
            this.#failed(protocol, describe(protocol, failure));
          },
          gaveUp: (reason) => {
            this.#failed(
              protocol,
              reason === 'noAddress' ? 'the peer gives no IP address' : `no agreement on ${protocolName(number)}`,
            );
            protocol.control.close();
          },
        },
        this.#configuration.networkLimits,
      ),
    };
    this.#protocols.push(protocol);
  }

  #up(protocol: NetworkProtocol): void {
    if (
      protocol.data === PROTOCOL.IPv4 &&
      this.#ipv4?.localAddress === 0 &&
      this.#configuration.ipv4?.needsAddress === true
    ) {
      this.#failed(protocol, 'the peer gives no IP address');
      protocol.control.close();
      return;
    }
    protocol.status = 'up';
    this.#setCarries(protocol, true);
    if (this.#isRunning) {
      this.#host.changed();
      return;
    }
    if (this.#protocols.some(({ status }) => status === 'pending')) this.#graceMs = this.#host.now() + GRACE_MS;
    else this.#run();
  }

  #down(protocol: NetworkProtocol): void {
    const wasUp = protocol.status === 'up';
    if (wasUp) protocol.status = 'pending';
    this.#setCarries(protocol, false);
    if (!this.#isRunning || !wasUp) return;
    if (this.#protocols.some(({ status }) => status === 'up')) this.#host.changed();
    else {
      this.#isRunning = false;
      this.#host.down();
    }
  }

  #failed(protocol: NetworkProtocol, text: string): void {
    if (!this.#isStarted || protocol.status === 'failed') return;
    protocol.status = 'failed';
    protocol.failure = text;
    this.#setCarries(protocol, false);
    if (this.#protocols.some(({ status }) => status === 'up')) {
      if (!this.#isRunning && !this.#protocols.some(({ status }) => status === 'pending')) this.#run();
      return;
    }
    if (this.#protocols.some(({ status }) => status === 'pending')) return;
    this.#host.failed(this.#protocols.map(({ failure }) => failure).join('; '));
  }

  #run(): void {
    this.#graceMs = undefined;
    if (this.#isRunning || !this.#protocols.some(({ status }) => status === 'up')) return;
    this.#isRunning = true;
    this.#host.running();
  }

  #setCarries(protocol: NetworkProtocol, carries: boolean): void {
    if (protocol.data === PROTOCOL.IPv4) this.#carriesIpv4 = carries;
    else this.#carriesIpv6 = carries;
  }
}

function describe({ number }: NetworkProtocol, failure: ProtocolFailure | undefined): string {
  const name = protocolName(number);
  if (failure === 'noAnswer') return `no answer to ${name}`;
  if (failure === 'rejected') return `the peer does not do ${name}`;
  return `the peer closed ${name}`;
}
