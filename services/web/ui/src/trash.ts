// The trash page: restoring and deleting without leaving the page. The forms
// do the same without script.

import { fragment, purge, restore, type Change } from './api'
import { settle } from './live'
import { t } from './messages'
import { placeholder } from './placeholder'
import { toast } from './toast'

const batch = 50

export class Trash {
  constructor(private readonly root: HTMLElement) {
    root.querySelectorAll<HTMLElement>('.card').forEach(placeholder)
    root.addEventListener('submit', (event) => void this.submitted(event))
    this.more(root.dataset['next'] ?? '')
  }

  async apply(changes: Change[]): Promise<void> {
    const { show, hide } = settle(changes, ['trashed'], ['restored', 'removed'])
    hide.forEach((id) => this.remove(id))
    for (let i = 0; i < show.length; i += batch) {
      this.merge((await fragment({ trashed: 'true', ids: show.slice(i, i + batch).join(',') })).html, 'afterbegin')
    }
  }

  async lost(): Promise<void> {
    this.merge((await fragment({ trashed: 'true' })).html, 'afterbegin')
  }

  private async submitted(event: SubmitEvent): Promise<void> {
    const form = event.target as HTMLFormElement
    const card = form.closest<HTMLElement>('.card')
    const action = form.dataset['action']
    if (!card || !action) return
    event.preventDefault()
    const id = card.dataset['id'] ?? ''
    const buttons = card.querySelectorAll('button')
    buttons.forEach((button) => (button.disabled = true))
    try {
      await (action === 'purge' ? purge(id) : restore(id))
      toast(action === 'purge' ? t('purged') : t('undone'))
      this.leave(card)
    } catch (error) {
      buttons.forEach((button) => (button.disabled = false))
      toast(error instanceof Error ? error.message : t('action_failed'))
    }
  }

  // The focus goes on to the next card, so that the keyboard is not lost.
  private leave(card: HTMLElement): void {
    const next = (card.nextElementSibling ?? card.previousElementSibling)?.querySelector<HTMLElement>('button')
    this.remove(card.dataset['id'] ?? '')
    ;(next ?? document.querySelector<HTMLElement>('main'))?.focus()
  }

  private remove(id: string): void {
    document.getElementById(`p-${id}`)?.remove()
    if (this.root.querySelector('.card')) return
    const template = document.querySelector<HTMLTemplateElement>('template#empty')
    if (template && !document.querySelector('main .empty')) this.root.after(document.importNode(template.content, true))
  }

  private merge(html: string, where: 'afterbegin' | 'beforeend'): void {
    const parsed = document.createElement('template')
    parsed.innerHTML = html
    const fresh = [...parsed.content.querySelectorAll<HTMLElement>('.card')].filter((card) => !document.getElementById(card.id))
    if (where === 'afterbegin') this.root.prepend(...fresh)
    else this.root.append(...fresh)
    fresh.forEach(placeholder)
    if (this.root.querySelector('.card')) document.querySelector('main > .empty')?.remove()
  }

  // The button for the next page is pressed by coming near.
  private more(next: string): void {
    const older = document.querySelector<HTMLElement>('.older')
    if (!older || !next) return
    const observer = new IntersectionObserver(
      async (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return
        observer.disconnect()
        const page = await fragment({ trashed: 'true', cursor: next }).catch(() => undefined)
        if (!page) return // the link is still there
        this.merge(page.html, 'beforeend')
        if (page.next) this.more(page.next)
        else older.remove()
      },
      { rootMargin: '100% 0px' },
    )
    observer.observe(older)
  }
}
