import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    setupFiles: ['test/no-network.ts'],
    maxWorkers: '100%', // the default leaves a core to watch mode, which on two cores is half the machine
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } }, // the default is a second, which a busy machine takes for less
  },
})
