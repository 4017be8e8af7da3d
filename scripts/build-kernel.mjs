// Builds the vector kernel: src/recall/kernel/kernel.wat to src/recall/kernel/kernel-wasm.ts. `--check` builds nothing and exits 1 if they differ.
import { readFileSync, writeFileSync } from 'node:fs'
import wabtModule from 'wabt'

const source = new URL('../src/recall/kernel/kernel.wat', import.meta.url)
const target = new URL('../src/recall/kernel/kernel-wasm.ts', import.meta.url)

const wabt = await wabtModule()
const parsed = wabt.parseWat('kernel.wat', readFileSync(source, 'utf8'), { simd: true })
parsed.resolveNames()
parsed.validate()
const { buffer } = parsed.toBinary({})
const text = `// The vector kernel as WebAssembly, ${buffer.length} bytes. Made by scripts/build-kernel.mjs from kernel.wat; not edited by hand.
export const kernelWasm =
  '${Buffer.from(buffer).toString('base64')}'
`
if (!process.argv.includes('--check')) writeFileSync(target, text)
else if (readFileSync(target, 'utf8') !== text) {
  console.error('src/recall/kernel/kernel-wasm.ts is not what kernel.wat gives: run node scripts/build-kernel.mjs')
  process.exit(1)
}
