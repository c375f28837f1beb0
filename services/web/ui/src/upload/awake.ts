// Keeps the screen on while files are sent: a phone that sleeps stops sending.

export class Awake {
  private wanted = false
  private lock: WakeLockSentinel | undefined

  constructor() {
    // The browser takes the lock back when the page is hidden.
    document.addEventListener('visibilitychange', () => void this.hold())
  }

  /** Says whether the screen is to stay on. It may be said again and again. */
  want(wanted: boolean): void {
    if (this.wanted === wanted) return
    this.wanted = wanted
    void this.hold()
  }

  private async hold(): Promise<void> {
    try {
      if (!this.wanted) await this.lock?.release()
      else if (document.visibilityState === 'visible' && (!this.lock || this.lock.released)) this.lock = await navigator.wakeLock?.request('screen')
      if (!this.wanted) await this.lock?.release() // it was not wanted any more when it came
    } catch {
      // The battery is low, or the browser does not want to.
    }
  }
}
