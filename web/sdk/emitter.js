/**
 * Events with typed names: plain listeners, promises of the next one, or an async
 * iterator over all of them.
 *
 * @template {Record<string, any>} Events  event name to its detail
 */
export class Emitter {
  /** @type {Map<keyof Events, Set<(detail: any) => void>>} */
  #listeners = new Map();

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(detail: Events[Name]) => void} listener
   * @param {{signal?: AbortSignal}} [options]  the signal takes the listener off
   * @returns {() => void} takes the listener off again
   */
  on(name, listener, {signal} = {}) {
    if (signal?.aborted) return () => {};
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set.add(listener));
    signal?.addEventListener('abort', () => this.off(name, listener), {once: true});
    return () => this.off(name, listener);
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(detail: Events[Name]) => void} listener
   */
  off(name, listener) {
    this.#listeners.get(name)?.delete(listener);
  }

  /**
   * The next event of a name.
   *
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {{signal?: AbortSignal}} [options]  the signal rejects the promise
   * @returns {Promise<Events[Name]>}
   */
  once(name, {signal} = {}) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const done = new AbortController();
      signal?.addEventListener('abort', () => {
        done.abort();
        reject(signal.reason);
      }, {once: true, signal: done.signal});
      this.on(name, (detail) => {
        done.abort();
        resolve(detail);
      }, {signal: done.signal});
    });
  }

  /**
   * All events of a name from now on: `for await (const {body} of room.events('message'))`.
   * Ends with the signal, or when the loop is left.
   *
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {{signal?: AbortSignal}} [options]
   * @returns {AsyncGenerator<Events[Name], void, void>}
   */
  events(name, {signal} = {}) {
    /** @type {Events[Name][]} */
    const queue = [];
    let wake = () => {};
    // Listening begins with the call, not with the first `next`, so that nothing is missed.
    const off = this.on(name, (detail) => {
      queue.push(detail);
      wake();
    }, {signal});
    signal?.addEventListener('abort', () => wake(), {once: true});
    return (async function* iterate() {
      try {
        for (;;) {
          const [next] = queue.splice(0, 1);
          if (next !== undefined) yield next; // what came before the end is still told
          else if (signal?.aborted) return;
          else await new Promise((resolve) => { wake = () => resolve(undefined); });
        }
      } finally {
        off();
      }
    })();
  }

  /**
   * Calls every listener. One that throws harms neither the others nor the call:
   * its error goes to the console.
   *
   * @protected
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {Events[Name]} detail
   */
  emit(name, detail) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        listener(detail);
      } catch (error) {
        console.error(`plenum: a listener of "${String(name)}" threw`, error);
      }
    }
  }
}
