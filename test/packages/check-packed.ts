import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * Takes the packages as a stranger gets them: packed, unpacked into an empty folder beside nothing but what their manifests
 * name, then imported by Node, type-checked by a program of its own, and run. What the workspace lends them in a checkout
 * (sources, links to neighbours, development dependencies) is not there.
 */
const root = join(import.meta.dirname, '..', '..');
const packages = readdirSync(join(root, 'packages'));

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** What a package needs at run time and does not come from here; an optional peer is left out. */
function foreignNeeds(folder: string): string[] {
  const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest(folder);
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true);
  return [...Object.keys(dependencies), ...peers].filter((name) => !name.startsWith('@cellmux/'));
}

function neighbours(folder: string): string[] {
  return Object.keys(manifest(folder).dependencies ?? {}).filter((name) => name.startsWith('@cellmux/'));
}

function link(modules: string, name: string, target: string): void {
  const path = join(modules, name);
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}

/** Unpacks a package and all it needs into a folder of its own. */
function install(name: string, tarballs: ReadonlyMap<string, string>, consumer: string): void {
  const source = join(root, 'packages', name);
  const target = join(consumer, 'node_modules', '@cellmux', name);
  if (existsSync(target)) return;
  mkdirSync(target, { recursive: true });
  execFileSync('tar', ['-xzf', tarballs.get(name) ?? '', '-C', target, '--strip-components=1']);
  for (const foreign of foreignNeeds(source)) {
    link(join(consumer, 'node_modules'), foreign, join(source, 'node_modules', foreign));
  }
  for (const neighbour of neighbours(source)) install(neighbour.slice('@cellmux/'.length), tarballs, consumer);
}

/** What a stranger's first program does with each package; types and run are both checked. */
const PROGRAMS: Readonly<Record<string, string>> = {
  port: `import { memoryPair } from '@cellmux/port';
const { dte: one, dce: other } = memoryPair();
other.received$.subscribe((bytes) => { if (bytes[0] !== 7) throw new Error('lost'); });
await one.send(Uint8Array.of(7));`,
  cmux: `import { Multiplexer } from '@cellmux/cmux';
import { memoryPair } from '@cellmux/port';
const { dte: host, dce: module } = memoryPair();
const responder = new Multiplexer(module, { role: 'responder' });
const [multiplexer] = await Promise.all([
  (async () => { const m = new Multiplexer(host, { role: 'initiator' }); await m.start(); return m; })(),
  responder.start(),
]);
await multiplexer.open(1);
await multiplexer.close();`,
  at: `import { AtClient } from '@cellmux/at';
import { memoryPair } from '@cellmux/port';
const { dte: host, dce: module } = memoryPair();
module.received$.subscribe(() => { void module.send(new TextEncoder().encode('\\r\\nOK\\r\\n')); });
await new AtClient(host).command('AT');`,
  ppp: `import { PppLink } from '@cellmux/ppp';
if (typeof PppLink !== 'function') throw new Error('no PppLink');`,
  ipeasy: `import { IpEasy } from '@cellmux/ipeasy';
if (typeof IpEasy !== 'function') throw new Error('no IpEasy');`,
  he863: `import { VirtualHe863 } from '@cellmux/he863';
if (typeof VirtualHe863 !== 'function') throw new Error('no VirtualHe863');`,
  gateway: `import { Gateway } from '@cellmux/gateway';
if (typeof Gateway !== 'function') throw new Error('no Gateway');`,
};

function check(name: string, tarballs: ReadonlyMap<string, string>, work: string): void {
  const consumer = join(work, name);
  mkdirSync(consumer);
  install(name, tarballs, consumer);
  link(join(consumer, 'node_modules'), 'rxjs', join(root, 'packages', name, 'node_modules', 'rxjs'));
  writeFileSync(join(consumer, 'package.json'), '{ "type": "module", "private": true }');
  const program = PROGRAMS[name];
  if (program === undefined)
    throw new Error(`no program for packages/${name}: add one to test/packages/check-packed.ts`);
  writeFileSync(join(consumer, 'program.ts'), `${program}\nexport {};\n`);
  link(join(consumer, 'node_modules'), '@types/node', join(root, 'node_modules', '@types', 'node'));
  execFileSync(
    process.execPath,
    [
      join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--strict',
    ].concat(['--skipLibCheck', 'false', '--types', 'node', '--ignoreConfig', 'program.ts']),
    { cwd: consumer, stdio: 'inherit' },
  );
  execFileSync(process.execPath, ['program.js'], { cwd: consumer, stdio: 'inherit', timeout: 30_000 });
  const bin = manifest(join(root, 'packages', name)).bin ?? {};
  for (const [command, path] of Object.entries(bin)) {
    const entry = join(consumer, 'node_modules', '@cellmux', name, path);
    const help = execFileSync(process.execPath, [entry, '--help'], { encoding: 'utf8', timeout: 30_000 });
    if (!help.includes(command)) throw new Error(`${command} --help says nothing of itself`);
  }
}

const work = mkdtempSync(join(tmpdir(), 'cellmux-packed-'));
try {
  const tarballs = new Map<string, string>();
  const pnpm = process.env['npm_execpath'];
  for (const name of packages) {
    const folder = join(root, 'packages', name);
    const arguments_ = ['pack', '--pack-destination', work];
    if (pnpm === undefined) throw new Error('run this by `pnpm check:packages`');
    // pnpm is a program of its own or a script for Node, by how it was installed.
    const [program, before] = /\.[cm]?js$/.test(pnpm) ? [process.execPath, [pnpm]] : [pnpm, []];
    execFileSync(program, [...before, ...arguments_], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
    const tarball = readdirSync(work).find((file) => file.startsWith(`cellmux-${name}-`) && file.endsWith('.tgz'));
    if (tarball === undefined) throw new Error(`packages/${name} was not packed`);
    tarballs.set(name, join(work, tarball));
  }
  for (const name of packages) {
    check(name, tarballs, work);
    process.stdout.write(`@cellmux/${name}: packed, type-checked and run alone\n`);
  }
} finally {
  rmSync(work, { recursive: true });
}
