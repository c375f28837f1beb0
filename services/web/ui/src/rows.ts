// The arithmetic of the grid: rows of equal height, pictures uncropped, days
// and months with few pictures side by side. It knows numbers only.

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
  dayGap: number // between days and months on one line
  dayMin: number // what a day's heading needs
  monthMin: number // what a month's heading needs
}

/** What is to be set of one month. */
export interface Content {
  days: number[][] // each day's pictures by their width-to-height ratios
  missing: number // pixels in one line that pictures not loaded yet will need
}

/** How one month is set. */
export interface Month {
  width: number
  days: Day[]
}

/** Sets all months: those that fit share a line, the others have lines of their own. */
export function setMonths(months: Content[], m: Measure): Month[] {
  const out: Month[] = []
  let line: Content[] = []
  for (const month of months) {
    if (line.length > 0 && !joins(line, month, m)) {
      out.push(...setLine(line, m))
      line = []
    }
    if (lineWidth([month], m.row, m) <= m.width) line.push(month)
    else out.push({ width: m.width, days: setDays(month.days, m) })
  }
  return [...out, ...setLine(line, m)]
}

// joins tells whether a line takes one month more: where it has room, or where
// it would stay ragged without and needs to shrink only a little.
function joins(line: Content[], month: Content, m: Measure): boolean {
  const longer = [...line, month]
  if (lineWidth(longer, m.row, m) <= m.width) return true
  return lineWidth(line, m.row * stretchMost, m) < m.width && lineWidth(longer, m.row * shrinkMost, m) <= m.width
}

/** Sets the days of a month that needs more than one line. */
export function setDays(days: number[][], m: Measure): Day[] {
  const out: Day[] = []
  let line: number[][] = []
  let used = 0
  const flush = () => {
    out.push(...setLine(line.map((day) => ({ days: [day], missing: 0 })), { ...m, monthMin: 0 }).flatMap((month) => month.days))
    line = []
    used = 0
  }
  for (const day of days) {
    const width = dayWidth(day, m.row, m)
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

function dayWidth(day: number[], height: number, m: Measure): number {
  return Math.max(m.dayMin, sum(day) * height + m.gap * (day.length - 1))
}

function monthWidth(month: Content, height: number, m: Measure): number {
  const parts = month.days.map((day) => dayWidth(day, height, m))
  if (month.missing > 0) parts.push(month.missing)
  return Math.max(m.monthMin, sum(parts) + m.dayGap * (parts.length - 1))
}

function lineWidth(line: Content[], height: number, m: Measure): number {
  return sum(line.map((month) => monthWidth(month, height, m))) + m.dayGap * (line.length - 1)
}

// A line that is nearly full is stretched to the edge; one that is not stays
// ragged, since a picture blown up to fill a line looks wrong.
const nearlyFull = 0.78
const stretchMost = 1.28
const shrinkMost = 0.8

function setLine(line: Content[], m: Measure): Month[] {
  const height = lineHeight(line, m)
  const out = line.map((month) => setAt(month, height, m))
  const end = out.at(-1)
  if (!end) return []
  // What flooring left over goes to the last picture; the last month takes the
  // rest of the line, so that the next one cannot slip in behind it.
  const rest = Math.floor(m.width - sum(out.map((month) => month.width)) - m.dayGap * (out.length - 1))
  const last = end.days.at(-1)
  const cell = last?.cells.at(-1)
  if (last && cell && height !== m.row && rest > 0 && rest < sum(out.map((month) => month.days.length)) * 4) {
    cell.width += rest
    last.width += rest
  }
  end.width += Math.max(0, rest)
  return out
}

// lineHeight is the height at which the line reaches the edge, if that is near
// the one aimed at. Headings do not shrink, so it is searched for.
function lineHeight(line: Content[], m: Measure): number {
  let [low, high] = [1, m.row * stretchMost]
  if (lineWidth(line, high, m) < m.width) return m.row
  for (let step = 0; step < 24; step++) {
    const middle = (low + high) / 2
    if (lineWidth(line, middle, m) <= m.width) low = middle
    else high = middle
  }
  return low
}

function setAt(month: Content, height: number, m: Measure): Month {
  const days = month.days.map((day) => {
    const cells = day.map((ratio) => ({ width: Math.floor(ratio * height), height: Math.round(height) }))
    return { width: Math.min(Math.floor(dayWidth(day, height, m)), m.width), height: Math.round(height), cells }
  })
  return { width: Math.min(Math.floor(monthWidth(month, height, m)), m.width), days }
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
