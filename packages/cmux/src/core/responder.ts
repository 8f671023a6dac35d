import {
  encodeMessage,
  MESSAGE_COMMAND,
  messageTypeOf,
  readMessages,
  VALUE_LENGTHS,
  type MessageType,
  type RawMessage,
} from './control-message.ts';
import { decodeLineStatus } from './line-status.ts';
import type { LinkCounters } from './link-counters.ts';
import type { LinkEvent } from './link-event.ts';
import { decodeModemStatus, type ModemStatus } from './modem-status.ts';
import { decodeParameters, encodeParameters, type DlcParameters } from './parameter-negotiation.ts';
import {
  applyRemotePort,
  decodeRemotePort,
  DEFAULT_PORT_SETTINGS,
  encodeRemotePort,
  PORT_MASK,
  type PortSettings,
} from './remote-port.ts';
import { decodeServices, DEFAULT_SERVICES, encodeServices, type Services } from './service-negotiation.ts';

/** What the commands of the peer act upon. */
export interface ResponderOptions {
  readonly send: (message: Uint8Array) => void;
  readonly emit: (event: LinkEvent) => void;
  readonly counters: LinkCounters;
  readonly status: (dlci: number, status: ModemStatus) => void;
  readonly stopData: (stopped: boolean) => void;
  /** Answers a proposal; undefined for a DLCI that cannot have one. */
  readonly negotiate: (dlci: number, wanted: DlcParameters) => DlcParameters | undefined;
  readonly closeDown: () => void;
  /** The peer wants both lines to be idle. */
  readonly sleep: () => void;
  readonly answered: (type: MessageType, dlci: number, value: Uint8Array) => void;
  readonly notSupported: (typeOctet: number) => void;
}

/** The answering half of the control channel (3GPP TS 27.010 §5.4.6), and the sorting of what arrives on it. */
export class Responder {
  readonly #options: ResponderOptions;
  readonly #ports = new Map<number, PortSettings>();
  readonly #services = new Map<number, Services>();

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  /** Takes an information field of DLCI 0. With `onlyCloseDown` nothing but CLD is heard: the link is not open yet. */
  receive(info: Uint8Array, start: number, end: number, onlyCloseDown: boolean): void {
    const { messages, isComplete } = readMessages(info, start, end);
    if (!isComplete) this.#options.counters.malformedMessages++;
    for (const message of messages) {
      const type = messageTypeOf(message.typeOctet);
      if (onlyCloseDown && type !== 'CLD') continue;
      this.#message(type, message);
    }
  }

  #message(type: MessageType | undefined, { typeOctet, value }: RawMessage): void {
    const { counters, send } = this.#options;
    const isCommand = (typeOctet & MESSAGE_COMMAND) !== 0;
    if (type === undefined || (type === 'NSC' && isCommand)) {
      if (!isCommand) return;
      counters.unknownMessages++;
      send(encodeMessage('NSC', false, Uint8Array.of(typeOctet)));
      return;
    }
    if (VALUE_LENGTHS[type]?.includes(value.length) === false) {
      counters.malformedMessages++;
      return;
    }
    if (!isCommand) {
      this.#answer(type, value);
      return;
    }
    switch (type) {
      case 'MSC':
        this.#echo(type, value);
        this.#modemStatus(value);
        return;
      case 'FCon':
      case 'FCoff':
        this.#echo(type, value);
        this.#options.stopData(type === 'FCoff');
        return;
      case 'RLS': {
        this.#echo(type, value);
        const status = decodeLineStatus(value);
        if (status !== undefined) this.#options.emit({ type: 'lineStatus', status });
        return;
      }
      case 'Test':
        this.#echo(type, value);
        return;
      case 'PSC':
        this.#echo(type, value);
        this.#options.sleep();
        return;
      case 'CLD':
        this.#echo(type, value);
        this.#options.closeDown();
        return;
      case 'PN':
        this.#parameters(value);
        return;
      case 'RPN':
        this.#remotePort(value);
        return;
      case 'SNC':
        this.#service(value);
        return;
      case 'NSC':
        return;
    }
  }

  #echo(type: MessageType, value: Uint8Array): void {
    this.#options.send(encodeMessage(type, false, value));
  }

  #answer(type: MessageType, value: Uint8Array): void {
    if (type === 'NSC') {
      this.#options.notSupported(value[0] ?? 0);
      return;
    }
    const isAboutDlc = type === 'MSC' || type === 'RPN' || type === 'RLS' || type === 'SNC';
    const first = value[0] ?? 0;
    this.#options.answered(type, type === 'PN' ? first & 0x3f : isAboutDlc ? first >> 2 : 0, value);
  }

  #modemStatus(value: Uint8Array): void {
    const decoded = decodeModemStatus(value);
    if (decoded !== undefined) this.#options.status(decoded.dlci, decoded.status);
  }

  #parameters(value: Uint8Array): void {
    const decoded = decodeParameters(value);
    const agreed = decoded && this.#options.negotiate(decoded.dlci, decoded.parameters);
    if (decoded === undefined || agreed === undefined) {
      this.#options.counters.malformedMessages++;
      return;
    }
    this.#echo('PN', encodeParameters(decoded.dlci, agreed));
  }

  #remotePort(value: Uint8Array): void {
    const asked = decodeRemotePort(value);
    if (asked === undefined) return;
    const { dlci } = asked;
    const before = this.#ports.get(dlci) ?? DEFAULT_PORT_SETTINGS;
    if (asked.settings === undefined) {
      this.#echo('RPN', encodeRemotePort({ dlci, settings: before, mask: PORT_MASK.all }));
      return;
    }
    // A speed that nobody knows is the one thing that cannot be had.
    const isKnownSpeed = asked.settings.baudRate !== undefined;
    const mask = isKnownSpeed ? asked.mask : asked.mask & ~PORT_MASK.speed;
    const settings = applyRemotePort(before, { ...asked, mask });
    this.#ports.set(dlci, settings);
    this.#echo('RPN', encodeRemotePort({ dlci, settings, mask }));
    this.#options.emit({ type: 'portSettings', dlci, settings });
  }

  #service(value: Uint8Array): void {
    const asked = decodeServices(value);
    if (asked === undefined) return;
    const { dlci } = asked;
    const before = this.#services.get(dlci) ?? DEFAULT_SERVICES;
    const services = asked.services ?? before;
    if (asked.services !== undefined) {
      this.#services.set(dlci, services);
      this.#options.emit({ type: 'services', dlci, services });
    }
    this.#echo('SNC', encodeServices({ dlci, services }));
  }
}
