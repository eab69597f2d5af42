// Serves web/e2e/pages from an origin of its own, as a user's web server would.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

export async function servePages() {
  const server = createServer(async (request, response) => {
    try {
      const page = await readFile(new URL(`../pages/${basename(request.url)}`, import.meta.url));
      response.writeHead(200, { 'content-type': 'text/html' }).end(page);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${server.address().port}`,
    close: () => new Promise(resolve => { server.close(resolve); server.closeAllConnections(); }),
  };
}
