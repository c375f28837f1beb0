// The ways in: dropping anywhere, pasting, picking files or a folder.

import { t } from '../messages'
import { clone, demand } from '../page'
import { extensions, filmExtension, filmType, nothing, sort, type Found } from './files'
import { dropped, walkHandle } from './walk'

type Take = (found: Found) => void

/** Opens every door; what comes in goes to take. Returns what opens the picker. */
export function doors(take: Take): () => void {
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
    void pick(wanted === 'folder', take)
  })
  form(take)
  return () => void pick(false, take)
}

// A picker that gives handles lets files be read again after a reload. A phone's
// own picker of pictures is the better one there.
async function pick(folder: boolean, take: Take): Promise<void> {
  if (!matchMedia('(pointer: fine)').matches || !window.showOpenFilePicker || !window.showDirectoryPicker) return pickByField(folder, take)
  try {
    const types = [{ description: t('pictures'), accept: { 'image/*': extensions, [filmType]: [filmExtension] } }]
    const handles = folder ? [await window.showDirectoryPicker()] : await window.showOpenFilePicker({ multiple: true, types })
    const found = nothing()
    for (const handle of handles) await walkHandle(handle, found)
    take(found)
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError')) pickByField(folder, take) // else nothing was chosen
  }
}

function pickByField(folder: boolean, take: Take): void {
  const input = document.createElement('input')
  input.type = 'file'
  input.multiple = true
  if (folder) input.webkitdirectory = true
  else input.accept = ['image/*', ...extensions, filmExtension].join(',')
  input.addEventListener('change', () => take(sort(input.files ?? [])))
  input.click()
}

// On the upload page the form's own field leads to the tray.
function form(take: Take): void {
  const field = document.querySelector<HTMLInputElement>('.dropzone input[type="file"]')
  field?.addEventListener('change', () => {
    take(sort(field.files ?? []))
    field.value = ''
  })
}

function dropping(take: Take): void {
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
