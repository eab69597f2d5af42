// A network namespace for the browser, joined to this machine by a veth pair, with
// losses and cuts made by nftables and limits of the downlink by tc. Needs root. The
// server stays outside, so the harness reaches it too.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const run = (command, input) => execFileSync(command[0], command.slice(1), { input, encoding: 'utf8' });

/** Why there can be no namespaces here, or false. */
export function noNamespaces() {
  if (process.getuid() !== 0) return 'network namespaces need root';
  return false;
}

export class Network {
  // One network at a time would do; the process id keeps runs apart.
  #id = process.pid % 10000;
  #space = `pl${this.#id}`;
  #outside = `plo${this.#id}`;
  #inside = `pli${this.#id}`;
  #isLimited = false;
  #folder = mkdtempSync(join(tmpdir(), 'plenum-e2e-'));
  // A run that was killed leaves its network behind; a second one with the same addresses
  // would get its answers.
  #net = `10.99.${process.pid % 256}`;
  /** The server's side. */
  host = `${this.#net}.1`;
  /** The browser's addresses; it has the first. */
  clients = [`${this.#net}.2`, `${this.#net}.3`];

  constructor() {
    run(['ip', 'netns', 'add', this.#space]);
    run(['ip', 'link', 'add', this.#outside, 'type', 'veth', 'peer', 'name', this.#inside, 'netns', this.#space]);
    // An IPv6 address that comes up a second later is a change of network to Chromium,
    // which breaks the loading of pages.
    run(['ip', 'link', 'set', this.#outside, 'addrgenmode', 'none']);
    this.#ip('link', 'set', this.#inside, 'addrgenmode', 'none');
    run(['ip', 'addr', 'add', `${this.host}/24`, 'dev', this.#outside]);
    run(['ip', 'link', 'set', this.#outside, 'up']);
    this.#ip('link', 'set', 'lo', 'up');
    this.#ip('link', 'set', this.#inside, 'up');
    this.#ip('addr', 'add', `${this.clients[0]}/24`, 'dev', this.#inside);
    this.#ip('route', 'add', 'default', 'via', this.host); // browsers gather nothing without
  }

  /** A program that runs command inside the namespace. */
  wrap(command) {
    const path = join(this.#folder, basename(command));
    writeFileSync(path, `#!/bin/sh\nexec ip netns exec ${this.#space} ${command} "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /**
   * Drops that share of the UDP datagrams to and from the browser at random. Both are
   * dropped on arrival: a sender never learns of it. Uplink RTP of the payload types
   * given is counted by itself.
   */
  lose(percent, payloadTypes) {
    this.heal();
    const video = payloadTypes.length
      ? `@th,73,7 { ${payloadTypes.join(', ')} } counter name frames` : '';
    run(['nft', '-f', '-'], `
      table netdev ${this.#space} {
        counter datagrams { }
        counter frames { }
        chain lost { ${video}
          counter name datagrams drop
        }
        chain up {
          type filter hook ingress device "${this.#outside}" priority 0;
          meta l4proto udp numgen random mod 1000 < ${percent * 10} goto lost
        }
      }`);
    this.#nft(`
      table inet loss {
        chain down {
          type filter hook input priority 0;
          iif != lo meta l4proto udp numgen random mod 1000 < ${percent * 10} drop
        }
      }`);
  }

  /** How many uplink datagrams lose() has dropped so far: all, and video RTP. */
  lost() {
    const { nftables } = JSON.parse(run(['nft', '-j', 'list', 'table', 'netdev', this.#space]));
    const packets = name => nftables.find(entry => entry.counter?.name === name).counter.packets;
    return { all: packets('datagrams'), video: packets('frames') };
  }

  /**
   * Kills the path of the media without a word, in both directions: that UDP port of
   * the browser's, and ICE-TCP to the server, which would take over otherwise.
   */
  block(localPort, mediaPort) {
    this.heal();
    run(['nft', '-f', '-'], `
      table netdev ${this.#space} {
        chain up {
          type filter hook ingress device "${this.#outside}" priority 0;
          udp sport ${localPort} drop
          tcp dport ${mediaPort} drop
        }
      }`);
    this.#nft(`
      table inet block {
        chain down {
          type filter hook input priority 0;
          udp dport ${localPort} drop
          tcp sport ${mediaPort} drop
        }
      }`);
  }

  /**
   * Limits the downlink to so many kbit/s, behind a queue of 200 ms that drops what
   * doesn't fit. The uplink stays open.
   */
  limit(kbits) {
    run(['tc', 'qdisc', 'replace', 'dev', this.#outside, 'root', 'tbf',
      'rate', `${kbits}kbit`, 'burst', '8kb', 'latency', '200ms']);
    this.#isLimited = true;
  }

  /** Lifts the limit, if there is one. */
  unlimit() {
    if (!this.#isLimited) return;
    this.#isLimited = false;
    run(['tc', 'qdisc', 'del', 'dev', this.#outside, 'root']);
  }

  /** How many packets the limit has dropped so far. */
  limited() {
    const [{ drops }] = JSON.parse(run(['tc', '-s', '-j', 'qdisc', 'show', 'dev', this.#outside, 'root']));
    return drops;
  }

  /** Gives the browser its second address instead of the first, as a change of network does. */
  move() {
    this.#ip('addr', 'flush', 'dev', this.#inside);
    this.#ip('addr', 'add', `${this.clients[1]}/24`, 'dev', this.#inside);
    this.#ip('route', 'replace', 'default', 'via', this.host);
  }

  heal() {
    for (const command of [
      ['nft', 'delete', 'table', 'netdev', this.#space],
      ['ip', 'netns', 'exec', this.#space, 'nft', 'flush', 'ruleset'],
    ]) {
      try {
        execFileSync(command[0], command.slice(1), { stdio: 'ignore' });
      } catch {
        // there was nothing to delete
      }
    }
  }

  close() {
    this.heal();
    // The namespace itself lives on while a process in it is dying, and its address with it.
    run(['ip', 'link', 'del', this.#outside]);
    run(['ip', 'netns', 'del', this.#space]);
    rmSync(this.#folder, { recursive: true });
  }

  #ip(...command) { run(['ip', '-n', this.#space, ...command]); }
  #nft(rules) { run(['ip', 'netns', 'exec', this.#space, 'nft', '-f', '-'], rules); }
}
