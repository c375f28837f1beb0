// How many files at once. It tries one more while that moves more in the same
// time, goes one back when it does not, and halves when a server is in trouble.

const first = 3
const look = 2_000 // milliseconds of one measurement, at least
const fileWeight = 64 * 1024 // bytes that a file counts beside its own: small files cost round trips
const better = 1.05 // what one more must bring
const calm = 8 // measurements before the next attempt, after one that failed

export class Pace {
  parallel = first
  private work = 0
  private since: number
  private before = 0 // the rate before the last step up, 0 for none
  private rest = 0

  constructor(
    public most: number,
    private readonly now: () => number,
  ) {
    this.since = now()
  }

  /** Counts bytes that the server has. */
  moved(bytes: number): void {
    this.work += bytes
  }

  /** Counts a file that is over. idle says that there were too few files to judge by. */
  finished(idle: boolean): void {
    this.work += fileWeight
    if (idle) this.begin()
    else if (this.now() - this.since >= look) this.judge()
  }

  /** A server was busy, or a connection lost. */
  trouble(): void {
    this.parallel = Math.max(1, Math.floor(this.parallel / 2))
    this.before = 0
    this.rest = calm
    this.begin()
  }

  private judge(): void {
    const rate = this.work / (this.now() - this.since)
    this.begin()
    if (this.before > 0 && rate < this.before * better) {
      this.parallel = Math.max(1, this.parallel - 1)
      this.before = 0
      this.rest = calm
      return
    }
    if (this.rest > 0) {
      this.rest--
      return
    }
    this.before = this.parallel < this.most ? rate : 0
    this.parallel = Math.min(this.most, this.parallel + 1)
  }

  private begin(): void {
    this.work = 0
    this.since = this.now()
  }
}
