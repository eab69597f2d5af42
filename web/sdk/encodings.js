/**
 * In which layers a video track is sent. Nothing here touches a connection: sizes and
 * wishes come in, parameters for RTCRtpSender come out.
 *
 * @typedef {import('./protocol.js').Source} Source
 *
 * @typedef {object} SendOptions  how video is sent; audio ignores it
 * @property {string} [codec]  "VP8", "VP9", "H264", "AV1": only this one, if the browser has it; VP8 by default
 * @property {boolean} [simulcast]  false: one layer only. Else VP8 and H264 are sent in several sizes,
 *   VP9 and AV1 in the layers of `scalabilityMode`
 * @property {string} [scalabilityMode]  of VP9 and AV1: "L3T3_KEY" by default (W3C's WebRTC SVC)
 * @property {number} [maxBitrate]  bit/s of the topmost layer; by its number of pixels by default
 * @property {number} [maxFramerate]  frames per second of the topmost layer; 15 for a screen by default
 *
 * @typedef {{width?: number, height?: number}} Size  in pixels, of the capture as it is now
 * @typedef {RTCRtpEncodingParameters & {scalabilityMode?: string}} Encoding
 */

/** Layers have these names, from the smallest upwards. */
const rids = ['q', 'h', 'f'];

/** A screen has two: one to read, and one for thumbnails and for links that carry no more. */
const screenRids = ['q', 'f'];

/** bit/s that make a camera's 1280×720 look good in VP8, and a screen's any size. */
const hd = 1_700_000;
const leastScreen = 2_000_000;
const mostScreen = 5_000_000;

/**
 * Frames per second of a screen. Text is read, not watched: at 15 scrolling can still
 * be followed, and each frame has twice the bits that it would have at 30.
 */
export const screenRate = 15;

/**
 * The encodings of a sender. How many there are is fixed for its life by WebRTC 1.0;
 * a smaller capture leaves the upper ones inactive.
 *
 * @param {Source} source
 * @param {SendOptions} options
 * @param {Size} size
 * @returns {Encoding[]}
 */
export function encodings(source, options, size) {
  if (options.simulcast === false) return [single(source, options, size)];
  if (isScalable(options.codec)) {
    return [{...single(source, options, size), scalabilityMode: options.scalabilityMode ?? modeOf(source, options.codec)}];
  }
  return source === 'screen' ? screenLayers(options, size) : cameraLayers(options, size);
}

/** Whether a codec has its layers within one stream. @param {string} [codec] */
export function isScalable(codec) {
  return ['VP9', 'AV1'].includes(codec?.toUpperCase() ?? '');
}

/**
 * Each layer has half the width of the next. Browsers send no more layers than are
 * sensible for the size, and leave out the last ones: so the first is always the
 * smallest, and the capture's own size is that of the last active one.
 *
 * @param {SendOptions} options
 * @param {Size} size
 */
function cameraLayers({maxBitrate, maxFramerate}, size) {
  const count = layersOf(size);
  return rids.map((rid, index) => {
    const down = 2 ** Math.max(0, count - 1 - index);
    const top = index >= count - 1 ? maxBitrate : undefined;
    return {
      rid, active: index < count, scaleResolutionDownBy: down, maxBitrate: top ?? bitrate(size, down),
      ...(maxFramerate && {maxFramerate}), scalabilityMode: 'L1T3',
    };
  });
}

/** @param {SendOptions} options @param {Size} size @returns {Encoding[]} */
function screenLayers(options, size) {
  const down = longer(size) > 1920 ? 4 : 2;
  const [low, full] = screenRids;
  return [
    {rid: low, active: true, scaleResolutionDownBy: down, maxBitrate: 250_000, maxFramerate: 5, scalabilityMode: 'L1T2'},
    {...single('screen', options, size), rid: full, scaleResolutionDownBy: 1, scalabilityMode: 'L1T2'},
  ];
}

/** @param {Source} source @param {SendOptions} options @param {Size} size @returns {Encoding} */
function single(source, {maxBitrate, maxFramerate, codec, simulcast}, size) {
  if (source === 'screen') {
    const enough = Math.min(mostScreen, Math.max(leastScreen, bitrate(size)));
    return {active: true, maxBitrate: maxBitrate ?? enough, maxFramerate: maxFramerate ?? screenRate};
  }
  // Layers within one stream share its limit.
  const layers = simulcast !== false && isScalable(codec) ? [1, 2, 4] : [1];
  return {
    active: true, maxBitrate: maxBitrate ?? layers.reduce((sum, down) => sum + bitrate(size, down), 0),
    ...(maxFramerate && {maxFramerate}),
  };
}

/** Chromium sends nothing at all of a screen in VP9's spatial layers. @param {Source} source @param {string} [codec] */
function modeOf(source, codec) {
  if (source !== 'screen') return 'L3T3_KEY';
  return codec?.toUpperCase() === 'VP9' ? 'L1T2' : 'L2T2_KEY';
}

/** How many layers a capture is worth; three where its size is not known yet. @param {Size} size */
function layersOf(size) {
  const width = longer(size); // a phone held upright has the same layers as one held across
  return width >= 960 || width === 0 ? 3 : width >= 480 ? 2 : 1;
}

/** @param {Size} size */
function longer({width = 0, height = 0}) {
  return Math.max(width, height);
}

/**
 * What a picture needs grows more slowly than its pixels: 210 kbit/s for 320×180,
 * 600 for 640×360, 1.1 Mbit/s for 960×540, 1.7 for 1280×720, 3.1 for 1920×1080.
 *
 * @param {Size} size
 * @param {number} [down]  the picture is scaled by that
 */
function bitrate({width = 1280, height = 720}, down = 1) {
  const pixels = (width / down) * (height / down);
  return Math.max(100_000, 10_000 * Math.round((hd * (pixels / (1280 * 720)) ** 0.75) / 10_000));
}
