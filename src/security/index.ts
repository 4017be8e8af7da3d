// The subpath `recollect/security`: key providers and policies that an application may pass in. No scope can be made from here (ISO-2).
export { fileKeyProvider, type FileKeyOptions } from './keys/file-key-provider.ts'
export { memoryKeyProvider } from './keys/memory-key-provider.ts'
export { decideByRole, rolePolicy, roleTable, type Reach } from './access/role-policy.ts'
