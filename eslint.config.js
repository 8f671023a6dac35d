import tseslint from 'typescript-eslint';

const ambient = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'queueMicrotask',
  'Buffer',
  'process',
  'console',
  'performance',
  'Date',
  'crypto',
];

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', 'bench/**', '*.cjs'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-console': 'error',
      eqeqeq: 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // A reason that a caller gave with its AbortSignal is passed on as it is, whatever its type.
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'node-pty', message: 'its open() signals every process of the machine' }] },
      ],
    },
  },
  {
    files: ['packages/*/src/core/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...ambient.map((name) => ({ name, message: 'a core has no I/O, no clock and no timers' })),
      ],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: 'randomness is handed in' }],
    },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts', '**/*.bench.ts'],
    rules: {
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      'no-console': 'off',
    },
  },
);
