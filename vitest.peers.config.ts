import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** Real peers wait for each other most of the time: some files at a time, and more patience. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: ['**/node_modules/**'] } },
  defineConfig({
    test: {
      include: ['test/peers/**/*.test.ts'],
      maxWorkers: 6,
      testTimeout: 180_000,
      hookTimeout: 60_000,
    },
  }),
);
