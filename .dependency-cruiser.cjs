const { builtinModules } = require('node:module');

/** Who may import whom. A package imports only what stands below it; a pure core imports nothing that does I/O. */
const below = {
  port: [],
  cmux: ['port'],
  at: ['port'],
  ppp: ['port'],
  ipeasy: ['at', 'port'],
  he863: ['port', 'cmux', 'at', 'ppp'],
  gateway: ['port', 'cmux', 'at', 'ppp', 'ipeasy', 'he863'],
};
const direction = Object.entries(below).map(([name, allowed]) => ({
  name: `direction-${name}`,
  comment: `packages/${name} may import ${allowed.length > 0 ? allowed.join(', ') : 'no other package of ours'}`,
  severity: 'error',
  from: { path: `^packages/${name}/` },
  to: { path: '^packages/', pathNot: `^packages/(${[name, ...allowed].join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...direction,
    {
      name: 'no-cycles',
      comment: 'two modules that import each other are one module in two files',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'pure-core-no-packages',
      comment: 'a core is bytes and state: no Node module, no RxJS, no other package',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/core/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core', 'npm', 'npm-peer', 'npm-dev', 'npm-optional'] },
    },
    {
      name: 'pure-core-no-shell',
      comment: 'a core never imports the shell that drives it',
      severity: 'error',
      from: { path: '^packages/([^/]+)/src/core/', pathNot: '\\.test\\.ts$' },
      to: { path: '^packages/$1/src/', pathNot: '^packages/$1/src/core/' },
    },
    {
      name: 'browser-entry-no-node',
      comment: 'the main entry of port, cmux, at and ppp also loads in a browser',
      severity: 'error',
      from: { path: '^packages/(port|cmux|at|ppp)/src/index\\.ts$' },
      to: { path: `^(node:)?(${builtinModules.join('|')})$`, reachable: true },
    },
    {
      name: 'no-node-pty',
      comment: 'its open() signals every process of the machine on destroy',
      severity: 'error',
      from: {},
      to: { path: 'node-pty' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^packages/[^/]+/dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@cellmux/source', 'import', 'node', 'default'],
    },
  },
};
