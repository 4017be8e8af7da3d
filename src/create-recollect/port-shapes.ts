// What a caller may bring in place of a part of ours, by structure: looked at before anything is opened or made on disk.
import { RecollectError } from '../core/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { KeyProvider } from '../ports/key-provider.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { Embedder } from '../ports/models.ts'
import type { Policy } from '../ports/policy.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { Strategy } from '../context/policy/strategies.ts'

interface Shape {
  readonly kind: string // with its article, as a message says it
  readonly methods: readonly string[]
  /** Fields, and what `typeof` must say of them; `info.` leads into the port's own description. */
  readonly fields?: Readonly<Record<string, 'string' | 'number' | 'boolean'>>
}
const shape = <T>(kind: string, methods: readonly (keyof T & string)[], fields: Shape['fields'] = {}): Shape => ({ kind, methods, fields })

const shapes = {
  store: shape<LogStore>(
    'a log store',
    [
      'open',
      'head',
      'append',
      'read',
      'updateHead',
      'rewrite',
      'saveSnapshot',
      'loadSnapshot',
      'list',
      'expired',
      'owners',
      'lease',
      'renew',
      'release',
      'delete',
      'erase',
      'close',
    ],
    { 'info.name': 'string', 'info.durable': 'boolean', 'info.shared': 'boolean' },
  ),
  keyProvider: shape<KeyProvider>('a key provider', ['wrap', 'unwrap', 'rewrap', 'close'], {
    'info.name': 'string',
    'info.activeKeyId': 'string',
    'info.leavesProcess': 'boolean',
  }),
  embedder: shape<Embedder>('an embedder', ['embed'], {
    'info.id': 'string',
    'info.dimensions': 'number',
    'info.maxTokens': 'number',
    'info.local': 'boolean',
  }),
  clock: shape<Clock>('a clock', ['now', 'sleep']),
  telemetry: shape<Telemetry>('a telemetry', ['count', 'observe', 'gauge', 'log']),
  policy: shape<Policy>('a policy', ['decide']),
  strategy: shape<Strategy>('a strategy', ['plan'], { name: 'string' }),
} as const satisfies Record<string, Shape>

/** The options that are parts; of their shape nothing is known yet. */
type Brought = Readonly<Partial<Record<'keyProvider' | 'embedder' | 'clock' | 'telemetry' | 'policy' | 'random', unknown>>> & {
  readonly stores?: object
  readonly strategies?: readonly object[]
}

/** @throws `invalid_input` naming the option, what it lacks, and what would do */
export function checkPorts(options: Brought): void {
  const { stores = {}, keyProvider, embedder, clock, telemetry, policy, random, strategies = [] } = options
  for (const [name, given] of Object.entries(stores)) checkStore(given, `stores.${name}`)
  checkShape(keyProvider, shapes.keyProvider, 'keyProvider')
  if (typeof embedder !== 'string') checkShape(embedder, shapes.embedder, 'embedder')
  checkShape(clock, shapes.clock, 'clock')
  checkShape(telemetry, shapes.telemetry, 'telemetry')
  checkShape(policy, shapes.policy, 'policy')
  if (random !== undefined && typeof random !== 'function')
    throw refused('random must be a function that gives so many random bytes', 'Give one, or leave random out.')
  for (const [i, strategy] of strategies.entries()) checkShape(strategy, shapes.strategy, `strategies[${i}]`)
}

/** A store, or a store with what is known of its place. */
function checkStore(given: unknown, option: string): void {
  if (!isObject(given) || !('store' in given)) return checkShape(given, shapes.store, option)
  checkShape(given.store ?? null, shapes.store, `${option}.store`)
  const { place, files } = given as { readonly place?: unknown; readonly files?: unknown }
  if (place !== undefined && typeof place !== 'string') throw refused(`${option}.place must be text`, 'Give the path of the file, or leave it out.')
  if (files !== undefined && typeof files !== 'function')
    throw refused(`${option}.files must be a function that lists files`, 'Give one, or leave it out.')
}

function checkShape(given: unknown, { kind, methods, fields = {} }: Shape, option: string): void {
  if (given === undefined) return
  const nextStep = `Give ${kind} with ${[...methods.map((name) => `${name}()`), ...Object.keys(fields)].join(', ')}, or leave ${option} out.`
  if (!isObject(given)) throw refused(`${option} must be ${kind}`, nextStep)
  const method = methods.find((name) => typeof given[name] !== 'function')
  if (method !== undefined) throw refused(`${option} must be ${kind}; it has no function ${method}`, nextStep)
  for (const [path, type] of Object.entries(fields)) {
    const value = path.split('.').reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), given)
    if (typeof value !== type) throw refused(`${option} must be ${kind}; its ${path} must be a ${type}`, nextStep)
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null

const refused = (message: string, nextStep: string) => new RecollectError('invalid_input', message, nextStep)
