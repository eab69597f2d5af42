/** So often the level is drawn, in milliseconds: more would only cost power. */
const interval = 66;

/** Shows how loud a microphone is, from 0 to 100. */
export class Meter {
  #element;
  #bar;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;
  /** @type {MediaStreamTrack | null} */
  #track = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {HTMLElement} element  with a child that becomes the bar */
  constructor(element) {
    this.#element = element;
    this.#bar = /** @type {HTMLElement} */ (element.firstElementChild);
  }

  /** @param {MediaStreamTrack | null} track */
  listen(track) {
    if (track === this.#track) return;
    this.#track = track;
    this.#source?.disconnect();
    this.#source = null;
    clearInterval(this.#timer);
    this.#show(0);
    if (!track) {
      this.#context?.close();
      this.#context = null;
      return;
    }
    this.#context ??= new AudioContext();
    const context = this.#context;
    // A page that nobody has touched yet may have to wait for the first touch.
    const wake = () => { if (context.state === 'suspended') context.resume(); };
    for (const event of ['pointerdown', 'keydown']) addEventListener(event, wake, {once: true});
    const analyser = new AnalyserNode(context, {fftSize: 4096});
    this.#source = new MediaStreamAudioSourceNode(context, {mediaStream: new MediaStream([track])});
    this.#source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let level = 0;
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, one) => sum + one * one, 0) / samples.length;
      // From -60 dB to -10 dB, falling slowly so that the eye can follow.
      const loud = Math.min(1, Math.max(0, (10 * Math.log10(power + 1e-9) + 60) / 50));
      level = Math.max(loud, level * 0.66);
      this.#show(Math.round(level * 100));
    }, interval);
  }

  /** @param {number} percent */
  #show(percent) {
    this.#bar.style.transform = `scaleX(${percent / 100})`;
    // Screen readers need no fifteen values a second.
    const coarse = String(Math.round(percent / 20) * 20);
    if (this.#element.getAttribute('aria-valuenow') !== coarse) this.#element.setAttribute('aria-valuenow', coarse);
  }
}
