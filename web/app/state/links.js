/**
 * Cuts a text into plain parts and links. Only http and https addresses are links,
 * so that no message can carry a script.
 *
 * @param {string} text
 * @returns {{text: string, href?: string}[]}
 */
export function linkify(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"'`]+/gi)) {
    // A sentence's own punctuation does not belong to the address it ends with.
    let address = match[0].replace(/[.,;:!?，。；：！？、]+$/u, '');
    if (address.endsWith(')') && !address.includes('(')) address = address.slice(0, -1);
    if (!isAddress(address)) continue;
    if (match.index > end) parts.push({text: text.slice(end, match.index)});
    parts.push({text: address, href: address});
    end = match.index + address.length;
  }
  if (end < text.length) parts.push({text: text.slice(end)});
  return parts;
}

/** URL.canParse for browsers without it (Safari before 17). @param {string} text */
function isAddress(text) {
  try {
    return Boolean(new URL(text));
  } catch {
    return false;
  }
}
