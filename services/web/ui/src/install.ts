// The installed page: its service worker takes what other apps share. A page in
// a browser's tab has no need of one.

/** Registers the service worker where the page is installed, or as soon as it is. */
export function install(): void {
  if (!('serviceWorker' in navigator)) return // also without https
  if (matchMedia('(display-mode: standalone)').matches) register()
  addEventListener('appinstalled', register)
}

function register(): void {
  navigator.serviceWorker.register('/sw.js').catch(() => undefined) // the server takes what is shared instead
}
