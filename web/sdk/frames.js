/** A page that is not shown has no frames; its sound must go on. In milliseconds. */
const withoutFrames = 250;

/**
 * Makes of a function one that may be called as often as anything changes: what it does
 * is done once, in the browser's next frame.
 *
 * @param {() => void} draw
 * @returns {() => void}
 */
export function perFrame(draw) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    const run = () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      waiting = false;
      draw();
    };
    const frame = requestAnimationFrame(run);
    const timer = setTimeout(run, withoutFrames);
  };
}
