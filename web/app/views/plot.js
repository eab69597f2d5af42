/**
 * A line over time, small enough to stand in a row of text.
 *
 * @param {number[]} values  oldest first
 * @param {number} capacity  so many values fill the width
 * @param {number} [floor]  the smallest value that reaches the top, so that noise looks like noise
 * @returns {SVGSVGElement}
 */
export function plot(values, capacity, floor = 0) {
  const width = 120;
  const height = 28;
  const top = Math.max(floor, ...values, 1e-9);
  const points = values.map((value, index) => {
    const x = width - (values.length - 1 - index) * (width / (capacity - 1));
    return `${x.toFixed(1)},${(height - 1 - (value / top) * (height - 2)).toFixed(1)}`;
  });
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  svg.setAttribute('class', 'plot');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('preserveAspectRatio', 'none');
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
  line.setAttribute('points', points.join(' '));
  svg.append(line);
  return svg;
}
