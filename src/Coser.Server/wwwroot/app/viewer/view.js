// Which part of a picture is seen, and how large: one state, shared by every pane that has to stay in step.

const largest = 32;

/** A picture of a size, seen through panes of a size. Scale 1 is a picture's pixel on a screen's pixel. */
export class View extends EventTarget {
  /** Size of the picture at scale 1, in its pixels. */
  width = 1;
  height = 1;
  /** Size of a pane, in CSS pixels. */
  paneWidth = 1;
  paneHeight = 1;
  /** The whole picture is to be seen, whatever the pane's size. */
  isFitted = true;
  #scale = 1;
  /** The part of the picture in the pane's middle, in [0,1]. */
  #x = 0.5;
  #y = 0.5;

  /** CSS pixels a pixel of the picture. */
  get #unit() {
    return this.scale / devicePixelRatio;
  }

  get fitScale() {
    return Math.min(this.paneWidth / this.width, this.paneHeight / this.height) * devicePixelRatio;
  }

  get scale() {
    return this.isFitted ? this.fitScale : this.#scale;
  }

  /** True when there is something to pan to. */
  get canPan() {
    return this.width * this.#unit > this.paneWidth + 1 || this.height * this.#unit > this.paneHeight + 1;
  }

  /** @param {number} width @param {number} height */
  setPicture(width, height) {
    if (width === this.width && height === this.height) return;
    // The same part stays in sight at the same size on the screen, when only the enlargement differs.
    if (!this.isFitted) this.#scale *= this.width / width;
    this.width = width;
    this.height = height;
    this.#changed();
  }

  /** @param {number} width @param {number} height */
  setPane(width, height) {
    if (width < 1 || height < 1) return;
    this.paneWidth = width;
    this.paneHeight = height;
    this.#changed();
  }

  fit() {
    this.isFitted = true;
    this.#x = this.#y = 0.5;
    this.#changed();
  }

  /**
   * @param {number} scale
   * @param {number} [px] the point of the pane that stays where it is, in CSS pixels from its top left
   * @param {number} [py]
   */
  zoomTo(scale, px = this.paneWidth / 2, py = this.paneHeight / 2) {
    const before = this.place();
    const fx = (px - before.left) / before.width;
    const fy = (py - before.top) / before.height;
    const wanted = Math.min(largest, Math.max(scale, Math.min(this.fitScale, 1)));
    this.isFitted = Math.abs(wanted - this.fitScale) < 1e-3;
    this.#scale = wanted;
    const unit = this.#unit;
    this.#x = fx - (px - this.paneWidth / 2) / (this.width * unit);
    this.#y = fy - (py - this.paneHeight / 2) / (this.height * unit);
    this.#changed();
  }

  /** @param {number} factor @param {number} [px] @param {number} [py] */
  zoomBy(factor, px, py) {
    this.zoomTo(this.scale * factor, px, py);
  }

  /** Fit, and from there to the pixels. @param {number} [px] @param {number} [py] */
  toggle(px, py) {
    if (this.isFitted) this.zoomTo(this.fitScale < 0.95 ? 1 : Math.max(2, this.fitScale * 2), px, py);
    else this.fit();
  }

  /** @param {number} dx CSS pixels the picture is moved by @param {number} dy */
  panBy(dx, dy) {
    this.#x -= dx / (this.width * this.#unit);
    this.#y -= dy / (this.height * this.#unit);
    this.#changed();
  }

  /** Where the picture lies in the pane, in CSS pixels. */
  place() {
    const unit = this.#unit;
    const width = this.width * unit;
    const height = this.height * unit;
    return { left: this.paneWidth / 2 - this.#x * width, top: this.paneHeight / 2 - this.#y * height, width, height };
  }

  #changed() {
    const unit = this.#unit;
    this.#x = clamp(this.#x, this.paneWidth, this.width * unit);
    this.#y = clamp(this.#y, this.paneHeight, this.height * unit);
    this.dispatchEvent(new Event("change"));
  }
}

/** No empty border where there is picture to show; the middle where there is not. @param {number} at @param {number} pane @param {number} picture */
function clamp(at, pane, picture) {
  if (picture <= pane) return 0.5;
  const half = pane / 2 / picture;
  return Math.min(1 - half, Math.max(half, at));
}
