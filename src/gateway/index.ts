// The gateway in front of any model, by name: for servers that mount it, and for `recollect serve`.
export { createGateway, routeTable, type Gateway } from './app.ts'
export type { GatewayOptions } from './gateway-options.ts'
export { openapiDocument } from './openapi.ts'
export { checkBind, serveGateway, type Served, type ServeOptions, type TlsIdentity } from './serve.ts'
