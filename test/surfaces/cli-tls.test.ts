// The built command over https: a gateway with a certificate of its own, commands that run on it, and a doctor that looks at it (ACC-14, CLI-1, CFG-6).
import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aCertificate, certificateFolder } from '../builders/certificate.ts'
import { aPlace, built, type Place } from './cli-runs.ts'

describe.skipIf(!built)('TLS on the command line', { timeout: 120_000 }, () => {
  let place: Place
  let files: Awaited<ReturnType<typeof certificateFolder>>
  let env: Record<string, string>
  beforeAll(async () => {
    place = await aPlace()
    files = await certificateFolder(aCertificate(['127.0.0.1']))
    env = { RECOLLECT_GATEWAY_TLS_CERT_FILE: files.certFile, RECOLLECT_GATEWAY_TLS_KEY_FILE: files.keyFile }
  })
  afterAll(async () => {
    await place.remove()
    await files.remove()
  })

  test('a key that others can read stops the start before anything is made [ACC-14]', async () => {
    await files.openTo(0o644)
    const run = await place.run(['serve'], { env })
    await files.openTo(0o600)
    expect(run).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/has mode 0644; others can reach it \(invalid_input\)\n.*chmod 600 /) as string,
    })
    expect(await readdir(place.folder)).toEqual([])
  })

  test('commands run on an https gateway that they trust, and say what to do about one that they do not [CLI-1, ACC-14]', async () => {
    const served = await place.serve({ env })
    expect(served.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    expect(served.out).toContain(`curl --cacert '${files.certFile}' ${served.url}/s/first/v1/chat/completions`)
    const asks = (more: Record<string, string>) =>
      place.run(['sessions', 'list', '--url', served.url], { env: { RECOLLECT_KEY: served.key ?? '', ...more } })
    expect(await asks({ NODE_EXTRA_CA_CERTS: files.certFile })).toMatchObject({ code: 0, err: '' })
    const untrusted = await asks({})
    expect([untrusted.code, untrusted.err]).toEqual([
      9,
      expect.stringMatching(/certificate is not accepted here \(unavailable\)\n.*NODE_EXTRA_CA_CERTS/),
    ])
    expect((await served.end()).code).toBe(0)
  })

  test('doctor reads the certificate as a start does, and says where a bind would be refused [CFG-6, ACC-14]', async () => {
    const look = async (more: Record<string, string> = {}, check = 'certificate') => {
      const run = await place.run(['doctor', '--json'], { env: { ...env, ...more } })
      const { checks } = JSON.parse(run.out) as { checks: { name: string; state: string; said: string; next?: string }[] }
      return [run.code, checks.find(({ name }) => name === check)]
    }
    expect(await look()).toEqual([0, { name: 'certificate', state: 'ok', said: 'valid until 9999-12-31, for 127.0.0.1' }])
    expect(await look({ RECOLLECT_GATEWAY_HOSTS: 'memory.example' })).toEqual([
      0,
      expect.objectContaining({ state: 'warn', next: expect.stringContaining('gateway.hosts') as string }),
    ])
    expect(await look({ RECOLLECT_GATEWAY_TLS_KEY_FILE: '' })).toEqual([
      1,
      expect.objectContaining({ state: 'fail', next: expect.stringContaining('keyFile') as string }),
    ])
    expect(await look({ RECOLLECT_GATEWAY_TLS_KEY_FILE: '', RECOLLECT_GATEWAY_TLS_CERT_FILE: '' })).toEqual([0, undefined])
    const everywhere = { RECOLLECT_GATEWAY_HOST: '0.0.0.0' }
    expect(await look(everywhere, 'port')).toEqual([0, expect.objectContaining({ state: 'ok' })])
    expect(await look({ ...everywhere, RECOLLECT_GATEWAY_TLS_KEY_FILE: '', RECOLLECT_GATEWAY_TLS_CERT_FILE: '' }, 'port')).toEqual([
      1,
      expect.objectContaining({ state: 'fail', said: 'another bind than loopback needs TLS' }),
    ])
    await files.write(aCertificate(['127.0.0.1'], { to: '20200101000000Z' }))
    expect(await look()).toEqual([1, expect.objectContaining({ state: 'fail', said: expect.stringContaining('expired on 2020-01-01') as string })])
  })
})
