// Figures and names as people read them.

/** Octets: 999 B, 1.0 kB, 2.50 MB. */
export function bytes(count) {
  if (count < 1000) return `${Math.round(count)} B`;
  if (count < 1e6) return `${(count / 1000).toFixed(1)} kB`;
  return count < 1e9 ? `${(count / 1e6).toFixed(2)} MB` : `${(count / 1e9).toFixed(2)} GB`;
}

/** A time in its two largest units. */
export function duration(ms) {
  const seconds = Math.round(ms / 1000);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** The time of day: 09:05:30. */
export function clock(iso) {
  return new Date(iso).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
}

/** What is being done about what does not work. */
export const STEPS = {
  redial: 'setting it up anew',
  reopenDlc: 'reopening its port',
  restartMultiplexer: 'restarting the multiplexer',
  resetModule: 'resetting the module',
  reopenLine: 'opening the line again',
};

export const STATES = {
  idle: 'not started',
  openingLine: 'opening the line',
  startingMultiplexer: 'starting the multiplexer',
  openingPorts: 'opening the ports',
  bringingUp: 'bringing up',
};

export const SERVICES = { ppp: 'PPP', sockets: 'sockets', at: 'AT' };

/** Services of an outage. */
export function services(names) {
  return names.map((name) => SERVICES[name] ?? name).join(', ');
}

/** What damaged frames were, those that there are. */
export function damage(counts) {
  const names = {
    badFcs: 'wrong FCS',
    badHeader: 'bad header',
    tooLong: 'too long',
    noClosingFlag: 'without end',
    aborted: 'given up by their sender',
    malformedMessages: 'malformed messages',
    unexpectedFrames: 'unexpected',
    noiseOctets: 'octets of noise',
  };
  const found = Object.entries(names).filter(([name]) => counts[name] > 0);
  return found.length === 0 ? 'no damage' : found.map(([name, words]) => `${counts[name]} ${words}`).join(', ');
}
