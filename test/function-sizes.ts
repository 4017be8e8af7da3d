// How long each function is, in lines of its own: what stands in functions inside it is counted there. So a maker that returns its methods is as long as what it does itself.
import { parseSync } from 'oxc-parser'

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
const isFunction = ({ type }: Node) => type === 'FunctionDeclaration' || type === 'FunctionExpression' || type === 'ArrowFunctionExpression'

/** Functions of a file whose own lines are over `most`: the line where each begins, and how long it is. */
export function longFunctions(name: string, text: string, most: number): string[] {
  const starts = [0, ...[...text.matchAll(/\n/g)].map((m) => m.index + 1)]
  const lineOf = (at: number) => starts.findLastIndex((start) => start <= at)
  const found: string[] = []
  /** Gives how many lines of functions stand directly below this node. */
  const visit = (node: Node): number => {
    let inside = 0
    for (const value of Object.values(node)) for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) inside += visit(child)
    if (!isFunction(node)) return inside
    const lines = lineOf(node.end) - lineOf(node.start) + 1
    if (lines - inside > most) found.push(`${name}:${lineOf(node.start) + 1} has ${lines - inside} lines of its own`)
    return Math.max(0, lines - 1) // a function on one line takes nothing from the one around it
  }
  visit(parseSync(name, text).program as unknown as Node)
  return found
}
