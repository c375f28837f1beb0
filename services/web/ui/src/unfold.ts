// What unfolds over the page behaves as a menu does: it closes by Escape and by a
// click beside it, and a form in it is ready to be typed into.

export function unfolds(details: HTMLDetailsElement): void {
  document.addEventListener('click', (event) => {
    if (!details.contains(event.target as Node)) details.open = false
  })
  details.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !details.open) return
    details.open = false
    details.querySelector('summary')?.focus()
  })
  details.addEventListener('toggle', () => {
    const field = details.open ? details.querySelector<HTMLInputElement>('input:not([type="hidden"])') : null
    field?.focus()
    field?.select()
  })
}
