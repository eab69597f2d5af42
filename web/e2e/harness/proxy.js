// A TCP proxy in front of the server's HTTP port, which can be cut: then it breaks
// every connection and takes no new ones. Media does not pass through it.

import net from 'node:net';

export async function startProxy(address) {
  const [host, port] = address.split(':');
  const sockets = new Set();
  let cut = false;
  const proxy = net.createServer(client => {
    if (cut) return client.resetAndDestroy();
    const server = net.connect(Number(port), host);
    for (const [from, to] of [[client, server], [server, client]]) {
      sockets.add(from);
      from.on('error', () => {}); // the close that follows is what matters
      from.on('close', () => { sockets.delete(from); to.destroy(); });
      from.pipe(to);
    }
  });
  await new Promise(resolve => proxy.listen(0, '127.0.0.1', resolve));
  return {
    host: `localhost:${proxy.address().port}`,
    cut() {
      cut = true;
      for (const socket of sockets) socket.resetAndDestroy();
    },
    mend() { cut = false; },
    close() {
      this.cut();
      return new Promise(resolve => proxy.close(resolve));
    },
  };
}
