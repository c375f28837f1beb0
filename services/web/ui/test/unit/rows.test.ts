import assert from 'node:assert/strict'
import { test } from 'node:test'
import { justify, setMonth, type Cell, type Measure } from '../../src/rows'

const measure: Measure = { width: 1200, row: 240, gap: 4, dayGap: 24, dayMin: 176 }

/** The rows of a run of cells, told apart by where they no longer fit. */
function rows(cells: Cell[], m: Measure): Cell[][] {
  const out: Cell[][] = []
  let used = Infinity
  for (const cell of cells) {
    if (used + m.gap + cell.width > m.width) {
      out.push([])
      used = -m.gap
    }
    out.at(-1)?.push(cell)
    used += m.gap + cell.width
  }
  return out
}

// A sequence that looks random and is the same every time.
function* ratios(seed: number): Generator<number> {
  for (;;) {
    seed = (seed * 1103515245 + 12345) % 2147483648
    yield [0.5, 0.67, 0.75, 1, 1.33, 1.5, 1.78, 3][Math.floor(seed / 65536) % 8] ?? 1
  }
}

test('full rows reach the edge exactly, at one height, near the one aimed at', () => {
  for (let seed = 1; seed <= 40; seed++) {
    for (const width of [340, 366, 700, 1200, 1883]) {
      const m = { ...measure, width, row: width < 500 ? 130 : 240 }
      const source = ratios(seed)
      const all = Array.from({ length: 23 }, () => source.next().value as number)
      const set = rows(justify(all, m), m)
      assert.equal(set.flat().length, 23)
      for (const row of set.slice(0, -1)) {
        const sum = row.reduce((total, c) => total + c.width, 0) + m.gap * (row.length - 1)
        assert.equal(sum, width)
        assert.equal(new Set(row.map((c) => c.height)).size, 1)
        const height = row[0]?.height ?? 0
        assert.ok(height > m.row * 0.5 && height < m.row * 2, `height ${height} for ${m.row}`)
      }
    }
  }
})

test('a ragged last row is not blown up', () => {
  const cells = justify([1.5, 1.5, 1.5, 1.5, 1.5, 1], measure)
  const last = cells.at(-1)
  assert.ok(last && last.height <= 240 * 1.28 && last.width < 400)
})

test('pictures keep their proportions to a pixel', () => {
  const all = [1.5, 0.67, 1.33, 1.78, 1, 0.75, 1.5]
  const cells = justify(all, measure)
  cells.slice(0, 3).forEach((cell, i) => assert.ok(Math.abs(cell.width / cell.height - (all[i] ?? 0)) < 0.02))
})

test('days with few pictures share a line, and never more than fits', () => {
  const days = [[1.5], [1.33, 0.75], [1.5], [1.5], [1, 1, 1, 1, 1, 1, 1, 1, 1]]
  const set = setMonth(days, measure)
  assert.equal(set.length, days.length)
  const [a, b] = set
  assert.ok(a && b && a.width + measure.dayGap + b.width <= measure.width)
  assert.equal(set[4]?.width, measure.width)
  set.forEach((day, i) => assert.equal(day.cells.length, days[i]?.length))
  for (const day of set) assert.ok(day.width <= measure.width && day.width >= measure.dayMin)
})

test('a day is never narrower than its heading, even on the smallest screen', () => {
  const m = { ...measure, width: 300, row: 120, dayMin: 176 }
  const [day] = setMonth([[0.5]], m)
  assert.equal(day?.width, 176)
  assert.deepEqual(setMonth([], m), [])
})

test('one panorama wider than the window fits', () => {
  const [day] = setMonth([[3]], { ...measure, width: 320 })
  assert.ok(day && (day.cells[0]?.width ?? 999) <= 320)
})
