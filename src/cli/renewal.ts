// A gateway that speaks TLS takes up a renewed certificate without a restart: it looks at the files once a minute (ACC-14).
import type { Certificate } from '../config/certificate.ts'
import { isRecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import type { Clock } from '../ports/clock.ts'
import type { Telemetry } from '../ports/telemetry.ts'

export interface Renewal {
  readonly clock: Clock
  readonly telemetry: Pick<Telemetry, 'log'>
  /** The certificate of the files as they are now; throws where it cannot be served. */
  read(): Certificate
  /** Serves new connections with it. */
  use(certificate: Certificate): void
}

/** Until the signal. What cannot be served is told once, and the certificate in use stays. */
export async function takeRenewals({ clock, telemetry, read, use }: Renewal, served: Certificate, signal: AbortSignal): Promise<void> {
  let [inUse, told] = [served.cert, '']
  for (;;) {
    await clock.sleep(limits.certificateLookMs, signal, 'background')
    if (signal.aborted) return
    try {
      const found = read()
      if (found.cert !== inUse) {
        use(found)
        inUse = found.cert // so that what did not come into use is tried again
        telemetry.log('info', 'certificate_renewed')
      }
      told = ''
    } catch (error) {
      const fault = isRecollectError(error) ? error.message : 'internal'
      if (fault !== told) telemetry.log('error', 'certificate_refused', { code: isRecollectError(error) ? error.code : 'internal' })
      told = fault
    }
  }
}
