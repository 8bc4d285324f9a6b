import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'systemd',
    include: ['test/systemd/**/*.test.ts'],
    globalSetup: './test/systemd/build-package.ts',
    testTimeout: 120_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
});
