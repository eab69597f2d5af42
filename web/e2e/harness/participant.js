// One page in a call, whichever browser it runs in. Built on evaluate() alone,
// which Playwright's and Puppeteer's pages both have.

import { patience, until } from './until.js';

export class Participant {
  /** @param {{evaluate: Function, close: Function}} page */
  constructor(page, name) {
    this.page = page;
    this.name = name;
  }

  evaluate(f, ...parameters) { return this.page.evaluate(f, ...parameters); }

  /** What the page's peer connection sends and receives now. */
  view() { return this.evaluate(() => window.e2e.view()); }

  /** The messages received so far, of one type if given. */
  messages(type) {
    return this.evaluate(t => window.e2e.messages.filter(m => !t || m.type === t), type ?? null);
  }

  /** Waits for the server's `joined` and returns this participant's id. */
  async joined(within = patience) {
    const joined = await until(async () => (await this.messages('joined')).at(-1),
      { within, what: `${this.name} joins`, seen: () => this.evaluate(() => window.e2e.errors) });
    this.id = joined.id;
    return joined;
  }

  /** The live inbound streams of kind from the stream with that id. */
  async from(stream, kind) {
    const view = await this.view();
    return view?.inbound.find(s => s.stream === stream && s.kind === kind && s.live);
  }

  /** Waits until video of that stream has been decoded. */
  seesVideo(stream, { within = patience } = {}) {
    return until(async () => {
      const video = await this.from(stream, 'video');
      return video?.framesDecoded > 0 && video;
    }, { within, what: `${this.name} sees ${stream}`, seen: () => this.summary() });
  }

  /** Waits until `count` more frames of that stream have been decoded. */
  async seesFrames(stream, count, { within = patience } = {}) {
    const start = await this.seesVideo(stream, { within });
    return until(async () => {
      const video = await this.from(stream, 'video');
      return video?.framesDecoded >= (video?.track === start.track ? start.framesDecoded : 0) + count && video;
    }, { within, what: `${this.name} decodes ${count} more frames of ${stream}`, seen: () => this.summary() });
  }

  /** Waits until the audio of that stream carries sound. */
  async hears(stream, { within = patience } = {}) {
    const before = (await this.from(stream, 'audio'))?.totalAudioEnergy ?? 0;
    return until(async () => {
      const audio = await this.from(stream, 'audio');
      return audio?.totalAudioEnergy > before + 0.01 && audio;
    }, { within, what: `${this.name} hears ${stream}`, seen: () => this.summary() });
  }

  /** What is shown when something awaited doesn't come. */
  async summary() {
    const view = await this.view();
    return {
      errors: await this.evaluate(() => window.e2e.errors),
      problems: await this.messages('error'),
      steps: await this.evaluate(() => window.e2e.steps),
      connection: view?.connection,
      inbound: view?.inbound.map(s => [s.kind, s.stream, s.live, s.codec, s.framesDecoded, s.totalAudioEnergy, s.packetsReceived]),
      outbound: view?.outbound.map(s => [s.kind, s.codec, s.packetsSent, s.framesSent]),
      told: (await this.messages()).filter(m => ['quality', 'layers'].includes(m.type)),
      explained: await this.explanations(),
    };
  }

  /** Why the server sends what it sends, to everyone who is on it. */
  async explanations() {
    const url = new URL('/debug/participants', await this.evaluate(() => location.href));
    const listed = await fetch(url);
    if (!listed.ok) return `not shown without the admin token (${listed.status})`;
    const { participants } = await listed.json();
    return Promise.all(participants.map(async ({ id }) => {
      const { downlink, ...rest } = await (await fetch(`${url}/${id}`)).json();
      return { ...rest, downlink: { ...downlink, history: downlink?.history.slice(-3) } };
    }));
  }

  // The app's own controls. Clicked by script, so that no layout can hide them.

  click(selector) {
    return this.evaluate(s => document.querySelector(s).click(), selector);
  }

  /** The participant and source of each remote or local tile. */
  tiles() {
    return this.evaluate(() => [...document.querySelectorAll('[data-participant][data-source]')]
      .map(tile => ({ participant: tile.dataset.participant, source: tile.dataset.source,
        text: tile.textContent.trim(), width: tile.querySelector('video')?.videoWidth ?? 0 })));
  }

  async joinApp() {
    await until(() => this.evaluate(() => Boolean(document.querySelector('#join'))), { what: 'the app shows #join' });
    await this.evaluate(name => {
      const field = document.querySelector('#name');
      if (field) {
        field.value = name;
        field.dispatchEvent(new Event('input', { bubbles: true }));
      }
      document.querySelector('#join').click();
    }, this.name);
    await this.joined();
    return this;
  }
}
