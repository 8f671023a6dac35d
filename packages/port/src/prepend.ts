import { Observable } from 'rxjs';
import { PortView } from './port-view.ts';
import type { Port } from './port.ts';

/**
 * The same port, whose `received$` starts with these bytes: for a reader that took more from a port than was meant for
 * it. The first subscriber gets them, before anything that the port itself has kept; until then they are kept.
 */
export function prepend(port: Port, bytes: Uint8Array): Port {
  if (bytes.length === 0) return port;
  let first: Uint8Array | undefined = new Uint8Array(bytes);
  const received$ = new Observable<Uint8Array>((subscriber) => {
    const chunk = first;
    if (chunk !== undefined) {
      first = undefined;
      subscriber.next(chunk);
    }
    // The subscriber may have left with that chunk, and then somebody else is to have the rest.
    if (!subscriber.closed) subscriber.add(port.received$.subscribe(subscriber));
  });
  return new PortView(port, { received$ });
}
