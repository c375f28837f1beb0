// Moving a picture to the trash with a way back, from wherever it was asked.

import { moveToTrash, restore } from './api'
import { t } from './messages'
import { toast } from './toast'

/** Moves the picture to the trash; true if it went. `back` runs when it was undone. */
export async function trashWithUndo(id: string, back: () => unknown): Promise<boolean> {
  try {
    await moveToTrash(id)
  } catch (error) {
    toast(error instanceof Error ? error.message : t('action_failed'))
    return false
  }
  toast(t('trashed'), { label: t('undo'), run: () => void undo(id, back) })
  return true
}

async function undo(id: string, back: () => unknown): Promise<void> {
  try {
    await restore(id)
    toast(t('undone'))
    await back()
  } catch (error) {
    toast(error instanceof Error ? error.message : t('action_failed'))
  }
}
