// A file on its way, and what one step with it can come to.

export type State =
  | 'waiting'
  | 'reading' // its checksum is taken, and the server asked for it
  | 'ready' // to be sent
  | 'sending'
  | 'checking' // all sent; the server looks at it
  | 'pausing' // before another try
  | 'absent' // known from an earlier visit; its bytes have to be given again
  | 'added'
  | 'duplicate'
  | 'refused' // the server will never take it
  | 'failed' // may be tried again
  | 'cancelled'

/** Where the bytes of one file go, by the protocol of Cloud Storage's resumable uploads. */
export interface Session {
  readonly url: string // a path of ours, or another host's address
  readonly id: string // of the image to be
  readonly expiresAt: number // milliseconds since the epoch
}

/** A file as it came in through a door. */
export interface Picked {
  readonly file: File
  readonly folder: string // path of its folder within what was given, '' for none
  readonly handle?: FileSystemFileHandle // where the browser has them
  readonly root?: FileSystemHandle // what was given: to ask for leave to read it again
  readonly filmOf?: Picked | Item // of a live photo's film: its picture
}

export interface Item {
  readonly key: number // its place in the list
  readonly name: string
  readonly size: number // bytes
  readonly modified: number // milliseconds since the epoch
  readonly type: string
  readonly folder: string
  file: File | undefined // absent has none
  handle: FileSystemFileHandle | undefined
  root: FileSystemHandle | undefined
  record: string // under which it is remembered beyond this page, '' for not
  kept: boolean // the memory holds its bytes too
  sha256: string // '' until it was read
  session: Session | undefined
  filmOf: Item | undefined // of a live photo's film: its picture
  companionOf: string // of a film: the image that its picture became, '' as long as that is not known
  begun: boolean // the session may have bytes: ask before going on
  durable: number // bytes that the server said it has
  state: State
  sent: number // bytes
  tries: number // since the last progress
  renewals: number // of the session
  retryAt: number // of pausing, milliseconds since the epoch
  offline: boolean // of pausing: no answer came, rather than a refusal for now
  imageID: string // what was made of it, or what it is a duplicate of
  trashed: boolean // of a duplicate: it is in the trash
  code: string // of a problem
  detail: string
}

export interface Later {
  kind: 'later' // worth trying again
  offline: boolean
  after: number // milliseconds, 0: not said
  exact?: boolean // after neither grows nor varies: many wait for the same moment
  code: string
  detail: string
}

/** What a try came to. */
export type Outcome =
  | { kind: 'added'; imageID: string }
  | { kind: 'duplicate'; imageID: string; trashed: boolean }
  | { kind: 'refused' | 'failed'; code: string; detail: string }
  | { kind: 'ready' } // prepared: send it
  | { kind: 'again' } // its session is gone: prepare it anew
  | Later

export function fresh(key: number, { file, folder, handle, root }: Picked): Item {
  return { ...blank(key, file.name, file.size, file.lastModified, file.type, folder), file, handle, root }
}

export function blank(key: number, name: string, size: number, modified: number, type: string, folder: string): Item {
  return {
    key, name, size, modified, type, folder, file: undefined, handle: undefined, root: undefined, record: '', kept: false, sha256: '',
    session: undefined, filmOf: undefined, companionOf: '', begun: false, durable: 0, state: 'waiting', sent: 0, tries: 0, renewals: 0, retryAt: 0, offline: false, imageID: '',
    trashed: false, code: '', detail: '',
  }
}

export function isOver(state: State): boolean {
  return state === 'added' || state === 'duplicate' || state === 'refused' || state === 'failed' || state === 'cancelled'
}

/** Whether the state is under way by itself: neither over nor waiting for a person. */
export function isActive(state: State): boolean {
  return !isOver(state) && state !== 'absent'
}
