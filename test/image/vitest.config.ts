import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'image',
    include: ['test/image/**/*.test.ts'],
    globalSetup: ['./test/deploy/kubernetes-tools.ts', './test/image/arm64-tools.ts', './test/image/build-image.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Each has containers and namespaces of its own, but the machine may be small.
    fileParallelism: false,
  },
});
