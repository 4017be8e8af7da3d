// Connections on which nothing was asked yet: a browser opens them ahead, and probes do. The server's own end waits for them, so it is told here which may go (GW-14).
import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'

/** Watches a server from its first connection on; the answer ends those that are quiet now. */
export function quietConnections(server: Server | TlsServer, isTls: boolean): () => void {
  const open = new Map<string, Socket>()
  const keep = (socket: Socket) => {
    const client = `${socket.remoteAddress} ${socket.remotePort}`
    open.set(client, socket) // a finished handshake takes the place of the socket under it
    socket.once('close', () => open.delete(client))
  }
  server.on('connection', keep)
  server.on('secureConnection', keep)
  return () => {
    for (const socket of open.values()) if (socket.bytesRead === 0 || (isTls && !('encrypted' in socket))) socket.destroy()
  }
}
