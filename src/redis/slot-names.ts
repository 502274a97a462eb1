/** The names of the parts of a set that is spread over the slots of a cluster. */

const SLOTS = 16_384;

/**
 * So many names: the first is that of the set, so that whoever opens the set on other terms meets the first part. The others are chosen so
 * that their slots lie apart: a cluster gives each node slots that follow each other.
 */
export function namesOfParts(name: string, parts: number): string[] {
  const share = (slot: number) => Math.floor((slot * parts) / SLOTS);
  const first = share(slotOf(name));
  const begun = checksum(`${name} `);
  return Array.from({ length: parts }, (_, part) => {
    if (part === 0) return name;
    for (let i = 0; ; i++) {
      const end = `${part}.${i}`;
      if (share(checksum(end, begun) % SLOTS) === (first + part) % parts) return `${name} ${end}`;
    }
  });
}

/** The slot of a cluster for what stands in the braces of a key. */
export function slotOf(tag: string): number {
  return checksum(tag) % SLOTS;
}

/** CRC16-XMODEM of the UTF-8 of a text; of one that goes on where another ended, with what that came to. */
function checksum(text: string, begun = 0): number {
  let crc = begun;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}
