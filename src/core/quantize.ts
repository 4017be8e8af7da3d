// Vectors as they are stored and asked with: int8 and int16, each with one scale (EMB-3).

/** `values[k] · scale` is the vector. Zero vector: scale 0. */
export interface Int8Vector {
  readonly values: Int8Array
  readonly scale: number // a float32
}
export interface Int16Vector {
  readonly values: Int16Array
  readonly scale: number
}

function largest(vector: Float32Array): number {
  let most = 0
  for (let k = 0; k < vector.length; k++) most = Math.max(most, Math.abs(vector[k]!))
  return most
}

/** A vector for storage: its largest component becomes ±127. What is not finite gives the zero vector. */
export function quantizeVector(vector: Float32Array): Int8Vector {
  const values = new Int8Array(vector.length)
  const scale = Math.fround(largest(vector) / 127)
  if (!(scale > 0 && scale < Infinity)) return { values, scale: 0 }
  for (let k = 0; k < vector.length; k++) values[k] = Math.max(-127, Math.min(127, Math.round(vector[k]! / scale)))
  return { values, scale }
}

/**
 * A query, widened to int16 so that only the stored side loses precision. Its largest component is ±32,767, or less in long vectors,
 * so that no sum of products with int8 leaves an int32.
 */
export function quantizeQuery(vector: Float32Array): Int16Vector {
  const values = new Int16Array(vector.length)
  const most = Math.min(32_767, Math.floor(2_147_483_647 / (128 * vector.length)))
  const scale = largest(vector) / most
  if (!(scale > 0 && scale < Infinity)) return { values, scale: 0 }
  for (let k = 0; k < vector.length; k++) values[k] = Math.max(-most, Math.min(most, Math.round(vector[k]! / scale)))
  return { values, scale }
}
