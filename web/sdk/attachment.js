/**
 * @typedef {import('./room.js').Room} Room
 * @typedef {import('./roster.js').RemoteTrack} RemoteTrack
 *
 * @typedef {object} Follower  one element that shows a track
 * @property {HTMLElement} element
 * @property {number} priority
 * @property {boolean | undefined} inSight  undefined until the browser has said
 */

/** An element may be out of sight for so long before its video stops, in milliseconds: people scroll back and forth. */
const grace = 500;

/**
 * Which elements show which tracks, how large, and whether anyone can see them:
 * what a room asks the server for follows from it. It observes sizes, scrolling, the
 * pixel ratio, whether the page is hidden, and small windows (picture-in-picture).
 */
export class Attachments {
  #room;
  /** @type {Map<RemoteTrack, Set<Follower>>} */
  #followers = new Map();
  /** @type {Map<Element, Set<RemoteTrack>>} */
  #tracks = new Map();
  /** Tracks that are to stop soon. @type {Map<RemoteTrack, ReturnType<typeof setTimeout>>} */
  #stopping = new Map();
  /** The window of picture-in-picture. @type {PictureInPictureWindow | null} */
  #small = null;
  #resize = globalThis.ResizeObserver && new ResizeObserver((entries) => this.#look(entries));
  #sight = globalThis.IntersectionObserver && new IntersectionObserver((entries) => {
    for (const {target, isIntersecting} of entries) {
      for (const track of this.#tracks.get(target) ?? []) {
        for (const one of this.#followers.get(track) ?? []) if (one.element === target) one.inSight = isIntersecting;
      }
    }
    this.#look(entries);
  });

  /** @param {Room} room */
  constructor(room) {
    this.#room = room;
    const all = () => { for (const track of this.#followers.keys()) this.#ask(track); };
    const {document, matchMedia} = globalThis;
    document?.addEventListener('visibilitychange', all, {signal: room.closed});
    // Both events of picture-in-picture bubble.
    document?.addEventListener('enterpictureinpicture', (event) => {
      this.#small = /** @type {{pictureInPictureWindow?: PictureInPictureWindow} & Event} */ (event).pictureInPictureWindow ?? null;
      this.#small?.addEventListener('resize', all, {signal: room.closed});
      all();
    }, {signal: room.closed});
    document?.addEventListener('leavepictureinpicture', all, {signal: room.closed});
    const watchRatio = () => {
      all();
      if (!room.closed.aborted) matchMedia?.(`(resolution: ${devicePixelRatio}dppx)`).addEventListener('change', watchRatio, {once: true, signal: room.closed});
    };
    watchRatio();
    room.closed.addEventListener('abort', () => {
      this.#resize?.disconnect();
      this.#sight?.disconnect();
      this.#stopping.forEach(clearTimeout);
    });
  }

  /**
   * Asks for a track in the size of an element, until the function that it returns is called.
   *
   * @param {RemoteTrack} track
   * @param {HTMLElement} element
   * @param {number} [priority]
   * @returns {() => void}
   */
  follow(track, element, priority = 0) {
    if (track.kind !== 'video') return () => {};
    // Without an observer everything counts as seen.
    const follower = {element, priority, inSight: this.#sight ? undefined : true};
    this.#followers.set(track, (this.#followers.get(track) ?? new Set()).add(follower));
    this.#tracks.set(element, (this.#tracks.get(element) ?? new Set()).add(track));
    // An observer tells of each newly observed element at once; of one that it knows, only changes.
    this.#sight?.unobserve(element);
    this.#sight?.observe(element);
    this.#resize?.observe(element);
    this.#ask(track);
    return () => this.#end(track, follower);
  }

  /** @param {RemoteTrack} track @param {Follower} follower */
  #end(track, follower) {
    const others = this.#followers.get(track);
    if (!others?.delete(follower)) return;
    const {element} = follower;
    const shown = this.#tracks.get(element);
    if (![...others].some((one) => one.element === element)) shown?.delete(track);
    if (shown?.size === 0) {
      this.#tracks.delete(element);
      this.#resize?.unobserve(element);
      this.#sight?.unobserve(element);
    }
    if (others.size > 0) {
      this.#ask(track);
      return;
    }
    this.#followers.delete(track);
    this.#keep(track);
    this.#room.subscribe(track, {enabled: false});
  }

  /** @param {{target: Element}[]} entries */
  #look(entries) {
    for (const track of new Set(entries.flatMap(({target}) => [...this.#tracks.get(target) ?? []]))) this.#ask(track);
  }

  /** The largest of the elements in sight decides. @param {RemoteTrack} track */
  #ask(track) {
    const followers = [...this.#followers.get(track) ?? []];
    const ratio = globalThis.devicePixelRatio || 1;
    const sizes = followers.map((one) => ({...sizeOf(one, this.#small), priority: one.priority})).filter(({width}) => width > 0);
    const largest = sizes.sort((a, b) => b.width * b.height - a.width * a.height)[0];
    if (largest) {
      this.#keep(track);
      const priority = Math.max(...sizes.map((one) => one.priority));
      this.#room.subscribe(track, {
        width: Math.round(largest.width * ratio), height: Math.round(largest.height * ratio), ...(priority && {priority}),
      });
    } else if (followers.every(({inSight}) => inSight !== undefined) && !this.#stopping.has(track)) {
      this.#stopping.set(track, setTimeout(() => {
        this.#stopping.delete(track);
        this.#room.subscribe(track, {enabled: false});
      }, grace));
    }
  }

  /** It does not stop after all. @param {RemoteTrack} track */
  #keep(track) {
    clearTimeout(this.#stopping.get(track));
    this.#stopping.delete(track);
  }
}

/** How large an element can be seen, in CSS pixels: 0 × 0 for not at all. @param {Follower} follower @param {PictureInPictureWindow | null} small */
function sizeOf({element, inSight}, small) {
  const {document} = globalThis;
  // A page's own small window (Document Picture-in-Picture) is a document of its own.
  const hidden = (element.ownerDocument ?? document)?.visibilityState === 'hidden';
  const width = hidden || !inSight ? 0 : element.clientWidth;
  const height = width > 0 ? element.clientHeight : 0;
  const apart = small && document?.pictureInPictureElement === element && small.width * small.height > width * height;
  return apart ? {width: small.width, height: small.height} : {width, height};
}

/**
 * Plays someone's track in a video or audio element, and asks the server for just
 * the size at which it is shown, and for nothing while it is out of sight. A video
 * element stays silent: the sound of a person is a track of its own.
 *
 * @param {Room} room
 * @param {import('./playback.js').Playback} playback
 * @param {RemoteTrack} track
 * @param {HTMLMediaElement} element
 * @param {{priority?: number, signal?: AbortSignal}} [options]
 * @returns {() => void} ends it
 */
export function attach(room, playback, track, element, {priority, signal} = {}) {
  const end = new AbortController();
  const show = (/** @type {MediaStreamTrack | null} */ mediaTrack) => {
    element.srcObject = mediaTrack && new MediaStream([mediaTrack]);
    playback.forget(element);
    if (mediaTrack) playback.play(element);
  };
  element.autoplay = true;
  if (track.kind === 'video') {
    // Phones play anything else in full screen, and browsers block what might be heard.
    /** @type {HTMLVideoElement} */ (element).playsInline = true;
    element.muted = true;
  }
  show(track.mediaTrack);
  room.on('track', ({track: one, mediaTrack}) => { if (one === track) show(mediaTrack); }, {signal: end.signal});
  room.on('track-ended', ({track: one}) => { if (one === track) show(null); }, {signal: end.signal});
  const unfollow = room.follow(track, element, {priority});
  const detach = () => {
    if (end.signal.aborted) return;
    end.abort();
    unfollow();
    show(null);
  };
  signal?.addEventListener('abort', detach, {once: true, signal: end.signal});
  if (signal?.aborted) detach();
  return detach;
}
