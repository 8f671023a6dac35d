import { Counter, Histogram, type Registry } from 'prom-client';
import { CAUSES, SERVICES, STEPS, strengthOf, type Step } from '../core/recovery/cause.ts';
import { AT_RESULTS } from '../gateway/gateway-events.ts';
import type { ObservedGateway } from './observed-gateway.ts';

/** What is counted by what happens; it outlasts every layer. */
export function countEvents(gateway: ObservedGateway, registers: Registry[]): void {
  const outages = new Counter({
    name: 'cellmux_outages_total',
    help: 'Outages that have ended, by cause',
    labelNames: ['cause'],
    registers,
  });
  const durations = new Histogram({
    name: 'cellmux_outage_duration_seconds',
    help: 'How long outages lasted, by service',
    labelNames: ['service'],
    buckets: [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3600, 14_400],
    registers,
  });
  const steps = new Counter({
    name: 'cellmux_recovery_steps_total',
    help: 'Steps of the recovery, by whether they helped',
    labelNames: ['step', 'ok'],
    registers,
  });
  const recoveries = new Counter({
    name: 'cellmux_recoveries_total',
    help: 'Outages that have ended, by cause and by the strongest step that was needed',
    labelNames: ['cause', 'step'],
    registers,
  });
  const commands = new Counter({
    name: 'cellmux_at_commands_total',
    help: 'AT commands of the gateway and its users, by the result',
    labelNames: ['port', 'result'],
    registers,
  });
  const answers = new Histogram({
    name: 'cellmux_at_command_duration_seconds',
    help: 'From an AT command to its final result',
    labelNames: ['port'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
    registers,
  });
  const echoes = new Histogram({
    name: 'cellmux_ppp_echo_round_trip_seconds',
    help: 'Round trips of the LCP Echo-Requests',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const echoesMissed = new Counter({
    name: 'cellmux_ppp_echoes_missed_total',
    help: 'LCP Echo-Requests without an answer in time',
    registers,
  });
  const connections = new Counter({
    name: 'cellmux_connections_total',
    help: 'Connections through proxy, forwards and listeners',
    labelNames: ['kind', 'ok'],
    registers,
  });
  const pings = new Histogram({
    name: 'cellmux_ping_round_trip_seconds',
    help: 'Round trips of the pings through PPP',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });
  const lost = new Counter({ name: 'cellmux_pings_lost_total', help: 'Pings without an answer', registers });
  // What has not happened yet is zero, not missing.
  for (const cause of Object.keys(CAUSES)) outages.inc({ cause }, 0);
  for (const step of STEPS) for (const ok of ['true', 'false']) steps.inc({ step, ok }, 0);
  for (const port of ['1', '2', '3']) {
    answers.zero({ port });
    for (const result of AT_RESULTS) commands.inc({ port, result }, 0);
  }
  for (const service of SERVICES) durations.zero({ service });
  for (const kind of ['proxy', 'forward', 'incoming']) {
    for (const ok of ['true', 'false']) connections.inc({ kind, ok }, 0);
  }
  gateway.events$.subscribe((event) => {
    switch (event.type) {
      case 'outageEnded':
        outages.inc({ cause: event.cause });
        recoveries.inc({ cause: event.cause, step: strongestOf(event.steps) });
        for (const service of event.services) durations.observe({ service }, event.durationMs / 1000);
        return;
      case 'stepEnded':
        steps.inc({ step: event.step, ok: String(event.error === undefined) });
        return;
      case 'proxyConnected':
      case 'proxyFailed':
        connections.inc({ kind: 'proxy', ok: String(event.type === 'proxyConnected') });
        return;
      case 'forwardConnected':
      case 'forwardFailed':
        connections.inc({ kind: 'forward', ok: String(event.type === 'forwardConnected') });
        return;
      case 'incomingConnected':
      case 'incomingFailed':
        connections.inc({ kind: 'incoming', ok: String(event.type === 'incomingConnected') });
        return;
      case 'atCommand':
        commands.inc({ port: String(event.port), result: event.result });
        answers.observe({ port: String(event.port) }, event.durationMs / 1000);
        return;
      case 'pppEcho':
        if (event.roundTripMs === undefined) echoesMissed.inc();
        else echoes.observe(event.roundTripMs / 1000);
        return;
      case 'pingAnswered':
        pings.observe(event.roundTripMs / 1000);
        return;
      case 'pingLost':
        lost.inc();
        return;
      default:
    }
  });
}

/** The strongest step that worked; `none` where what was broken came back by itself. */
function strongestOf(steps: readonly { readonly step: Step; readonly ok: boolean }[]): Step | 'none' {
  const done = steps.filter(({ ok }) => ok).map(({ step }) => step);
  return done.toSorted((one, other) => strengthOf(one) - strengthOf(other)).at(-1) ?? 'none';
}
