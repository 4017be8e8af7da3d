// What every driver has in front of it: input is checked, running calls are waited for at the close, and only the listed errors come out.
import { isRecollectError, type ErrorCode } from '../core/errors.ts'
import { runningCalls } from '../core/running-calls.ts'
import type { LogStore } from '../ports/log-store.ts'
import { checkInput, type StoreCall } from './check-input.ts'
import { storeFailed } from './store-errors.ts'

// LOG-8
const listed: readonly ErrorCode[] = ['invalid_input', 'payload_too_large', 'not_found', 'conflict', 'unavailable', 'timeout', 'integrity_failure']

/**
 * A driver as the port promises it: checked before any I/O (LOG-3), closed once and for good (LOG-29). `asError` turns what the client
 * throws into a RecollectError; what it leaves is `unavailable`, with the client's error as cause.
 */
export function checkedStore(driver: LogStore, asError: (error: unknown) => unknown = (error) => error): LogStore {
  const calls = runningCalls()

  const listedError = (error: unknown) => {
    const mapped = asError(error)
    return isRecollectError(mapped) && listed.includes(mapped.code) ? mapped : storeFailed(error)
  }

  type Answer<M extends StoreCall> = Promise<Awaited<ReturnType<LogStore[M]>>>

  const call =
    <M extends StoreCall>(method: M) =>
    async (...args: Parameters<LogStore[M]>): Answer<M> => {
      checkInput(method, args)
      try {
        return await calls.run(() => (driver[method] as (...args: Parameters<LogStore[M]>) => Answer<M>)(...args))
      } catch (error) {
        throw listedError(error)
      }
    }

  return {
    info: driver.info,
    open: call('open'),
    head: call('head'),
    append: call('append'),
    read: call('read'),
    updateHead: call('updateHead'),
    rewrite: call('rewrite'),
    saveSnapshot: call('saveSnapshot'),
    loadSnapshot: call('loadSnapshot'),
    list: call('list'),
    expired: call('expired'),
    owners: call('owners'),
    lease: call('lease'),
    renew: call('renew'),
    release: call('release'),
    delete: call('delete'),
    erase: call('erase'),
    close: () => calls.close(() => driver.close()),
  }
}
