import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'deploy',
    include: ['test/deploy/**/*.test.ts'],
    globalSetup: ['./test/deploy/kubernetes-tools.ts', './test/deploy/sbom-tools.ts'],
    testTimeout: 60_000,
  },
});
