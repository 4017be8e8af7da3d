// The certificate and key that the gateway speaks TLS with: read from two files and held against each other before they serve (ACC-14).
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import { RecollectError } from '../core/errors.ts'
import { limits } from '../core/limits.ts'
import type { Configuration } from './load.ts'
import { readFileWhole } from './read-file.ts'

export interface Certificate {
  readonly certFile: string
  /** PEM: the server's own certificate, then its chain. */
  readonly cert: string
  readonly key: string
  /** ms since 1970. */
  readonly validUntil: number
  /** From then on it should have been renewed: 14 days before its end, or a fifth of its life if that is less. */
  readonly renewFrom: number
  /** Clients trust it by its own file alone. */
  readonly selfSigned: boolean
  /** Whether a client that calls this host name or address accepts it. */
  covers(host: string): boolean
}

export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** The files that the settings name, if they name any. @throws `invalid_input` for one without the other */
export function certificateFiles({ get }: Configuration): CertificateFiles | undefined {
  const [certFile, keyFile] = [get('gateway.tls.certFile') as string | undefined, get('gateway.tls.keyFile') as string | undefined]
  if (certFile === undefined && keyFile === undefined) return undefined
  if (certFile === undefined || keyFile === undefined)
    throw refused('TLS needs a certificate and its key', 'Set both gateway.tls.certFile and gateway.tls.keyFile, or neither.')
  return { certFile, keyFile }
}

/**
 * Reads both files, and looks whether they can serve at this time.
 *
 * @throws `invalid_input` for a file that cannot be read or holds no PEM, a key that others can read, is encrypted or belongs to another certificate, and
 * a certificate that is not valid now
 */
export function readCertificate({ certFile, keyFile }: CertificateFiles, now: number): Certificate {
  const [cert, key] = [pemOf('certificate', certFile).text, keyPem(keyFile)]
  const own = firstOf(certFile, cert)
  const pair = `the certificate in ${certFile} and the key in ${keyFile}`
  if (!own.checkPrivateKey(keyOf(keyFile, key)))
    throw refused(`${pair} do not belong together`, "Name the key of this certificate. A chain begins with the server's own certificate.")
  const [validFrom, validUntil] = [Date.parse(own.validFrom), Date.parse(own.validTo)]
  if (Number.isNaN(validFrom + validUntil))
    throw refused(`the certificate in ${certFile} does not say when it is valid`, 'Make it anew: one of its dates is none.')
  if (now < validFrom || now >= validUntil)
    throw refused(
      `the certificate in ${certFile} ${now < validFrom ? 'is valid only from' : 'expired on'} ${dayOf(now < validFrom ? validFrom : validUntil)}`,
      now < validFrom ? "Check this machine's clock, or wait until then." : 'Renew it, and start again.',
    )
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    throw refused(`TLS cannot be spoken with ${pair}`, 'Use a certificate chain in PEM and a key of at least RSA 2048 or P-256.', cause)
  }
  return {
    certFile,
    cert,
    key,
    validUntil,
    renewFrom: validUntil - Math.min(limits.certificateRenewMs, (validUntil - validFrom) / 5),
    selfSigned: own.verify(own.publicKey),
    covers: (host) => {
      const name = host.replace(/^\[|\]$/g, '')
      return (isIP(name) === 0 ? own.checkHost(name) : own.checkIP(name)) !== undefined
    },
  }
}

/** 2026-11-25, for people. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

const refused = (what: string, nextStep: string, cause?: unknown) => new RecollectError('invalid_input', what, nextStep, { cause })

function pemOf(what: string, file: string): { readonly text: string; readonly mode: number; readonly uid: number } {
  const read = readFileWhole(file, limits.pemFileBytes)
  if ('fault' in read) throw refused(`the ${what} file ${file} ${read.fault}`, 'Name a PEM file that this user may read.')
  return { ...read, text: Buffer.from(read.bytes).toString('latin1') } // PEM is ASCII; what is not reads as no PEM
}

/** A key is for its owner alone. A group may read one that is root's: so Debian and Kubernetes hand keys out, and Postgres takes them. */
function keyPem(file: string): string {
  const { text, mode, uid } = pemOf('key', file)
  if (process.getuid === undefined || (mode & (uid === 0 ? 0o037 : 0o077)) === 0) return text // Windows has no modes
  throw refused(`the key file ${file} has mode ${(mode & 0o777).toString(8).padStart(4, '0')}; others can reach it`, `Run: chmod 600 ${file}`)
}

function firstOf(file: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw refused(`the certificate file ${file} holds no certificate in PEM`, 'Name the file that begins with BEGIN CERTIFICATE.', cause)
  }
}

function keyOf(file: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    if (/ENCRYPTED/.test(pem))
      throw refused(
        `the key in ${file} is encrypted, and nobody is there to give its passphrase`,
        `Write it without one: openssl pkey -in ${file} -out KEYFILE, and chmod 600 KEYFILE.`,
      )
    throw refused(`the key file ${file} holds no private key in PEM`, 'Name the file that begins with BEGIN PRIVATE KEY.')
  }
}
