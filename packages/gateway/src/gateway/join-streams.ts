import { Socket } from 'node:net';
import { pipeline, type Duplex } from 'node:stream';

const PIPELINE_LISTENERS = 12;

/**
 * Carries octets both ways between a TCP connection of this machine and a connection through the module, until both have
 * ended. When the far one breaks, the near one is reset: a plain end would look as if everything had arrived.
 */
export function joinStreams(near: Duplex, far: Duplex): void {
  far.once('error', () => {
    breakOff(near);
  });
  // A pipeline there and back listens to the end of one stream about ten times: no leak, and nothing to warn of.
  for (const stream of [near, far]) stream.setMaxListeners(stream.getMaxListeners() + PIPELINE_LISTENERS);
  pipeline(near, far, near, () => {
    // A stream that fails destroys its partner: pipeline has done all there is to do.
  });
}

/** Ends a connection so that its other end cannot take that for an end in order. */
export function breakOff(stream: Duplex): void {
  if (stream instanceof Socket) stream.resetAndDestroy();
  else stream.destroy();
}
