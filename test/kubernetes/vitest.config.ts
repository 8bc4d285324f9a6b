import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'kubernetes',
    include: ['test/kubernetes/**/*.test.ts'],
    globalSetup: ['./test/deploy/kubernetes-tools.ts', './test/image/build-image.ts', './test/kubernetes/programs.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
});
