// What is remembered of files beyond the page, in IndexedDB: enough to go on
// after a reload or a restart of the browser. Records belong to the tab that is
// sending them, until that is gone. Without IndexedDB nothing is remembered and
// everything else works; the server keeps what it has of a file either way.

import { openDB, type DBSchema, type IDBPDatabase, type IDBPObjectStore } from 'idb'
import type { Session } from './item'

export interface Remembered {
  key: string // sorts in the order the files came
  tab: string // '' for a file that no tab has had yet
  addedAt: number // milliseconds since the epoch
  name: string
  size: number
  modified: number
  type: string
  folder: string
  sha256: string
  session?: Session
  filmOf?: string // the key of the picture that this is the film of
  companionOf?: string // the image that this is the film of
  handle?: FileSystemFileHandle
  root?: FileSystemHandle
  file?: File // its bytes: only of what was shared, which cannot be asked for again
}

interface Schema extends DBSchema {
  files: { key: string; value: Remembered }
}

type Store = IDBPObjectStore<Schema, ['files'], 'files', 'readwrite'>

export const life = 7 * 24 * 60 * 60 * 1000 // milliseconds: as long as a session lives
const portion = 500 // records in one transaction

/** Opens the database, which page and service worker share. */
export function openMemory(): Promise<IDBPDatabase<Schema>> {
  return openDB<Schema>('sajin-uploads', 1, {
    upgrade: (database) => void database.createObjectStore('files', { keyPath: 'key' }),
  })
}

/** A key after all that were made before, for the nth of the files that came now. */
export function newKey(n: number, now: number): string {
  return `${String(now).padStart(15, '0')}-${String(n).padStart(6, '0')}-${random()}`
}

function random(): string {
  return crypto.getRandomValues(new Uint32Array(2)).join('')
}

export class Memory {
  works = false // as far as is known by now
  private readonly tab = random()
  private readonly database = openMemory().then((opened) => (this.works = true, opened), () => undefined)
  private last: Promise<void> = Promise.resolve() // changes are made in the order asked for

  constructor() {
    // Held as long as the page lives: by this other tabs know whose files are in hand.
    void navigator.locks?.request(lockOf(this.tab), () => new Promise(() => undefined))
  }

  remember(records: Omit<Remembered, 'tab' | 'addedAt'>[]): void {
    const addedAt = Date.now()
    const all = records.map((record) => ({ ...record, tab: this.tab, addedAt }))
    for (let at = 0; at < all.length; at += portion) this.change((store) => all.slice(at, at + portion).forEach((record) => void store.put(record)))
  }

  /** Adds what was learnt to records that are there; others stay forgotten. */
  learn(known: { key: string; sha256: string; session: Session | undefined; companionOf: string }[]): void {
    this.change(async (store) => {
      for (const { key, sha256, session, companionOf } of known) {
        const { session: _, ...record } = (await store.get(key)) ?? { key: '' }
        if (record.key) void store.put({ ...(record as Remembered), sha256, ...(session ? { session } : {}), ...(companionOf ? { companionOf } : {}) })
      }
    })
  }

  forget(keys: string[]): void {
    this.change((store) => keys.forEach((key) => void store.delete(key)))
  }

  /** Takes over what no living tab has, in the order it came. What is too old is forgotten. */
  async adopt(): Promise<Remembered[]> {
    try {
      const take = async () => this.take(await living())
      return await (navigator.locks ? navigator.locks.request('sajin-adopt', take) : take())
    } catch {
      return []
    }
  }

  private async take(others: Set<string>): Promise<Remembered[]> {
    const database = await this.database
    if (!database) return []
    const transaction = database.transaction('files', 'readwrite')
    const mine: Remembered[] = []
    for (const record of await transaction.store.getAll()) {
      if (record.tab === this.tab || others.has(lockOf(record.tab))) continue
      if (Date.now() - record.addedAt > life) {
        void transaction.store.delete(record.key)
        continue
      }
      mine.push(record)
      void transaction.store.put({ ...record, tab: this.tab })
    }
    await transaction.done
    return mine
  }

  private change(how: (store: Store) => void | Promise<void>): void {
    this.last = this.last.then(async () => {
      const transaction = (await this.database)?.transaction('files', 'readwrite')
      if (!transaction) return
      await how(transaction.store)
      await transaction.done
    }).catch(() => undefined) // no room, or a private window
  }
}

const lockOf = (tab: string) => `sajin-tab-${tab}`

async function living(): Promise<Set<string>> {
  const { held = [] } = (await navigator.locks?.query()) ?? {}
  return new Set(held.map(({ name }) => name ?? ''))
}
