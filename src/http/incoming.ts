/** HTTP requests, as they come in by whatever framework. */

/**
 * The parts of an HTTP request that every framework has.
 *
 * @example
 * const isHealthCheck = ({ method, path }: HttpRequest) => method === "GET" && path === "/health";
 * typeof isHealthCheck; // "function"
 */
export interface HttpRequest {
  /** The method, in capital letters. */
  readonly method: string;
  /** The path of the address, without the query, as it was sent: `"/v1/things"`. */
  readonly path: string;
  /** The headers, by names in any case; null for one that is not there. */
  readonly headers: {
    /** The value of a header; several of one name are joined by commas. */
    get(name: string): string | null;
  };
}

/**
 * An HTTP request that has come in, as the options of a guard see it.
 *
 * @example
 * const by = ({ request, address }: Incoming) => ({ user: request.headers.get("x-user"), ip: address });
 * typeof by; // "function"
 */
export interface Incoming {
  /** The parts that every framework has. */
  readonly request: HttpRequest;
  /**
   * The canonical address of the client: see `canonicalAddress`.
   *
   * @throws {NoAddressError} if there is none.
   */
  readonly address: string;
  /** The framework's own: a `Request`, Hono's `Context`, the `req` of Express and Node, Fastify's `request`. */
  readonly native: unknown;
}
