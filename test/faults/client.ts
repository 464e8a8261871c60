import { WebSocket } from 'ws';
import type { Audience } from './audience.ts';
import { readMessage, type ToldChange } from './messages.ts';
import type { MillraceNode } from './nodes.ts';
import type { Random } from './random.ts';
import type { Received } from './received.ts';
import type { World } from './world.ts';

/** What a client needs. */
export interface ClientParts {
  audience: Audience;
  token: string;
  nodes: readonly MillraceNode[];
  world: World;
  random: Random;
  received: Received;
}

/** How long a handshake, and an acknowledgement, may take before another node is tried, in milliseconds. */
const patience = 1500;

/**
 * A client as an application would have it: it subscribes (graphql-transport-ws), keeps the cursor of the last message, and
 * when its connection ends goes on from there on a random node.
 */
export class ResumingClient {
  readonly audience: Audience;
  readonly received: Received;
  /** The node that it is connected to, or tries. */
  node: MillraceNode;
  /** It has subscribed on the present connection. */
  isSubscribed = false;
  /** When it was last told of a change. */
  lastChangeAt = 0;
  /** It has been told where its stream begins: from here on nothing may be missing. */
  readonly begun: Promise<void>;
  /** How often it has subscribed. */
  subscriptions = 0;
  private readonly parts: ClientParts;
  private socket: WebSocket | undefined;
  private cursor: string | undefined;
  private isStopped = false;
  private begin = () => {};

  constructor(parts: ClientParts) {
    this.parts = parts;
    this.audience = parts.audience;
    this.received = parts.received;
    this.node = parts.random.pick(parts.nodes);
    this.begun = new Promise((resolve) => {
      this.begin = resolve;
    });
    this.connect();
  }

  /** Its connection breaks. */
  cut(): void {
    this.socket?.terminate();
  }

  /** It reads no more from its connection. */
  pause(): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.pause();
  }

  resume(): void {
    if (this.socket?.isPaused) this.socket.resume();
  }

  stop(): void {
    this.isStopped = true;
    this.socket?.terminate();
  }

  private connect(): void {
    this.node = this.parts.random.pick(this.parts.nodes);
    const socket = new WebSocket(`${this.node.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
      handshakeTimeout: patience,
    });
    this.socket = socket;
    const late = setTimeout(() => socket.terminate(), 2 * patience);
    socket.on('open', () => {
      const payload = { authorization: `Bearer ${this.parts.token}` };
      socket.send(JSON.stringify({ type: 'connection_init', payload }));
    });
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as { type: string; payload?: unknown };
      if (message.type === 'next')
        this.hear((message.payload as { data: { taskChanges: ToldChange } }).data.taskChanges);
      else if (message.type === 'connection_ack') {
        clearTimeout(late);
        this.subscribe(socket);
      } else if (message.type === 'ping') socket.send('{"type":"pong"}');
      else if (message.type === 'error' || message.type === 'complete') socket.terminate();
    });
    socket.on('error', () => {}); // `close` follows
    socket.on('close', () => {
      clearTimeout(late);
      this.isSubscribed = false;
      if (!this.isStopped) setTimeout(() => this.connect(), 20 + this.parts.random.below(100));
    });
  }

  private subscribe(socket: WebSocket): void {
    const { document, where } = this.audience;
    const variables = { where, after: this.cursor };
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: document, variables } }));
    this.isSubscribed = true;
    this.subscriptions += 1;
  }

  private hear(told: ToldChange): void {
    const at = performance.now();
    this.cursor = told.cursor;
    if (told.type === 'CHECKPOINT') this.begin();
    else if (told.type === 'RESYNC') this.received.addResync(told.reason ?? '', at);
    else {
      this.lastChangeAt = at;
      this.received.add(told.key!.id, readMessage(told, this.parts.world), at);
    }
  }
}
