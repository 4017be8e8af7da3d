// One line a request, at its end, with the code of what went wrong; and a line for work that goes on without a part (OBS-11).
import { afterEach, expect, test } from 'vitest'
import { recordingTelemetry, type RecordedLine } from '../../src/testing/index.ts'
import { gatewayWorld, type GatewayWorld } from './gateway-world.ts'
import { begins, refuses, says } from './scripted-upstream.ts'

const open: GatewayWorld[] = []
afterEach(async () => {
  for (const world of open.splice(0)) await world.close()
})

const aWorld = async (...[options, library]: Parameters<typeof gatewayWorld>) => {
  const telemetry = recordingTelemetry()
  const world = await gatewayWorld({ telemetry, ...options }, library)
  open.push(world)
  const lines = () => telemetry.lines.filter(({ event }) => event === 'request')
  return { ...world, lines }
}
const said = ({ level, fields }: RecordedLine) => [level, fields?.route, fields?.status, fields?.code]
const turn = (stream: boolean) => ({ stream, messages: [{ role: 'user', content: 'Hello.' }] })

test('a fault of ours or of a part is told as an error, with its code; a refusal with its own; what goes well has none [OBS-11, ACC-15]', async () => {
  const { call, chat, upstream, recollect, lines } = await aWorld({
    metrics: () => {
      throw new Error('canary')
    },
  })
  const { secret } = await recollect.credentials.create('default', { name: 'op', roles: ['operator'], userText: 'paste' })
  await call('GET', '/metrics', undefined, { authorization: `Bearer ${secret}` })
  upstream.next(refuses(503, { message: 'canary' }))
  await chat('one', turn(false))
  await call('GET', '/api/v1/sessions/nothing')
  await call('PUT', '/healthz')
  await call('GET', '/healthz')
  expect(lines().map(said)).toEqual([
    ['error', '/metrics', 500, 'internal'],
    ['error', '/s/{sessionId}/v1/chat/completions', 503, 'unavailable'],
    ['info', '/api/v1/sessions/{sessionId}', 404, 'not_found'],
    ['info', 'other', 405, 'invalid_input'],
    ['info', '/healthz', 200, undefined],
  ])
  expect(JSON.stringify(lines())).not.toContain('canary')
})

test('a stream has its line when it ends, and not before [OBS-11]', async () => {
  const { chat, upstream, lines } = await aWorld()
  let goOn = () => {}
  upstream.next((response, body) => {
    begins(response, body, [{ content: 'half ' }])
    goOn = () => says('and the rest.')(response, body)
  })
  const answer = await chat('one', turn(true))
  expect(lines()).toEqual([])
  goOn()
  await answer.text()
  expect(lines().map(said)).toEqual([['info', '/s/{sessionId}/v1/chat/completions', 200, undefined]])
})

test('a gateway whose telemetry fails answers all the same [OBS-7]', async () => {
  const fail = () => {
    throw new Error('the collector is down')
  }
  const world = await gatewayWorld({ telemetry: { count: fail, observe: fail, gauge: fail, log: fail } })
  open.push(world)
  expect((await world.call('GET', '/api/v1/whoami')).status).toBe(200)
})
