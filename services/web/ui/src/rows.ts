// The arithmetic of the grid: rows of equal height, pictures uncropped, days
// with few pictures side by side. It knows numbers only.

export interface Cell {
  width: number
  height: number
}

/** How one day is set: its own width, and a cell for each of its pictures. */
export interface Day {
  width: number
  height: number // of its rows together
  cells: Cell[]
}

export interface Measure {
  width: number // of the page
  row: number // the height to aim at
  gap: number // between pictures
  dayGap: number // between days on one line
  dayMin: number // what a day's heading needs
}

/** Sets the days of a month, each given by its pictures' width-to-height ratios. */
export function setMonth(days: number[][], m: Measure): Day[] {
  const out: Day[] = []
  let line: number[][] = []
  let used = 0
  const flush = () => {
    out.push(...setLine(line, m))
    line = []
    used = 0
  }
  for (const day of days) {
    const width = natural(day, m)
    if (line.length > 0 && used + m.dayGap + width > m.width) flush()
    if (width > m.width) {
      const cells = justify(day, m)
      out.push({ width: m.width, height: stack(cells, m), cells })
      continue
    }
    used += (line.length > 0 ? m.dayGap : 0) + width
    line.push(day)
  }
  flush()
  return out
}

function natural(day: number[], m: Measure): number {
  return Math.max(m.dayMin, sum(day) * m.row + m.gap * (day.length - 1))
}

// A line that is nearly full is stretched to the edge; one that is not stays
// ragged, since a picture blown up to fill a line looks wrong.
const nearlyFull = 0.78
const stretchMost = 1.28

function setLine(days: number[][], m: Measure): Day[] {
  const ratios = days.reduce((total, day) => total + sum(day), 0)
  const gaps = days.reduce((total, day) => total + m.gap * (day.length - 1), 0) + m.dayGap * (days.length - 1)
  const full = (m.width - gaps) / ratios
  const narrow = days.some((day) => natural(day, m) <= m.dayMin)
  const height = !narrow && full / m.row <= Math.min(stretchMost, 1 / nearlyFull) ? full : Math.min(m.row, full)
  return days.map((day) => {
    const cells = day.map((ratio) => ({ width: Math.floor(ratio * height), height: Math.round(height) }))
    const width = Math.max(m.dayMin, cells.reduce((total, c) => total + c.width, 0) + m.gap * (day.length - 1))
    return { width: Math.min(width, m.width), height: Math.round(height), cells }
  })
}

/** Breaks one day's pictures into rows that fill the width; the last may be ragged. */
export function justify(ratios: number[], m: Measure): Cell[] {
  const out: Cell[] = []
  let row: number[] = []
  let last = m.row
  for (const ratio of ratios) {
    const before = fill(row, m)
    const after = fill([...row, ratio], m)
    if (row.length > 0 && after < m.row && deviation(before, m) < deviation(after, m)) {
      out.push(...cells(row, before, m))
      last = before
      row = []
    }
    row.push(ratio)
  }
  const full = fill(row, m)
  if (full / m.row <= 1 / nearlyFull) return [...out, ...cells(row, full, m)]
  const height = Math.min(last, m.row * stretchMost, full)
  return [...out, ...row.map((ratio) => ({ width: Math.floor(ratio * height), height: Math.round(height) }))]
}

// fill is the height at which a row is as wide as the page.
function fill(row: number[], m: Measure): number {
  return (m.width - m.gap * (row.length - 1)) / sum(row)
}

function deviation(height: number, m: Measure): number {
  return Math.abs(Math.log(height / m.row))
}

// cells rounds down and gives what is left over to the last picture, so that
// the right edge is straight.
function cells(row: number[], height: number, m: Measure): Cell[] {
  const out = row.map((ratio) => ({ width: Math.floor(ratio * height), height: Math.round(height) }))
  const used = out.reduce((total, c) => total + c.width, 0) + m.gap * (row.length - 1)
  const end = out.at(-1)
  if (end) end.width += Math.floor(m.width) - used
  return out
}

// stack is the height of cells that are set from left to right in rows.
function stack(all: Cell[], m: Measure): number {
  let height = -m.gap
  let used = Infinity
  for (const cell of all) {
    if (used + m.gap + cell.width > m.width) {
      height += m.gap + cell.height
      used = -m.gap
    }
    used += m.gap + cell.width
  }
  return height
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, n) => total + n, 0)
}
