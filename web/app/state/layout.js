/**
 * Where the tiles go. Nothing here knows the page: numbers come in, rectangles come out.
 *
 * @typedef {object} Area  in CSS pixels
 * @property {number} width
 * @property {number} height
 *
 * @typedef {object} Rectangle  `start` is the distance from the side where text begins
 * @property {number} start
 * @property {number} top
 * @property {number} width
 * @property {number} height
 * @property {boolean} large  the one that everyone looks at
 *
 * @typedef {object} Arrangement
 * @property {Map<string, Rectangle>} places  of the tiles that are to be seen
 * @property {number} page  from 0
 * @property {number} pages
 */

const gap = 8;
const maxPerPage = 49;
/** What the buttons that turn pages take away below, where there are pages. */
export const pagerHeight = 46;
const widest = 16 / 9;

/** @param {Area} area  how narrow a tile may be: upright windows have upright tiles */
function narrowest({width, height}) {
  return width < height ? 3 / 4 : 4 / 3;
}

/**
 * The largest tiles of equal size that fit.
 *
 * @param {Area} area
 * @param {number} count
 * @returns {Area & {columns: number}} of one tile
 */
export function fit(area, count) {
  let best = {width: 0, height: 0, columns: 1};
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const across = (area.width - gap * (columns - 1)) / columns;
    const down = (area.height - gap * (rows - 1)) / rows;
    const {width, height} = within({width: across, height: down}, narrowest(area));
    if (width * height > best.width * best.height) best = {width, height, columns};
  }
  return best;
}

/** How many tiles a page holds before they become too small to know anyone. @param {Area} area */
export function capacity(area) {
  const smallest = area.width < 600 ? {width: 140, height: 96} : {width: 112, height: 78};
  const columns = Math.max(1, Math.floor((area.width + gap) / (smallest.width + gap)));
  const rows = Math.max(1, Math.floor((area.height + gap) / (smallest.height + gap)));
  return Math.min(maxPerPage, columns * rows);
}

/**
 * @param {Area} area
 * @param {string[]} keys  of the tiles, in order
 * @param {string | null} featured  the one to show large
 * @param {number} page
 * @returns {Arrangement}
 */
export function arrange(area, keys, featured, page) {
  if (area.width <= 0 || area.height <= 0) return {places: new Map(), page: 0, pages: 1};
  const whole = arrangeIn(area, keys, featured, page);
  const low = {width: area.width, height: area.height - pagerHeight};
  return whole.pages === 1 || low.height <= 0 ? whole : arrangeIn(low, keys, featured, page);
}

/** @param {Area} area @param {string[]} keys @param {string | null} featured @param {number} page @returns {Arrangement} */
function arrangeIn(area, keys, featured, page) {
  if (featured !== null && keys.includes(featured)) return arrangeStage(area, keys, featured, page);
  const {shown, ...paging} = turn(keys, capacity(area), page);
  const places = place(shown, fit(area, shown.length), area, {start: 0, top: 0});
  return {places, ...paging};
}

/**
 * One large tile, and the others beside it, or below it in an upright window.
 *
 * @param {Area} area
 * @param {string[]} keys
 * @param {string} featured
 * @param {number} page
 * @returns {Arrangement}
 */
function arrangeStage(area, keys, featured, page) {
  const others = keys.filter((key) => key !== featured);
  if (others.length === 0) return {places: new Map([[featured, {start: 0, top: 0, ...area, large: true}]]), page: 0, pages: 1};
  const {stage, corner, rest, strip} = area.width > area.height * 1.1 ? beside(area, others.length) : below(area);
  const {shown, ...paging} = turn(others, strip ? strip.rows * strip.columns : capacity(rest), page);
  const places = place(shown, strip ?? fit(rest, shown.length), rest, corner);
  places.set(featured, {start: 0, top: 0, width: Math.floor(stage.width), height: Math.floor(stage.height), large: true});
  return {places, ...paging};
}

/** @param {Area} area @param {number} count */
function beside(area, count) {
  const strip = stripBeside(area, count);
  const width = strip.columns * strip.width + (strip.columns - 1) * gap;
  const stage = {width: area.width - width - gap, height: area.height};
  return {stage, corner: {start: stage.width + gap, top: 0}, rest: {width, height: area.height}, strip};
}

/** In an upright window the large one needs no more than its own shape, and the people get the rest. @param {Area} area */
function below(area) {
  const stage = {width: area.width, height: Math.max(area.height * 0.4, Math.min(area.height * 0.7, area.width * 0.7))};
  const top = stage.height + gap;
  return {stage, corner: {start: 0, top}, rest: {width: area.width, height: area.height - top}, strip: null};
}

/** @param {Area} area @param {number} count */
function stripBeside(area, count) {
  const wanted = Math.min(300, Math.max(130, area.width * 0.17), area.height * widest);
  // A few people too many for one column are made a little smaller, rather than the stage a lot.
  const fitting = ((area.height - gap * (count - 1)) / count) * widest;
  const width = Math.floor(fitting >= 150 ? Math.min(wanted, fitting) : wanted);
  const height = Math.floor(width / widest);
  const rows = Math.max(1, Math.floor((area.height + gap) / (height + gap)));
  // A wide window has room for two columns of people beside the stage.
  const columns = count > rows && area.width - 2 * (width + gap) > area.height * 1.2 ? 2 : 1;
  return {width, height, rows, columns};
}

/**
 * @param {string[]} keys
 * @param {number} size
 * @param {number} page
 */
function turn(keys, size, page) {
  const pages = Math.max(1, Math.ceil(keys.length / size));
  const at = Math.min(Math.max(0, page), pages - 1);
  return {shown: keys.slice(at * size, (at + 1) * size), page: at, pages};
}

/**
 * Rows of equal tiles, centred in the area; so is a last row that is not full.
 *
 * @param {string[]} keys
 * @param {Area & {columns: number}} tile
 * @param {Area} area
 * @param {{start: number, top: number}} corner
 */
function place(keys, tile, area, corner) {
  /** @type {Map<string, Rectangle>} */
  const places = new Map();
  const width = Math.floor(tile.width);
  const height = Math.floor(tile.height);
  const columns = Math.min(tile.columns, keys.length) || 1;
  const rows = Math.ceil(keys.length / columns);
  const above = (area.height - rows * height - (rows - 1) * gap) / 2;
  keys.forEach((key, index) => {
    const row = Math.floor(index / columns);
    const inRow = Math.min(columns, keys.length - row * columns);
    const before = (area.width - inRow * width - (inRow - 1) * gap) / 2;
    places.set(key, {
      start: Math.round(corner.start + before + (index % columns) * (width + gap)),
      top: Math.round(corner.top + above + row * (height + gap)),
      width, height, large: false,
    });
  });
  return places;
}

/** The largest shape between the narrowest and the widest that fits. @param {Area} space @param {number} narrow @returns {Area} */
function within({width, height}, narrow) {
  if (width <= 0 || height <= 0) return {width: 0, height: 0};
  if (width / height > widest) return {width: height * widest, height};
  if (width / height < narrow) return {width, height: width / narrow};
  return {width, height};
}

/**
 * Who speaks out of sight takes the place of whoever in sight has been silent the
 * longest, so that nobody else moves.
 *
 * @param {string[]} order
 * @param {string[]} speaking  loudest first
 * @param {number} size  how many are in sight
 * @param {Map<string, number>} lastSpoke  when
 * @returns {string[]}
 */
export function promote(order, speaking, size, lastSpoke) {
  const next = [...order];
  for (const id of speaking) {
    const from = next.indexOf(id);
    if (from < size) continue;
    // Place 0 is one's own.
    const silent = next.slice(1, size).filter((one) => !speaking.includes(one));
    const [quietest] = silent.sort((a, b) => (lastSpoke.get(a) ?? 0) - (lastSpoke.get(b) ?? 0));
    if (quietest === undefined) break;
    next[next.indexOf(quietest)] = id;
    next[from] = quietest;
  }
  return next;
}
