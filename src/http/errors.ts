/** Errors of `limitset/http`. */
import { LimitError } from "../errors.ts";

/**
 * An HTTP request came in whose client has no address, and the guard needs one. Without it, all clients would count as one. The message says
 * what was looked at. State the option `proxies` or `address`, or hand in the address by the framework.
 */
export class NoAddressError extends LimitError {
  static override get code() {
    return "ERR_NO_ADDRESS" as const;
  }

  constructor(found: string) {
    super(
      new.target.code,
      `no address of the client: ${found}; behind proxies state how many, as proxies: 1; where a header says it, its name, as address: "cf-connecting-ip"; else give a function as address`,
    );
  }
}

/**
 * The option `proxies` and the HTTP requests do not fit together: they have a header of proxies, and it is not stated how many there are; or
 * proxies are stated, and the header is missing. Either way clients may count as one that are many. The option `onWarning` gets it, once. State
 * how many proxies of yours stand before the server: `proxies: 0` for none.
 */
export class ProxiesWarning extends LimitError {
  static override get code() {
    return "WARN_PROXIES" as const;
  }

  constructor(header: string, proxies: number | undefined) {
    super(
      new.target.code,
      proxies === undefined
        ? `an HTTP request has the header ${header}, and the option proxies is not stated: the address of the connection counts, which behind a proxy is the proxy's; state how many proxies of yours there are, 0 for none`
        : `an HTTP request has no header ${header}, although proxies is ${proxies}: the address of the connection counts, which may be a proxy's; let your proxies add the header, or state another forwardedHeader`,
    );
  }
}
