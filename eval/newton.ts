// The arithmetic of a fit: folds by a seed, and two convex losses with their minimum by Newton's method. Pure; a handful of weights at most.

/** A loss at some weights, with its slope and its curvature (row after row, to the diagonal). */
interface Loss {
  value: number
  readonly gradient: Float64Array
  readonly hessian: Float64Array
}

/** One line of a logistic regression; its last weight is the bias. */
export interface Sample {
  readonly row: readonly number[]
  readonly isPositive: boolean
  readonly weight: number
}

/** One question's candidates: what is `gold` should come first. */
export interface Ranked {
  readonly rows: readonly (readonly number[])[]
  readonly gold: readonly boolean[] // at least one is true
  readonly weight: number
}

/** The fold of each of `count` conversations: shuffled, then dealt, so that folds are as equal as can be. */
export function foldsOf(count: number, folds: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1))
    ;[order[i], order[other]] = [order[other]!, order[i]!]
  }
  const fold: number[] = []
  for (const [place, conversation] of order.entries()) fold[conversation] = place % folds
  return fold
}

export const sumOf = (weights: ArrayLike<number>, row: readonly number[]): number => {
  let sum = 0
  for (let i = 0; i < row.length; i++) sum += weights[i]! * row[i]!
  return sum
}

/** How likely each sample is what it is. */
export const fitLogistic = (samples: readonly Sample[], size: number): number[] =>
  minimum(size + 1, (at, loss) => {
    for (const { row, isPositive, weight } of samples) {
      const x = [...row, 1]
      const sum = sumOf(at, x)
      const p = 1 / (1 + Math.exp(-sum))
      loss.value += weight * (Math.log1p(Math.exp(-Math.abs(sum))) + Math.max(0, isPositive ? -sum : sum))
      add(loss, x, weight * (p - (isPositive ? 1 : 0)), weight * p * (1 - p))
    }
  })

/** How likely the gold is drawn first of its list (multinomial logit; several share one draw). */
export const fitOrder = (lists: readonly Ranked[], size: number): number[] =>
  minimum(size, (at, loss) => {
    for (const { rows, gold, weight } of lists) {
      const sums = rows.map((row) => sumOf(at, row))
      const most = Math.max(...sums)
      const total = sums.reduce((all, sum) => all + Math.exp(sum - most), 0)
      const share = weight / gold.filter(Boolean).length
      const expected = Array.from({ length: size }, () => 0)
      loss.value += weight * (most + Math.log(total))
      for (const [i, row] of rows.entries()) {
        const p = Math.exp(sums[i]! - most) / total
        for (let k = 0; k < size; k++) expected[k]! += p * row[k]!
        if (gold[i] === true) loss.value -= share * sums[i]!
        add(loss, row, weight * p - (gold[i] === true ? share : 0), weight * p)
      }
      add(loss, expected, 0, -weight) // E[x·x] − E[x]·E[x]
    }
  })

function add({ gradient, hessian }: Loss, row: readonly number[], slope: number, curve: number): void {
  const size = row.length
  for (let i = 0; i < size; i++) {
    gradient[i]! += slope * row[i]!
    const curved = curve * row[i]!
    for (let j = 0; j <= i; j++) hessian[i * size + j]! += curved * row[j]!
  }
}

const ridge = 1e-4 // of a loss whose sets weigh 1 each: holds what the data leave open at 0, and moves nothing else

function minimum(size: number, addTo: (at: Float64Array, loss: Loss) => void): number[] {
  const lossAt = (at: Float64Array): Loss => {
    const loss = { value: 0, gradient: new Float64Array(size), hessian: new Float64Array(size * size) }
    addTo(at, loss)
    for (let i = 0; i < size; i++) {
      loss.value += (ridge / 2) * at[i]! ** 2
      loss.gradient[i]! += ridge * at[i]!
      loss.hessian[i * size + i]! += ridge
    }
    return loss
  }
  let at = new Float64Array(size)
  let loss = lossAt(at)
  for (let turn = 0, length = 1; turn < 100 && length > 1e-4; turn++) {
    const step = solved(loss.hessian, loss.gradient)
    if (step.every((one) => Math.abs(one) < 1e-4)) break
    const next = at.map((one, i) => one - length * step[i]!)
    const there = lossAt(next)
    if (there.value > loss.value) length /= 2 // too far
    else [at, loss, length] = [next, there, 1]
  }
  return [...at]
}

/** x of matrix · x = right by Cholesky, of a positive definite matrix that is given to the diagonal. */
function solved(matrix: Float64Array, right: Float64Array): Float64Array {
  const size = right.length
  const root = matrix.slice()
  const x = right.slice()
  const at = (i: number, j: number) => root[i * size + j]!
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) {
      let rest = at(i, j)
      for (let k = 0; k < j; k++) rest -= at(i, k) * at(j, k)
      root[i * size + j] = i === j ? Math.sqrt(rest) : rest / at(j, j)
    }
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) x[i]! -= at(i, k) * x[k]!
    x[i]! /= at(i, i)
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) x[i]! -= at(k, i) * x[k]!
    x[i]! /= at(i, i)
  }
  return x
}
