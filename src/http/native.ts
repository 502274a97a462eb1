/**
 * The objects of frameworks, as far as a guard uses them. They are handed in: no framework is imported, and every version that has
 * these parts will do.
 */

/** A connection: Node's `net.Socket`. */
export interface NodeSocket {
  /** The address of its other end; undefined once it is closed. */
  readonly remoteAddress?: string | undefined;
  /** The address of this end. */
  readonly localAddress?: string | undefined;
  /** Whether it is closed. */
  readonly destroyed: boolean;
  /** Adds a listener. */
  once(event: "close", listener: () => void): unknown;
}

/** Node's `http.IncomingMessage`, that of `http2`, and what Express makes of them. */
export interface NodeRequest {
  /** The method. */
  readonly method?: string | undefined;
  /** The path, with the query. */
  readonly url?: string | undefined;
  /** The headers, by names in small letters. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The headers as they have come: names and values by turns. */
  readonly rawHeaders: readonly string[];
  /** The version of the protocol: 1 or 2. */
  readonly httpVersionMajor: number;
  /** The connection. */
  readonly socket: NodeSocket;
}

/** Node's `http.ServerResponse`, and that of `http2`. */
export interface NodeResponse {
  /** The status of the answer. */
  statusCode: number;
  /** Whether all of it has been handed to the operating system. */
  readonly writableFinished: boolean;
  /** Whether it is closed. */
  readonly destroyed: boolean;
  /** Whether its headers are sent. */
  readonly headersSent: boolean;
  /** A header that is set already; undefined for one that is not. */
  getHeader(name: string): unknown;
  /** Sets a header. */
  setHeader(name: string, value: string): unknown;
  /** Ends the answer. */
  end(body?: string | Uint8Array): unknown;
  /** Writes a part of the body. */
  write(chunk: string | Uint8Array): unknown;
  /** Adds a listener. */
  once(event: "close", listener: () => void): unknown;
}

/** The connection of an upgrade: Node's `net.Socket`. */
export interface UpgradeSocket extends NodeSocket {
  /** Writes, and ends the connection. */
  end(data: string): unknown;
  /** Adds a listener. */
  on(event: "error", listener: () => void): unknown;
}

/** Fastify's request. */
export interface FastifyRequestLike {
  /** Node's own. */
  readonly raw: NodeRequest;
  /** The address of the client, by the option `trustProxy`. */
  readonly ip: string;
}

/** Fastify's reply. */
export interface FastifyReplyLike {
  /** Node's own. */
  readonly raw: NodeResponse;
  /** Sets the status. */
  code(status: number): unknown;
  /** A header that is set already; undefined for one that is not. */
  getHeader(name: string): unknown;
  /** Sets a header. */
  header(name: string, value: string): unknown;
  /** Answers. */
  send(body?: unknown): unknown;
}

/** Fastify's instance. */
export interface FastifyLike {
  /** Adds a hook. */
  addHook(
    name: "onRequest",
    hook: (request: FastifyRequestLike, reply: FastifyReplyLike, done: (error?: Error) => void) => void,
  ): unknown;
}

/** Hono's context. */
export interface HonoLike {
  /** The request, with that of the platform. */
  readonly req: {
    /** The platform's. */
    readonly raw: Request;
  };
  /** What the runtime hands over. */
  readonly env: unknown;
  /** What keeps a Worker going; throws where there is none. */
  readonly executionCtx: unknown;
  /** The answer. */
  res: Response;
}
