// The tray: every file's progress and outcome, and what can be done about it.

import { restore } from '../api'
import { t } from '../messages'
import { demand, mount } from '../page'
import { toast } from '../toast'
import { signedOut } from './answers'
import { Awake } from './awake'
import { mostFiles, type Found } from './files'
import { pair } from './films'
import { isActive, type Item } from './item'
import { List } from './list'
import { detail, headline, outcome, Speed, tally, type Progress } from './progress'
import { copy, report, saveReceipt } from './report'
import { Uploads } from './uploads'

const tick = 500 // milliseconds between looks at the speed

export class Tray {
  private readonly uploads = new Uploads(() => this.draw())
  private readonly awake = new Awake()
  private element: HTMLElement | undefined
  private list!: List
  private readonly title = document.title
  private speed = new Speed()
  private rate = 0
  private timer = 0
  private drawing = false
  private receipts = true // the gallery gives them, as far as is known

  /** choose opens the picker of files. */
  constructor(private readonly choose: () => void) {
    addEventListener('beforeunload', (event) => {
      if (this.uploads.wouldLose) event.preventDefault()
    })
    addEventListener('online', () => this.element && this.retry(undefined))
    addEventListener('offline', () => this.draw())
    void this.uploads.recall(() => this.start())
  }

  /** Takes what came in through a door. */
  take(found: Found): void {
    pair(found, this.uploads.absent)
    if (found.pictures.length + found.films.length + found.strangers.length === 0) {
      if (found.skipped > 0) toast(t('nothing'))
      return
    }
    this.show()
    this.note(found)
    this.uploads.take(found)
    this.start()
  }

  private get queue() {
    return this.uploads.queue
  }

  private start(): void {
    this.show()
    this.timer ||= window.setInterval(() => this.measure(), tick)
    this.draw()
  }

  private show(): void {
    if (this.element) return
    this.element = mount('tray-template')
    document.documentElement.classList.add('with-tray')
    this.list = new List(demand('.tray-list', this.element), this.queue, () => this.draw())
    this.element.addEventListener('click', (event) => this.pressed(event))
    // A phone's window is for the pictures: the list opens when it is asked for.
    if (matchMedia('(max-width: 40rem)').matches) this.minimise()
  }

  private note(found: Found): void {
    if (!this.element) return
    const note = demand<HTMLElement>('[data-note]', this.element)
    const parts = []
    if (found.skipped > 0) parts.push(t('skipped', { n: found.skipped }))
    if (found.cut) parts.push(t('too_many', { n: mostFiles }))
    note.textContent = parts.join(' ')
    note.hidden = parts.length === 0
  }

  private pressed(event: MouseEvent): void {
    const target = (event.target as Element).closest<HTMLElement>('[data-do]')
    const row = target?.closest<HTMLElement>('[data-key]')
    const item = this.queue.items[Number(row?.dataset['key'] ?? -1)]
    const does: Record<string, () => unknown> = {
      minimise: () => this.minimise(),
      pause: () => this.pauseOrGoOn(),
      dismiss: () => this.dismiss(),
      retry: () => this.retry(item),
      cancel: () => (item ? this.queue.cancel(item) : this.queue.cancelAll()),
      restore: () => item && this.restore(item),
      reopen: () => this.reopen(),
      forget: () => this.uploads.absent.forEach((absent) => this.queue.cancel(absent)),
      report: () => this.copyReport(),
      receipt: () => this.saveReceipt(),
    }
    void does[target?.dataset['do'] ?? '']?.()
  }

  private pauseOrGoOn(): void {
    if (this.queue.paused) this.queue.resume()
    else this.queue.pause()
    this.speed = new Speed()
    this.draw()
  }

  private retry(item: Item | undefined): void {
    if (item) this.queue.retry(item)
    else this.queue.retryFailed()
    this.start()
  }

  // Files that the browser can find again need a word from a person only; the
  // others have to be chosen again.
  private reopen(): void {
    if (this.canReopen) void this.uploads.reopen().then(() => this.start())
    else this.choose()
  }

  private get canReopen(): boolean {
    return this.uploads.absent.some(({ handle }) => handle)
  }

  private minimise(): void {
    if (!this.element) return
    const small = this.element.classList.toggle('small')
    demand('[data-do="minimise"]', this.element).setAttribute('aria-expanded', String(!small))
    this.draw()
  }

  private dismiss(): void {
    this.queue.clear()
    this.element?.remove()
    document.documentElement.classList.remove('with-tray')
    this.element = undefined
    this.rest()
  }

  private async restore(item: Item): Promise<void> {
    try {
      await restore(item.imageID)
      item.trashed = false
      toast(t('restored'))
    } catch (error) {
      toast(error instanceof Error ? error.message : t('action_failed'))
    }
    this.draw()
  }

  private async copyReport(): Promise<void> {
    const how = await copy(report(this.queue.items, tally(this.queue.items)))
    toast(how === 'copied' ? t('report_copied') : t('report_saved'))
  }

  private async saveReceipt(): Promise<void> {
    try {
      this.receipts = await saveReceipt(this.queue.items)
      if (!this.receipts) toast(t('no_receipts'))
    } catch (error) {
      toast(error instanceof Error ? error.message : t('action_failed'))
    }
    this.draw()
  }

  private measure(): void {
    const progress = tally(this.queue.items)
    this.rate = this.speed.measure(performance.now(), progress.sent)
    this.awake.want(progress.active > 0 && !this.queue.paused)
    if (progress.active === 0) this.finished(progress)
    this.draw()
  }

  private finished(progress: Progress): void {
    this.rest()
    if (this.element) demand('[data-say]', this.element).textContent = `${headline(progress)}. ${outcome(progress)}`
  }

  private rest(): void {
    clearInterval(this.timer)
    this.timer = 0
    this.speed = new Speed()
    this.rate = 0
    this.awake.want(false)
    document.title = this.title
  }

  // Many things change between two frames; each frame is drawn once.
  private draw(): void {
    if (this.drawing) return
    this.drawing = true
    requestAnimationFrame(() => {
      this.drawing = false
      if (!this.element) return
      // The rows first: they ask where the list is, which is costly once the head has changed.
      if (!this.element.classList.contains('small')) this.list.draw()
      this.drawHead(this.element, tally(this.queue.items))
    })
  }

  private drawHead(element: HTMLElement, progress: Progress): void {
    const { counts, over, files, active } = progress
    const { paused } = this.queue
    const share = progress.size > 0 ? progress.sent / progress.size : 1
    demand('[data-headline]', element).textContent = headline(progress, paused)
    demand('[data-detail]', element).textContent = detail(progress, paused ? 0 : this.rate)
    const bar = demand<HTMLProgressElement>('header progress', element)
    bar.value = share
    bar.hidden = active === 0
    this.drawQuestion(element, counts.absent)
    demand<HTMLElement>('[data-signed-out]', element).hidden = !this.queue.items.some(({ state, code }) => isActive(state) && code === signedOut)
    const shown = {
      retry: counts.failed > 0, cancel: active > 0, pause: active > 0, report: over === files,
      receipt: over === files && this.receipts && counts.added + counts.duplicate > 0,
    }
    for (const [name, visible] of Object.entries(shown)) demand<HTMLElement>(`footer [data-do="${name}"]`, element).hidden = !visible
    demand('footer [data-do="pause"]', element).textContent = paused ? t('go_on') : t('pause')
    demand<HTMLElement>('footer', element).hidden = !Object.values(shown).some(Boolean)
    element.dataset['state'] = active > 0 ? 'working' : counts.absent > 0 ? 'asking' : counts.failed + counts.refused > 0 ? 'trouble' : 'done'
    document.title = active > 0 ? `${Math.floor(100 * share)}% · ${this.title}` : this.title
  }

  private drawQuestion(element: HTMLElement, absent: number): void {
    const question = demand<HTMLElement>('[data-ask]', element)
    question.hidden = absent === 0
    if (absent === 0) return
    demand('p', question).textContent = this.canReopen ? t('ask_leave', { n: absent }) : t('ask_files', { n: absent })
    demand('[data-do="reopen"]', question).textContent = this.canReopen ? t('go_on') : t('choose_again')
  }
}
