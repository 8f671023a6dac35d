const NOTHING = new Uint8Array(0);

/** What #BASE64 makes of the data of a connId; as long as it is off, bytes pass as they are. */
export class PayloadCodec {
  /** Bytes of the host on their way to the peer. */
  encode(bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  /** One message of #SSEND, complete in itself. */
  encodeWhole(bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  /** What {@link encode} still holds. */
  finish(): Uint8Array {
    return NOTHING;
  }

  /** Bytes of the peer on their way to the host. */
  decode(bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  /** Forgets what belongs to a connection that is over. */
  reset(): void {
    // Nothing is held.
  }
}
