import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'prometheus',
    include: ['test/prometheus/**/*.test.ts'],
    globalSetup: ['./test/prometheus/prometheus-tools.ts', './test/kernel/build-agent.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    reporters: ['default', './test/closing-line-reporter.ts'],
  },
});
