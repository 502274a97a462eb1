// Draws the level of each bucket over the last seconds: one strip each, from left to right. See README.md.

/** @typedef {Readonly<Record<string, import("limitset").LimitStats>>} Stats */

const SECONDS = 12;
const SPACE = 14;
const HEAD = 26;
const FOOT = 18;

/** The title of each strip, and its colour, as the style sheet calls it. */
const STRIPS = [
  { key: "call_count", title: "calls", colour: "--calls" },
  { key: "tokens", title: "tokens", colour: "--tokens" },
  { key: "connections", title: "connections", colour: "--connections" },
];

export class Picture {
  #canvas;
  #pen;
  /** @type {{ at: number, stats: Stats }[]} */
  #samples = [];
  /** @type {{ at: number, text: string }[]} */
  #marks = [];

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    // Once now, and again when the size or the colour scheme changes.
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  clear() {
    this.#samples = [];
    this.#marks = [];
  }

  /** @param {Stats} stats */
  add(stats) {
    const at = performance.now();
    this.#samples.push({ at, stats });
    // One sample more than is visible, where the line starts.
    while (this.#samples[1] && this.#samples[1].at < at - SECONDS * 1_000) this.#samples.shift();
    this.draw();
  }

  /** @param {string} text an event of this moment */
  mark(text) {
    this.#marks.push({ at: performance.now(), text });
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = devicePixelRatio;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    this.#pen.setTransform(scale, 0, 0, scale, 0, 0);
    this.#pen.font = `12px ${getComputedStyle(this.#canvas).fontFamily}`;
    const end = this.#samples.at(-1)?.at ?? 0;
    /** @param {number} at */
    const x = (at) => width - ((end - at) / (SECONDS * 1_000)) * width;
    const each = (height - FOOT - SPACE * (STRIPS.length - 1)) / STRIPS.length;
    this.#pen.save();
    for (const [i, strip] of STRIPS.entries()) this.#strip(strip, i * (each + SPACE), each, width, x);
    this.#pen.restore();
    this.#times(width, height);
    for (const { at, text } of this.#marks) this.#mark(text, x(at), height - FOOT);
  }

  /**
   * @param {{ key: string, title: string, colour: string }} strip
   * @param {number} top
   * @param {number} height
   * @param {number} width
   * @param {(at: number) => number} x
   */
  #strip({ key, title, colour }, top, height, width, x) {
    const pen = this.#pen;
    const floor = top + height;
    const ceiling = top + HEAD;
    pen.fillStyle = this.#colour("--strip");
    pen.fillRect(0, ceiling, width, floor - ceiling);
    const now = this.#samples.at(-1)?.stats[key];
    pen.fillStyle = this.#colour(colour);
    pen.fillRect(0, top + 7, 9, 9);
    this.#text(title, 16, top + 16, "--text");
    if (!now) return;
    this.#text(`${Math.floor(now.available)} of ${now.capacity} left`, width, top + 16, "--quiet", "right");
    pen.beginPath();
    for (const { at, stats } of this.#samples) {
      const { available, capacity } = /** @type {import("limitset").LimitStats} */ (stats[key]);
      pen.lineTo(x(at), floor - (Math.max(0, available) / capacity) * (floor - ceiling - 1));
    }
    pen.strokeStyle = this.#colour(colour);
    pen.lineWidth = 1.5;
    pen.lineJoin = "round";
    pen.stroke();
    pen.lineTo(width, floor);
    pen.lineTo(x(/** @type {{ at: number }} */ (this.#samples[0]).at), floor);
    pen.globalAlpha = 0.22;
    pen.fillStyle = this.#colour(colour);
    pen.fill();
    pen.globalAlpha = 1;
  }

  /** @param {number} width @param {number} height */
  #times(width, height) {
    const step = width < 500 ? 4 : 2;
    for (let ago = step; ago < SECONDS; ago += step) {
      this.#text(`${ago} s ago`, width - (ago / SECONDS) * width, height - 3, "--quiet", "center");
    }
    this.#text("now", width, height - 3, "--quiet", "right");
  }

  /** @param {string} text @param {number} x @param {number} bottom */
  #mark(text, x, bottom) {
    if (x < 0) return;
    const pen = this.#pen;
    pen.strokeStyle = this.#colour("--killed");
    pen.lineWidth = 1;
    pen.setLineDash([4, 3]);
    pen.beginPath();
    pen.moveTo(x, HEAD);
    pen.lineTo(x, bottom);
    pen.stroke();
    pen.setLineDash([]);
    // Above the strip, between its name and its number.
    this.#text(text, Math.min(Math.max(x, 100), this.#canvas.clientWidth - 150), 16, "--killed", "center");
  }

  /** @param {string} text @param {number} x @param {number} y @param {string} colour @param {CanvasTextAlign} [align] */
  #text(text, x, y, colour, align = "left") {
    this.#pen.fillStyle = this.#colour(colour);
    this.#pen.textAlign = align;
    this.#pen.fillText(text, x, y);
  }

  /** @param {string} name of a property of the style */
  #colour(name) {
    return getComputedStyle(this.#canvas).getPropertyValue(name);
  }
}
