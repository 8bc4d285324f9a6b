import { defineConfig } from 'vitest/config';

/** A busy machine takes ten times as long; a test that hangs is none the quicker for a shorter wait. */
const patient = { testTimeout: 120_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    reporters: ['default', './test/closing-line-reporter.ts'],
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], ...patient } },
      { test: { name: 'fuzz', include: ['test/fuzz/**/*.test.ts'], ...patient } },
      {
        // Each test file works in network namespaces of its own, so files may run beside each other.
        test: {
          name: 'kernel',
          include: ['test/kernel/**/*.test.ts'],
          ...patient,
          globalSetup: './test/kernel/build-agent.ts',
        },
      },
    ],
  },
});
