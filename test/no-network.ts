// Closes the network for every test: only this machine may be spoken to (RUN-12).
import net from 'node:net'

const near = new Set(['127.0.0.1', '::1', 'localhost'])
const connect = net.Socket.prototype.connect

net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
  const [first] = (Array.isArray(args[0]) ? args[0] : args) as [unknown]
  const options = typeof first === 'object' && first !== null ? (first as { host?: string; path?: string }) : { host: String(args[1] ?? 'localhost') }
  if (options.path === undefined && !near.has(options.host ?? 'localhost'))
    throw new Error(`a test asked for ${options.host}: only this machine may be spoken to`)
  return Reflect.apply(connect, this, args)
} as typeof connect
