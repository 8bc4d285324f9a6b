import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'package',
    include: ['test/package/**/*.test.ts'],
    globalSetup: './test/package/build-executable.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
