// Wheel, drag, pinch and double click on a pane move the view.

const clickSlack = 4;

/**
 * @param {HTMLElement} pane
 * @param {import("./view.js").View} view
 * @param {{dragFitted?: (x: number) => void}} [how] dragFitted: what dragging does while there is nothing to pan to
 */
export function handleGestures(pane, view, { dragFitted } = {}) {
  /** @type {Map<number, {x: number, y: number}>} */
  const pointers = new Map();
  /** Where a press began, until it has become a drag. @type {{x: number, y: number} | null} */
  let start = null;
  const inPane = (event) => {
    const box = pane.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const isControl = (event) => /** @type {Element} */ (event.target).closest("button, select, input, label, a, [role=slider]") !== null;

  pane.addEventListener(
    "wheel",
    (event) => {
      if (isControl(event) && !event.ctrlKey) return;
      event.preventDefault();
      const { x, y } = inPane(event);
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : event.deltaMode === WheelEvent.DOM_DELTA_PAGE ? 300 : 1;
      // A pinch on a touchpad comes as a wheel with Ctrl, in small steps.
      const speed = event.ctrlKey ? 0.01 : 0.002;
      view.zoomBy(Math.exp(-Math.max(-200, Math.min(200, event.deltaY * lines)) * speed), x, y);
    },
    { passive: false },
  );

  pane.addEventListener("pointerdown", (event) => {
    if (isControl(event) || (event.pointerType === "mouse" && event.button !== 0)) return;
    pane.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, inPane(event));
    pane.classList.add("is-dragged");
    start = pointers.size === 1 ? inPane(event) : null;
  });

  pane.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = inPane(event);
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
      const span = (point) => Math.hypot(point.x - other.x, point.y - other.y);
      const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
      view.panBy((now.x - before.x) / 2, (now.y - before.y) / 2);
      if (span(before) > 0) view.zoomBy(span(now) / span(before), middle.x, middle.y);
    } else if (pointers.size === 1) {
      if (view.canPan) view.panBy(now.x - before.x, now.y - before.y);
      else {
        // A click is no drag.
        if (start && Math.abs(now.x - start.x) > clickSlack) start = null;
        if (!start) dragFitted?.(now.x);
      }
    }
    pointers.set(event.pointerId, now);
  });

  const release = (event) => {
    pointers.delete(event.pointerId);
    if (pointers.size === 0) pane.classList.remove("is-dragged");
  };
  pane.addEventListener("pointerup", release);
  pane.addEventListener("pointercancel", release);
  pane.addEventListener("lostpointercapture", release);
  pane.addEventListener("dblclick", (event) => {
    if (isControl(event)) return;
    const { x, y } = inPane(event);
    view.toggle(x, y);
  });
}
