// A gateway that speaks TLS itself: who may reach it, what is refused at its start, and how a renewed certificate comes into use (ACC-14).
import { createPrivateKey } from 'node:crypto'
import { chmod, rm } from 'node:fs/promises'
import { request } from 'node:https'
import { connect as connectPlain } from 'node:net'
import tls from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { takeRenewals } from '../../src/cli/renewal.ts'
import { welcome } from '../../src/cli/welcome.ts'
import { certificateFiles, readCertificate, type Certificate } from '../../src/config/certificate.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import type { SettingName } from '../../src/config/settings.ts'
import { limits } from '../../src/core/limits.ts'
import { systemClock } from '../../src/create-recollect/system-clock.ts'
import { createGateway, serveGateway, type Served } from '../../src/gateway/index.ts'
import { manualClock, recordingTelemetry } from '../../src/testing/index.ts'
import { aCertificate, certificateFolder } from '../builders/certificate.ts'
import { gatewayWorld, type GatewayWorld } from './gateway-world.ts'
import { says } from './scripted-upstream.ts'

const now = Date.UTC(2026, 0, 1)
let world: GatewayWorld
const parts = {
  clock: systemClock,
  random: () => new Uint8Array(16),
  telemetry: recordingTelemetry(),
  version: '0',
  hosts: ['127.0.0.1'],
  metrics: () => '',
}
const served: Served[] = []
beforeAll(async () => {
  world = await gatewayWorld()
})
afterAll(() => world.close())

/** The gateway of the world, on a socket of its own. */
const serving = async (made = aCertificate(), host = '127.0.0.1') => {
  const one = await serveGateway(world.gateway, { host, port: 0, clock: systemClock, tls: made })
  served.push(one)
  return one
}
afterEach(async () => {
  for (const one of served.splice(0)) await one.stop()
})

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  readonly protocol: string | null
}
/** By a client that trusts this certificate alone, over a connection of its own. */
const call = (url: string, trusted: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options
    request(url, { method, ca: trusted, agent: false, headers: { authorization: `Bearer ${world.key}`, ...headers } }, (answer) => {
      const protocol = (answer.socket as tls.TLSSocket).getProtocol()
      let text = ''
      answer.on('data', (piece: Buffer) => (text += piece.toString()))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text, protocol }))
    })
      .on('error', reject)
      .end(body)
  })

describe('over TLS', () => {
  test('the same routes answer by https, a chat turn too, and a client that does not trust the certificate sends nothing [ACC-14, GW-1]', async () => {
    const made = aCertificate()
    const { url, port } = await serving(made)
    expect(url).toBe(`https://127.0.0.1:${port}`)
    const who = await call(`${url}/api/v1/whoami`, made.cert)
    expect([who.status, JSON.parse(who.body), who.protocol]).toEqual([200, expect.objectContaining({ owner: 'alice' }), 'TLSv1.3'])
    world.upstream.next(says('Good morning.'))
    const body = JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'Hello.' }] })
    const turn = await call(`${url}/s/by-tls/v1/chat/completions`, made.cert, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    expect([turn.status, await world.said('by-tls')]).toEqual([200, ['user: Hello.', 'assistant: Good morning.']])
    await expect(call(url, aCertificate().cert)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  })

  test('what is not TLS gets no answer, and the gateway goes on [ACC-14]', async () => {
    const made = aCertificate()
    const { url, port } = await serving(made)
    const said = await new Promise<string>((resolve) => {
      let text = ''
      const socket = connectPlain(port, '127.0.0.1', () => socket.write('GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'))
      socket.on('data', (piece: Buffer) => (text += piece.toString('latin1')))
      socket.on('error', () => {})
      socket.on('close', () => resolve(text))
    })
    expect(said).not.toContain('HTTP/')
    expect((await call(`${url}/healthz`, made.cert)).status).toBe(200)
  })

  test('TLS 1.2 is spoken and TLS 1.1 is not, even where the process was started to allow it [ACC-14]', async () => {
    const usual = [tls.DEFAULT_MIN_VERSION, tls.DEFAULT_CIPHERS] as const
    onTestFinished(() => void ([tls.DEFAULT_MIN_VERSION, tls.DEFAULT_CIPHERS] = usual))
    ;[tls.DEFAULT_MIN_VERSION, tls.DEFAULT_CIPHERS] = ['TLSv1', 'DEFAULT@SECLEVEL=0'] // as --tls-min-v1.0 and --tls-cipher-list do
    const made = aCertificate()
    const one = await serving(made)
    const spoken = (version: tls.SecureVersion) =>
      new Promise<string | null>((resolve) => {
        const socket = tls.connect({ port: one.port, host: '127.0.0.1', ca: made.cert, minVersion: version, maxVersion: version })
        socket.once('secureConnect', () => resolve(socket.getProtocol()))
        socket.once('error', () => resolve(null))
        onTestFinished(() => void socket.destroy())
      })
    expect([await spoken('TLSv1.1'), await spoken('TLSv1.2')]).toEqual([null, 'TLSv1.2'])
    one.renew(made)
    expect([await spoken('TLSv1.1'), await spoken('TLSv1.2')]).toEqual([null, 'TLSv1.2'])
  })

  test('whoever came by TLS is told to stay there; a browser of this machine is not, by the name localhost [ACC-14]', async () => {
    const made = aCertificate(['127.0.0.1', 'localhost'])
    const { url } = await serving(made)
    const hsts = async (host: string) => (await call(`${url}/healthz`, made.cert, { headers: { host } })).headers['strict-transport-security']
    expect([await hsts('127.0.0.1'), await hsts('localhost')]).toEqual(['max-age=31536000; includeSubDomains', undefined])
  })

  test('every address may be bound with a certificate, and a key is still asked for [ACC-14]', async () => {
    const made = aCertificate(['127.0.0.1', 'evil.example'])
    const { url } = await serving(made, '0.0.0.0')
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/) // where a client of this machine reaches it
    expect((await call(`${url}/api/v1/whoami`, made.cert, { headers: { authorization: 'Bearer nothing' } })).status).toBe(401)
    expect((await call(`${url}/healthz`, made.cert, { headers: { host: 'evil.example' } })).status).toBe(403)
  })

  test('a renewed certificate is what new connections see; one that stands goes on [ACC-14]', async () => {
    const [first, second] = [aCertificate(), aCertificate()]
    const one = await serving(first)
    const standing = tls.connect({ port: one.port, host: '127.0.0.1', ca: first.cert })
    await new Promise((resolve) => standing.once('secureConnect', resolve))
    one.renew(second)
    expect((await call(`${one.url}/healthz`, second.cert)).status).toBe(200)
    await expect(call(`${one.url}/healthz`, first.cert)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    const answered = new Promise<string>((resolve) => standing.once('data', (piece: Buffer) => resolve(piece.toString('latin1', 0, 15))))
    standing.write('GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n')
    expect(await answered).toBe('HTTP/1.1 200 OK')
  })
})

test.each([
  ['that said nothing', (port: number) => connectPlain(port, '127.0.0.1'), 'connect', false],
  ['in the middle of its handshake', (port: number) => connectPlain(port, '127.0.0.1'), 'connect', true],
  ['that shook hands and said nothing', (port: number, ca: string) => tls.connect({ port, host: '127.0.0.1', ca }), 'secureConnect', true],
])('a connection %s does not hold up the end [GW-14]', async (_, open, ready, isTls) => {
  const made = aCertificate()
  const gateway = createGateway(world.recollect, parts)
  const one = await serveGateway(gateway, { host: '127.0.0.1', port: 0, clock: manualClock(now), ...(isTls ? { tls: made } : {}) })
  const socket = open(one.port, made.cert).on('error', () => {})
  await new Promise((resolve) => socket.once(ready, resolve))
  expect(await one.stop()).toBe(true) // the time of its clock stands still: nothing is cut
})

test('a request by TLS that is under way at the end is answered [GW-14, ACC-14]', async () => {
  const made = aCertificate()
  let answer = () => {}
  const asked = new Promise<void>((resolve) =>
    world.upstream.next((response, body) => {
      answer = () => says('Here it is.')(response, body)
      resolve()
    }),
  )
  const upstream = { name: 'scripted', baseUrl: world.upstream.url }
  const gateway = createGateway(world.recollect, { ...parts, upstream })
  const one = await serveGateway(gateway, { host: '127.0.0.1', port: 0, clock: manualClock(now), tls: made })
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Wait for it.' }] })
  const turn = call(`${one.url}/v1/chat/completions`, made.cert, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  await asked
  const ended = one.stop()
  answer()
  expect([(await turn).status, await ended]).toEqual([200, true])
})

/** Both files on disk, and what a start says of them. */
const onDisk = async (made: { cert: string; key: string } = aCertificate()) => {
  const folder = await certificateFolder(made)
  onTestFinished(folder.remove)
  const read = (at = now): Certificate => readCertificate(folder, at)
  const fault = (at = now): unknown => {
    try {
      read(at)
      return 'none'
    } catch (error) {
      return error
    }
  }
  return { ...folder, read, fault }
}
const refusal = (message: RegExp, nextStep: RegExp) => ({
  code: 'invalid_input',
  message: expect.stringMatching(message) as string,
  nextStep: expect.stringMatching(nextStep) as string,
})

describe('a certificate is read before it serves', () => {
  const settings = (values: Partial<Record<SettingName, string>>) => loadConfiguration({ flags: values, environment: {} })

  test('one file without the other is refused; without either no TLS is spoken [ACC-14, CFG-5]', () => {
    const one = { 'gateway.tls.certFile': 'cert.pem' }
    const other = { 'gateway.tls.keyFile': 'key.pem' }
    expect(certificateFiles(settings({ ...one, ...other }))).toEqual({ certFile: 'cert.pem', keyFile: 'key.pem' })
    expect(certificateFiles(settings({}))).toBeUndefined()
    for (const alone of [one, other]) expect(() => certificateFiles(settings(alone))).toThrow(/needs a certificate and its key/)
  })

  test('a certificate says until when, for whom, and whether it vouches for itself [ACC-14]', async () => {
    const { read } = await onDisk(aCertificate(['127.0.0.1', 'memory.example', '*.wild.example'], { from: '20260101000000Z', to: '20260111000000Z' }))
    const found = read()
    expect([found.validUntil, found.renewFrom, found.selfSigned]).toEqual([Date.UTC(2026, 0, 11), Date.UTC(2026, 0, 9), true])
    const names = ['127.0.0.1', 'memory.example', 'a.wild.example', '[::1]', 'localhost', 'example']
    expect(names.filter(found.covers)).toEqual(['127.0.0.1', 'memory.example', 'a.wild.example'])
  })

  test('files that are not there, are no files, or hold no PEM are refused by their name [ACC-14]', async () => {
    const { certFile, keyFile, fault, write } = await onDisk()
    const made = aCertificate()
    await write({ cert: 'no certificate', key: made.key })
    expect(fault()).toMatchObject(refusal(/certificate file .*cert\.pem holds no certificate/, /BEGIN CERTIFICATE/))
    await write({ cert: made.cert, key: made.cert })
    expect(fault()).toMatchObject(refusal(/key file .*key\.pem holds no private key/, /BEGIN PRIVATE KEY/))
    await write({ cert: made.cert, key: 'x'.repeat(limits.pemFileBytes + 1) })
    expect(fault()).toMatchObject(refusal(/key file .* has over 65536 bytes/, /./))
    await rm(keyFile)
    expect(fault()).toMatchObject(refusal(/key file .* is not there/, /PEM file/))
    await rm(certFile)
    expect(fault()).toMatchObject(refusal(/certificate file .* is not there/, /PEM file/))
    expect(() => readCertificate({ certFile: '/', keyFile }, now)).toThrow(/is a folder/)
  })

  test.skipIf(process.getuid === undefined)('a key that others can reach is refused, and its owner is told the command [ACC-14]', async () => {
    const { keyFile, fault, openTo } = await onDisk()
    const owner = process.getuid?.() === 0 ? 0o640 : 0o600 // a file of root's may be read by a group
    for (const mode of [0o644, 0o604, 0o660, owner | 0o001]) {
      await openTo(mode)
      expect(fault()).toMatchObject(refusal(new RegExp(`has mode 0${mode.toString(8)}; others can reach it`), new RegExp(`chmod 600 ${keyFile}`)))
    }
    for (const mode of [0o600, 0o400, owner]) {
      await openTo(mode)
      expect(fault()).toBe('none')
    }
    await chmod(keyFile, 0o600)
  })

  test('a key of another certificate, and an encrypted one, are refused [ACC-14]', async () => {
    const { fault, write } = await onDisk()
    const [one, other] = [aCertificate(), aCertificate()]
    await write({ cert: one.cert, key: other.key })
    expect(fault()).toMatchObject(refusal(/do not belong together/, /own certificate/))
    await write({ cert: other.cert + one.cert, key: one.key }) // a chain in the wrong order
    expect(fault()).toMatchObject(refusal(/do not belong together/, /begins with the server's own/))
    const key = createPrivateKey(one.key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'canary-7' }) as string
    await write({ cert: one.cert, key })
    expect(fault()).toMatchObject(refusal(/is encrypted/, /openssl pkey/))
  })

  test('a certificate serves from its first moment to its last, and outside of them is refused with the day [ACC-14]', async () => {
    const { fault } = await onDisk(aCertificate(['127.0.0.1'], { from: '20260101000000Z', to: '20270101000000Z' }))
    expect([fault(now), fault(Date.UTC(2027, 0, 1) - 1)]).toEqual(['none', 'none'])
    expect(fault(now - 1)).toMatchObject(refusal(/valid only from 2026-01-01/, /clock/))
    expect(fault(Date.UTC(2027, 0, 1))).toMatchObject(refusal(/expired on 2027-01-01/, /Renew/))
    for (const dates of [{ from: '20261301000000Z' }, { to: '20261301000000Z' }])
      expect((await onDisk(aCertificate(['127.0.0.1'], dates))).fault(now)).toMatchObject(refusal(/does not say when it is valid/, /anew/))
  })
})

test('a running gateway takes up what is renewed, and tells once what cannot be served [ACC-14, OBS-11]', async () => {
  const { read, write } = await onDisk()
  const clock = manualClock(now)
  const telemetry = recordingTelemetry()
  const [stop, used] = [new AbortController(), [] as string[]]
  const first = read()
  const ended = takeRenewals({ clock, telemetry, read: () => read(clock.now()), use: ({ cert }) => void used.push(cert) }, first, stop.signal)
  let seen = 0
  const news = () => telemetry.lines.slice(seen, (seen = telemetry.lines.length))
  const aMinuteLater = async () => {
    clock.advance(limits.certificateLookMs)
    while (clock.sleeping < 1) await Promise.resolve()
    return news().map(({ level, event, fields }) => [level, event, fields?.code])
  }
  expect(await aMinuteLater()).toEqual([])
  const second = aCertificate()
  const third = aCertificate(['127.0.0.1'], { to: '20260102000000Z', renews: second }) // the same key
  await write({ cert: second.cert, key: first.key }) // in the middle of a renewal
  expect([await aMinuteLater(), await aMinuteLater()]).toEqual([[['error', 'certificate_refused', 'invalid_input']], []])
  await write(second)
  expect(await aMinuteLater()).toEqual([['info', 'certificate_renewed', undefined]])
  await write({ cert: second.cert, key: first.key })
  expect(await aMinuteLater()).toEqual([['error', 'certificate_refused', 'invalid_input']])
  await write(third)
  expect(await aMinuteLater()).toEqual([['info', 'certificate_renewed', undefined]])
  clock.set(Date.UTC(2026, 0, 2))
  while (clock.sleeping < 1) await Promise.resolve()
  expect(news().map(({ event }) => event)).toEqual(['certificate_refused']) // it has run out, and nobody renewed it
  expect(await aMinuteLater()).toEqual([])
  expect(used).toEqual([second.cert, third.cert])
  stop.abort()
  await ended
})

test('a renewed certificate that did not come into use is tried again [ACC-14, OBS-11]', async () => {
  const { read, write } = await onDisk()
  const clock = manualClock(now)
  const telemetry = recordingTelemetry()
  const stop = new AbortController()
  let tries = 0
  const use = () => {
    if (++tries === 1) throw new Error('not this time')
  }
  const ended = takeRenewals({ clock, telemetry, read: () => read(clock.now()), use }, read(), stop.signal)
  await write(aCertificate())
  for (let minute = 0; minute < 3; minute++) {
    clock.advance(limits.certificateLookMs)
    while (clock.sleeping < 1) await Promise.resolve()
  }
  expect(telemetry.lines.map(({ event }) => event)).toEqual(['certificate_refused', 'certificate_renewed'])
  stop.abort()
  await ended
})

test('readiness warns of a certificate that ends, and goes on to say ready [GW-16]', async () => {
  let ends = false
  const ready = async (certificate: { certificateEnds?: () => boolean }) => {
    const gateway = createGateway(world.recollect, { ...parts, ...certificate })
    const answer = await gateway.fetch(new Request('http://127.0.0.1/readyz'))
    const { checks } = (await answer.json()) as { checks: { name: string; state: string }[] }
    return [answer.status, checks.find(({ name }) => name === 'certificate')?.state]
  }
  expect(await ready({ certificateEnds: () => ends })).toEqual([200, 'ok'])
  ends = true
  expect(await ready({ certificateEnds: () => ends })).toEqual([200, 'warn'])
  expect(await ready({})).toEqual([200, undefined])
})

test('what serve says first names the URL that the certificate covers, and how curl comes to trust it [RUN-7]', async () => {
  const said = async (names: readonly string[], hosts: string) => {
    const { read, certFile } = await onDisk(aCertificate(names))
    const configuration = loadConfiguration({ flags: { 'gateway.hosts': hosts }, environment: {} })
    return welcome('https://127.0.0.1:8787', 'rec_key', configuration, read()).join('\n').replaceAll(certFile, 'CERT')
  }
  const named = await said(['memory.example'], '127.0.0.1,memory.example')
  expect(named).toContain('serves on https://memory.example:8787')
  expect(named).toContain('certificate       until 9999-12-31, for memory.example\n')
  expect(named.match(/curl --cacert 'CERT' https:\/\/memory\.example:8787\/s\//g)).toHaveLength(2)
  expect(await said(['memory.example'], '127.0.0.1')).toContain('for no name in gateway.hosts: set the names that clients call')
  expect(await said(['other.example', '127.0.0.1'], 'other.example,127.0.0.1')).toContain('serves on https://127.0.0.1:8787')
})
