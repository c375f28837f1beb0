// The words of the page's language, which the server delivers with the page.

type Message = string | Partial<Record<Intl.LDMLPluralRule, string>>
type Params = Record<string, string | number>

let messages: Record<string, Message> | undefined
let rules: Intl.PluralRules

function load(): Record<string, Message> {
  rules = new Intl.PluralRules(document.documentElement.lang)
  return JSON.parse(document.getElementById('messages')?.textContent ?? '{}') as Record<string, Message>
}

function say(key: string, params: Params): string | undefined {
  messages ??= load()
  const message = messages[key]
  if (message === undefined) return undefined
  const text = typeof message === 'string' ? message : (message[rules.select(Number(params['n'] ?? 0))] ?? message.other ?? '')
  return text.replace(/\{([a-z]+)\}/g, (hole, name: string) => {
    const value = params[name]
    return value === undefined ? hole : typeof value === 'number' ? value.toLocaleString(document.documentElement.lang) : value
  })
}

/** The message js.<key>; n chooses the plural form. */
export function t(key: string, params: Params = {}): string {
  return say(`js.${key}`, params) ?? key
}

/** The sentence for an error code, else the one that the server sent along. */
export function fault(code: string | undefined, detail: string | undefined): string {
  const known = code ? say(`fault.${code}`, {}) : undefined
  return known ?? detail ?? t('action_failed')
}

const units = ['B', 'kB', 'MB', 'GB', 'TB']

/** A size with decimal units, written as the server writes it. */
export function bytes(n: number): string {
  let unit = 0
  while (n >= 999.5 && unit < units.length - 1) {
    n /= 1000
    unit++
  }
  return `${unit === 0 || n >= 99.95 ? n.toFixed(0) : n.toFixed(1)} ${units[unit]}`
}
