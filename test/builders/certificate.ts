// Makes a certificate that signs itself, with its key: a minute's DER by hand (RFC 5280), so that no private key lies in the repository,
// none runs out, and each test has the names and dates that it needs.
import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { isIPv4 } from 'node:net'
import os from 'node:os'
import path from 'node:path'

export interface MadeCertificate {
  readonly cert: string
  readonly key: string
  readonly privateKey: KeyObject
}

/** Valid from 2000 to the year 9999, unless other times are given; with a key of its own, unless it renews another. */
export function aCertificate(
  names: readonly string[] = ['127.0.0.1'],
  given: { readonly from?: string; readonly to?: string; readonly renews?: MadeCertificate } = {},
): MadeCertificate {
  const { from = '20000101000000Z', to = '99991231235959Z', renews } = given
  const privateKey = renews?.privateKey ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const algorithm = der(0x30, oid('2a8648ce3d040302')) // ecdsa-with-SHA256
  const name = der(0x30, der(0x31, der(0x30, oid('550403'), der(0x0c, Buffer.from('recollect test'))))) // commonName
  const others = names.map((one) => (isIPv4(one) ? der(0x87, Buffer.from(one.split('.').map(Number))) : der(0x82, Buffer.from(one))))
  const extensions = der(0xa3, der(0x30, der(0x30, oid('551d11'), der(0x04, der(0x30, ...others))))) // subjectAltName
  const signed = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, Buffer.from([1])), // serial number
    algorithm,
    name,
    der(0x30, der(0x18, Buffer.from(from)), der(0x18, Buffer.from(to))),
    name,
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    extensions,
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', signed, privateKey))
  const body = der(0x30, signed, algorithm, signature).toString('base64').replaceAll(/.{64}/g, '$&\n')
  const cert = `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, privateKey }
}

const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const length = body.length < 128 ? [body.length] : body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

/** A folder with both files, as an operator keeps them; the key for its owner alone. */
export async function certificateFolder({ cert, key }: Pick<MadeCertificate, 'cert' | 'key'>) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'recollect-tls-'))
  const [certFile, keyFile] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')]
  const write = async (made: Pick<MadeCertificate, 'cert' | 'key'>) => {
    await writeFile(certFile, made.cert)
    await writeFile(keyFile, made.key, { mode: 0o600 })
  }
  await write({ cert, key })
  return { certFile, keyFile, write, openTo: (mode: number) => chmod(keyFile, mode), remove: () => rm(folder, { recursive: true, force: true }) }
}
