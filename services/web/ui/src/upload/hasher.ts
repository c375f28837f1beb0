// The checksums of files, taken by workers. Without a worker a file has none:
// it is sent all the same, and recognised when it has arrived.

/** The file cannot be read any more: it was changed, moved or removed. */
export class Unreadable extends Error {}

interface Job {
  file: File
  signal: AbortSignal
  done: (sha256: string) => void
  failed: (reason: Error) => void
}

const most = 2 // workers; reading and reckoning take turns

export class Hasher {
  private readonly jobs: Job[] = []
  private readonly idle: Worker[] = []
  private workers = 0
  private broken = false

  constructor(private readonly address: string | undefined) {}

  /** The SHA-256 in hexadecimal, or '' where it cannot be taken. Files come in the order asked for. */
  sum(file: File, signal: AbortSignal): Promise<string> {
    if (!this.address || this.broken) return Promise.resolve('')
    return new Promise((done, failed) => {
      this.jobs.push({ file, signal, done, failed })
      this.work()
    })
  }

  private work(): void {
    while (this.jobs.length > 0) {
      if (this.jobs[0]?.signal.aborted) {
        this.jobs.shift()?.done('')
        continue
      }
      const worker = this.idle.pop() ?? this.hire()
      if (!worker) return
      const job = this.jobs.shift()
      if (job) this.give(worker, job)
    }
  }

  private hire(): Worker | undefined {
    if (!this.address || this.workers >= most) return undefined
    this.workers++
    return new Worker(this.address)
  }

  private give(worker: Worker, job: Job): void {
    worker.onmessage = ({ data }: MessageEvent<{ sha256?: string; unreadable?: boolean }>) => {
      this.idle.push(worker)
      if (data.unreadable) job.failed(new Unreadable())
      else job.done(data.sha256 ?? '')
      this.work()
    }
    // It could not be started at all; the others could not either.
    worker.onerror = (event) => {
      event.preventDefault()
      this.broken = true
      for (const { done } of [job, ...this.jobs.splice(0)]) done('')
    }
    worker.postMessage(job.file)
  }
}
