/**
 * What the browser refuses to play before the person has touched the page (its autoplay policy).
 */
export class Playback {
  /** @type {Set<HTMLMediaElement>} */
  #blocked = new Set();
  #changed;

  /** @param {(blocked: boolean) => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /** Whether something should be heard or seen, and is not. */
  get blocked() {
    return this.#blocked.size > 0;
  }

  /** @param {HTMLMediaElement} element */
  async play(element) {
    try {
      await element.play();
    } catch (error) {
      // Else it was given another stream, or taken away, before it began.
      if (!(error instanceof Error || error instanceof DOMException) || error.name !== 'NotAllowedError' || !element.srcObject) return;
      const before = this.blocked;
      this.#blocked.add(element);
      element.addEventListener('playing', () => this.forget(element), {once: true}); // by its own controls, say
      if (!before) this.#changed(true);
    }
  }

  /** Plays what was refused: from the handler of a click or a key, for else it is refused again. */
  async playAll() {
    const all = [...this.#blocked];
    for (const element of all) this.forget(element);
    await Promise.all(all.map((element) => this.play(element)));
  }

  /** It is played, or no longer wanted. @param {HTMLMediaElement} element */
  forget(element) {
    if (this.#blocked.delete(element) && !this.blocked) this.#changed(false);
  }
}
