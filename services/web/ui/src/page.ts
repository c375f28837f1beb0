// Finding and making elements of the page. What the server always writes is
// demanded: if it is not there, the page and the script are of different
// versions, and the feature that asked stays off.

export function demand<T extends Element>(selector: string, root: ParentNode = document): T {
  const found = root.querySelector<T>(selector)
  if (!found) throw new Error(`no element ${selector}`)
  return found
}

/** A copy of the one element inside the template with this id. */
export function clone<T extends HTMLElement>(id: string): T {
  const template = demand<HTMLTemplateElement>(`template#${id}`)
  const element = template.content.firstElementChild
  if (!element) throw new Error(`template ${id} is empty`)
  return document.importNode(element, true) as T
}

/** Makes a template's content part of the page once, and returns the element. */
export function mount<T extends HTMLElement>(id: string): T {
  const element = clone<T>(id)
  document.body.append(element)
  return element
}

/** Whether a key press is meant for the page, not for a field or the browser. */
export function isForPage(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false
  const target = event.target as Element | null
  return !target?.closest('input, textarea, select, [contenteditable]')
}

/** Resolves after ms, or at once when the signal aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
