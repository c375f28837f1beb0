// Short sentences at the foot of the window, some with a way back.

import { demand } from './page'

const showFor = 8_000 // milliseconds; a toast that has the focus or the pointer stays

interface Action {
  label: string
  run: () => void
}

/**
 * Shows a sentence. While a dialog is open everything outside it is inert, so
 * the toast goes into the dialog.
 */
export function toast(text: string, action?: Action): void {
  const box = document.createElement('div')
  box.className = 'toast'
  const p = document.createElement('p')
  p.textContent = text
  box.append(p)
  if (action) box.append(button(action, box))
  const host = document.querySelector('dialog[open] .toasts') ?? demand('#toasts')
  host.append(box)
  while (host.children.length > 3) host.firstElementChild?.remove()
  expire(box)
}

function button(action: Action, box: HTMLElement): HTMLElement {
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = action.label
  button.addEventListener('click', () => {
    box.remove()
    action.run()
  })
  return button
}

function expire(box: HTMLElement): void {
  const timer = setInterval(() => {
    if (box.matches(':hover, :focus-within')) return
    clearInterval(timer)
    box.remove()
  }, showFor)
}
