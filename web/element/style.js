/** How <plenum-call> looks. */
export const css = `
:host { display: block; min-height: 220px; position: relative; background: #14161b; color: #f2f4f8; font: 15px/1.4 system-ui, sans-serif; border-radius: 12px; overflow: hidden; }
:host([hidden]) { display: none; }
.frame { display: flex; flex-direction: column; height: 100%; min-height: inherit; }
.tiles { flex: 1; min-height: 0; display: grid; gap: 6px; padding: 6px; grid-template-columns: repeat(auto-fit, minmax(min(220px, 100%), 1fr)); align-content: center; overflow: auto; }
figure { position: relative; margin: 0; aspect-ratio: 16 / 9; border-radius: 10px; overflow: hidden; background: #252932; display: grid; place-items: center; }
figure.screen { grid-column: 1 / -1; order: -1; }
video { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: cover; }
figure:not(.video) video { visibility: hidden; }
figure.screen video { object-fit: contain; }
figure.own:not(.screen) video { transform: scaleX(-1); }
.initial { width: 2.2em; line-height: 2.2em; border-radius: 50%; background: #3a4150; font-size: 28px; text-align: center; }
figure.video .initial { display: none; }
figcaption { position: absolute; inset-inline-start: 6px; bottom: 6px; max-width: calc(100% - 28px); display: flex; align-items: center; gap: 4px; padding: 1px 8px; border-radius: 6px; background: rgb(10 12 16 / .75); font-size: 13px; }
figcaption span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
figcaption svg { flex: none; width: 14px; fill: none; stroke: #ffb4a9; stroke-width: 2; stroke-linecap: round; }
figure:not(.muted) svg { display: none; }
figure.speaking { outline: 3px solid #4cd18b; outline-offset: -3px; }
.bar { display: flex; flex-wrap: wrap; gap: 6px; justify-content: center; padding: 6px; }
button { font: inherit; color: inherit; border: 0; border-radius: 10px; padding: 9px 14px; background: #2b2f39; cursor: pointer; }
button[aria-pressed=true] { background: #2c63dd; color: #fff; }
button:disabled { color: #aab1bf; cursor: default; }
button:focus-visible { outline: 3px solid #8db4ff; outline-offset: 2px; }
button.leave { background: #c62a30; }
.note { margin: 0; padding: 0 12px; text-align: center; color: #ffb4a9; }
.blocked { text-align: center; padding: 6px; }
.blocked button { background: #f2f4f8; color: #14161b; }
.note:empty, .blocked:empty { display: none; }
`;

/** A crossed-out microphone. */
export function mutedIcon() {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  path.setAttribute('d', 'm4 4 16 16M9 9v2a3 3 0 0 0 5 2.200M15 11V6a3 3 0 0 0-5.700-1.300M6 11a6 6 0 0 0 9.500 5M12 18v3');
  svg.append(path);
  return svg;
}
