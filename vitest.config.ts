import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const conditions = ['@cellmux/source', 'node', 'import', 'module', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/peers/**'],
    globalSetup: ['test/setup/seed.ts'],
    setupFiles: ['test/setup/fast-check.ts'],
    // Vitest leaves one processor alone; of two that would be half of them, and many tests wait for programs.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
