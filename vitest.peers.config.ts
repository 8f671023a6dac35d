import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** Real peers share ptys, ports and two cores: one file at a time, and more patience. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: ['**/node_modules/**'] } },
  defineConfig({
    test: {
      include: ['test/peers/**/*.test.ts'],
      fileParallelism: false,
      testTimeout: 180_000,
      hookTimeout: 60_000,
    },
  }),
);
