// The ways in: dropping anywhere, pasting, picking files or a folder.

import { clone, demand } from '../page'
import { dropped, sort, type Found } from './files'

const accept = 'image/*'

/** Opens every door; what comes in goes to take. Returns what opens the picker. */
export function doors(take: (found: Found) => void): () => void {
  dropping(take)
  document.addEventListener('paste', (event) => {
    const files = event.clipboardData?.files
    if (!files?.length || (event.target as Element).closest('input, textarea')) return
    event.preventDefault()
    take(sort(files))
  })
  document.addEventListener('click', (event) => {
    const wanted = (event.target as Element).closest<HTMLElement>('[data-pick]')?.dataset['pick']
    if (!wanted || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    document.querySelector<HTMLElement>('#add-menu:popover-open')?.hidePopover()
    pick(wanted === 'folder', take)
  })
  form(take)
  return () => pick(false, take)
}

function pick(folder: boolean, take: (found: Found) => void): void {
  const input = document.createElement('input')
  input.type = 'file'
  input.multiple = true
  if (folder) input.webkitdirectory = true
  else input.accept = accept
  input.addEventListener('change', () => take(sort(input.files ?? [])))
  input.click()
}

// On the upload page the form's own field leads to the tray.
function form(take: (found: Found) => void): void {
  const field = document.querySelector<HTMLInputElement>('.dropzone input[type="file"]')
  field?.addEventListener('change', () => {
    take(sort(field.files ?? []))
    field.value = ''
  })
}

function dropping(take: (found: Found) => void): void {
  let veil: HTMLElement | undefined
  let timer = 0
  const hide = () => {
    veil?.remove()
    veil = undefined
  }
  const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
  document.addEventListener('dragover', (event) => {
    if (!carriesFiles(event) || !event.dataTransfer) return
    event.preventDefault()
    event.dataTransfer.dropEffect = 'copy'
    veil ??= demand('body').appendChild(clone('drop-template'))
    // dragover comes all the while; when it stops, the files have left.
    clearTimeout(timer)
    timer = window.setTimeout(hide, 250)
  })
  document.addEventListener('drop', (event) => {
    if (!carriesFiles(event) || !event.dataTransfer) return
    event.preventDefault()
    hide()
    void dropped(event.dataTransfer).then(take)
  })
}
