/**
 * Tells when the machine has come to another network, and when the page goes away.
 *
 * @param {{changed: () => void, leaving: () => void, signal: AbortSignal}} listener
 */
export function watchNetwork({changed, leaving, signal}) {
  globalThis.addEventListener?.('online', changed, {signal});
  // A reload must not leave a ghost behind for the server's resume timeout.
  globalThis.addEventListener?.('pagehide', leaving, {signal});
  const network = /** @type {(EventTarget & {type?: string}) | undefined} */ (
    /** @type {any} */ (globalThis.navigator)?.connection
  );
  let type = network?.type;
  network?.addEventListener('change', () => {
    if (network.type === type) return; // only its speed is another
    type = network.type;
    changed();
  }, {signal});
}
