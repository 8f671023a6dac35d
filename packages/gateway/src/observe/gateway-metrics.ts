import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { countEvents } from './count-events.ts';
import { READINGS } from './metric-readings.ts';
import type { ObservedGateway } from './observed-gateway.ts';

/**
 * The metrics of a gateway, every layer of it, and of its process, for Prometheus. What a layer counts itself is read at the
 * time of a scrape; where the layer starts anew, so does the counter, as Prometheus expects of a counter.
 */
export class GatewayMetrics {
  readonly registry = new Registry();
  readonly #gateway: ObservedGateway;
  readonly #metrics: ReadonlyMap<string, Counter | Gauge>;

  constructor(gateway: ObservedGateway) {
    this.#gateway = gateway;
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#metrics = new Map(
      READINGS.map(({ name, help, labels = [], kind }) => {
        const configuration = { name, help, labelNames: [...labels], registers };
        return [name, kind === 'gauge' ? new Gauge(configuration) : new Counter(configuration)];
      }),
    );
    countEvents(gateway, registers);
  }

  /** In the text format. */
  text(): Promise<string> {
    const { status } = this.#gateway;
    for (const { name, read } of READINGS) {
      const metric = this.#metrics.get(name);
      metric?.reset();
      for (const [value, labels = {}] of read(status)) metric?.inc(labels, value);
    }
    return this.registry.metrics();
  }
}
