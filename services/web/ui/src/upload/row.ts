// One file in the tray, as a person reads it.

import { bytes, fault, t } from '../messages'
import { demand } from '../page'
import { signedOut } from './answers'
import { isOver, type Item, type State } from './item'

const icons: Partial<Record<State, string>> = { added: 'check', duplicate: 'twin', refused: 'alert', failed: 'alert' }

/** What is becoming of the file, in a sentence. */
export function sentence(item: Item, now: number): string {
  switch (item.state) {
    case 'waiting':
    case 'reading':
    case 'ready':
      return item.sent > 0 ? t('stopped', { percent: percent(item), size: bytes(item.size) }) : `${t('waiting')} · ${bytes(item.size)}`
    case 'sending':
      return t('sending', { percent: percent(item), size: bytes(item.size) })
    case 'checking':
      return t('finishing')
    case 'pausing':
      return pausing(item, Math.max(1, Math.ceil((item.retryAt - now) / 1000)))
    case 'absent':
      return t('absent')
    case 'added':
      return `${item.filmOf ? t('film_added', { name: item.filmOf.name }) : t('added')} · ${bytes(item.size)}`
    case 'duplicate':
      return item.trashed ? t('duplicate_trashed') : t('duplicate')
    case 'refused':
      return fault(item.code, item.detail)
    case 'failed':
      return item.code ? fault(item.code, item.detail) : t('failed_network')
    case 'cancelled':
      return t('cancelled')
  }
}

function pausing(item: Item, seconds: number): string {
  if (item.code === signedOut) return t('until_signed_in')
  if (item.offline && !navigator.onLine) return t('no_network')
  return item.offline ? t('offline', { seconds }) : t('retrying', { seconds })
}

const percent = (item: Item) => String(Math.floor((100 * item.sent) / Math.max(1, item.size)))

/** Writes the item into a row made from the template. */
export function fillRow(row: HTMLElement, item: Item, total: number, now: number): void {
  row.dataset['key'] = String(item.key)
  row.dataset['state'] = item.state
  row.setAttribute('aria-setsize', String(total))
  row.setAttribute('aria-posinset', String(item.key + 1))
  write(demand('[data-name]', row), item.name)
  const folder = demand<HTMLElement>('[data-folder]', row)
  write(folder, item.folder)
  folder.hidden = item.folder === ''
  const said = demand<HTMLElement>('[data-outcome]', row)
  write(said, sentence(item, now))
  said.title = icons[item.state] === 'alert' ? (said.textContent ?? '') : '' // there is room for two lines of it
  const progress = demand<HTMLProgressElement>('progress', row)
  progress.hidden = item.state !== 'sending' && item.state !== 'checking'
  progress.value = item.sent / Math.max(1, item.size)
  progress.ariaLabel = item.name
  const icon = icons[item.state]
  demand('.tray-icon', row).toggleAttribute('hidden', !icon)
  demand('.tray-icon use', row).setAttribute('href', icon ? `#i-${icon}` : '')
  buttons(row, item)
}

function buttons(row: HTMLElement, item: Item): void {
  const show = demand<HTMLAnchorElement>('[data-do="show"]', row)
  show.hidden = !(item.imageID && (item.state === 'added' || (item.state === 'duplicate' && !item.trashed)))
  show.href = `/images/${item.imageID}`
  demand<HTMLElement>('[data-do="restore"]', row).hidden = !(item.state === 'duplicate' && item.trashed)
  demand<HTMLElement>('[data-do="retry"]', row).hidden = item.state !== 'failed' && item.state !== 'cancelled'
  const cancel = demand<HTMLElement>('[data-do="cancel"]', row)
  cancel.hidden = isOver(item.state)
  cancel.ariaLabel = t('cancel_one', { name: item.name })
}

function write(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
