// Draw the dashboard's charts once, then hand each of them its new rows.
// `vegaEmbed` is in scope: the bundle that this becomes part of has it.

const isDark = (element) => {
  const declared = document.body.dataset.jpThemeLight;
  if (declared !== undefined) return declared === "false";
  for (let at = element; at; at = at.parentElement) {
    const [r, g, b, a = 1] =
      getComputedStyle(at).backgroundColor.match(/[\d.]+/g)?.map(Number) ?? [];
    if (a > 0.5 && b !== undefined) return 0.3 * r + 0.6 * g + 0.1 * b < 128;
  }
  return false;
};

const make = (parent, tag, attributes = {}, text = "") => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.textContent = text;
  parent.append(element);
  return element;
};

const setText = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

// One chart: its heading, its sentence, and its Vega view.
class Chart {
  constructor(parent, name, columns) {
    this.name = name;
    this.data = {};
    this.shown = {};
    const figure = make(parent, "figure", { class: "costroute-chart" });
    if (columns > 1) figure.classList.add("costroute-wide");
    const caption = make(figure, "figcaption");
    this.title = make(caption, "h4");
    this.caption = make(caption, "p");
    this.plot = make(figure, "div", { class: "costroute-plot", role: "img" });
    this.turn = 0;
  }

  // Drawing takes a while. Whatever began later, or the end, makes it one too many.
  async draw(spec, look) {
    this.finalize();
    const turn = this.turn;
    this.plot.replaceChildren();
    const place = make(this.plot, "div", { "aria-hidden": "true" });
    const options = { mode: "vega-lite", actions: false, renderer: "svg", ast: true };
    const themed = { ...spec, params: look.palette, config: look.config };
    const drawn = await vegaEmbed(place, themed, options);
    if (turn !== this.turn) {
      drawn.finalize();
      return;
    }
    // Vega remembers each row that it dropped, up to so many.
    drawn.view.cleanThreshold = 100;
    this.drawn = drawn;
    this.shown = {};
    await this.fill();
  }

  async take({ title, caption, data, empty }) {
    this.plot.classList.toggle("costroute-empty", empty);
    setText(this.title, title);
    setText(this.caption, caption);
    const words = `${title}: ${caption}`;
    if (this.plot.ariaLabel !== words) this.plot.ariaLabel = words;
    this.data = data;
    await this.fill();
  }

  // Only data that differ are handed over; what is equal is not drawn again.
  async fill() {
    if (!this.drawn) return;
    let differs = false;
    for (const [name, rows] of Object.entries(this.data)) {
      const key = JSON.stringify(rows);
      if (this.shown[name] === key) continue;
      this.shown[name] = key;
      this.drawn.view.data(name, rows);
      differs = true;
    }
    if (differs) await this.drawn.view.runAsync();
  }

  resize() {
    const width = this.plot.clientWidth;
    if (!this.drawn || !width || width === this.width) return;
    this.width = width;
    this.drawn.view.width(width).runAsync();
  }

  finalize() {
    this.turn += 1;
    this.drawn?.finalize();
    this.drawn = undefined;
  }
}

// ipywidgets gives sliders neither a name nor a value that can be read out, and a
// notebook takes arrow keys for its own commands unless it is told not to.
const makeUsable = (scope) => {
  for (const control of scope.querySelectorAll("input, select, button, .noUi-handle")) {
    if (!control.dataset.lmSuppressShortcuts) control.dataset.lmSuppressShortcuts = "true";
  }
  for (const handle of scope.querySelectorAll(".noUi-handle")) {
    const slider = handle.closest(".widget-slider");
    const name = slider?.querySelector(".widget-label")?.textContent ?? "";
    const shown = slider?.querySelector(".widget-readout")?.textContent ?? "";
    const box = handle.closest(".costroute-row")?.querySelector("input[type=number]");
    const amount = Number(box?.value ?? "");
    // The box has the exact amount once the slider was let go.
    const isExact = box && Math.abs(Number(shown.slice(1)) / amount - 1) < 0.03;
    const value = isExact ? `$${amount}` : shown;
    if (name && handle.ariaLabel !== name) handle.ariaLabel = name;
    if (value && handle.ariaValueText !== value) handle.ariaValueText = value;
  }
};

// A widget waits to send its next value until the kernel says that it is idle again, and
// a kernel in the middle of an awaited cell never does (ipykernel 7.4): after one move
// the control would be dead. Ours move rarely, so that they need not wait; they number
// what they send, since the kernel may take it in another order.
const unthrottled = new WeakSet();
const page = Math.random().toString(36).slice(2);
let stamps = 0;
const neverWait = async (manager, ids) => {
  for (const id of ids) {
    const control = await manager?.get_model?.(id);
    if (!control?.send_sync_message || unthrottled.has(control)) continue;
    unthrottled.add(control);
    const send = control.send_sync_message;
    control._handle_status = () => {};
    control.send_sync_message = function (state, ...others) {
      stamps += 1;
      const sent = send.call(this, { ...state, stamp: [page, stamps] }, ...others);
      this._pending_msgs = 0;
      return sent;
    };
  }
};

const fillTable = (body, rows) => {
  const key = JSON.stringify(rows);
  if (body.dataset.key === key) return;
  body.dataset.key = key;
  body.replaceChildren();
  for (const [first, ...others] of rows) {
    const line = make(body, "tr");
    make(line, "th", { scope: "row" }, first);
    for (const cell of others) make(line, "td", {}, cell);
  }
};

const fillTiles = (parent, tiles) => {
  while (parent.children.length < tiles.length) {
    const tile = make(parent, "div", { class: "costroute-tile" });
    for (const part of ["label", "value", "note"]) {
      make(tile, "span", { class: `costroute-${part}` });
    }
  }
  tiles.forEach((tile, i) => {
    const [label, value, note] = parent.children[i].children;
    setText(label, tile.label);
    setText(value, tile.value);
    setText(note, tile.note);
  });
};

const fillList = (list, lines) => {
  const key = JSON.stringify(lines);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren();
  for (const line of lines) make(list, "li", {}, line);
};

const nextFrame = () => new Promise((done) => requestAnimationFrame(done));

async function render({ model, el }) {
  // A model may be shown twice, and in a cell that is run again.
  const root = make(el, "div", { class: "costroute-live" });
  const status = make(root, "p", {
    class: "costroute-status", role: "status", "aria-live": "polite",
  });
  const tiles = make(root, "div", { class: "costroute-tiles" });
  const alerts = make(root, "ul", { class: "costroute-alerts", "aria-label": "Alerts" });
  const grid = make(root, "div", { class: "costroute-grid" });
  const details = make(root, "details", { class: "costroute-numbers" });
  make(details, "summary", {}, "The same numbers as a table");
  const table = make(details, "table");
  const body = make(table, "tbody");

  const specs = model.get("specs");
  const charts = new Map(
    Object.entries(specs).map(([name, { columns }]) => [
      name, new Chart(grid, name, columns),
    ]),
  );
  let dark = isDark(el);
  let gone = false;

  const apply = async (state) => {
    setText(status, state.status);
    fillTiles(tiles, state.tiles);
    fillList(alerts, state.alerts);
    fillTable(body, state.table);
    for (const [name, figure] of Object.entries(state.figures)) {
      if (gone) return;
      await charts.get(name)?.take(figure);
    }
    root.dataset.number = state.number;
  };

  // States that come while one is drawn are skipped, except the last.
  let wanted = null;
  let busy = false;
  const follow = async () => {
    wanted = model.get("state");
    if (busy) return;
    busy = true;
    try {
      while (wanted && !gone) {
        const state = wanted;
        wanted = null;
        await apply(state);
        await nextFrame();
      }
    } finally {
      busy = false;
    }
  };

  let drawings = 0;
  const drawAll = async () => {
    drawings += 1;
    const own = drawings;
    const look = model.get("looks")[dark ? "dark" : "light"];
    root.classList.toggle("costroute-dark", dark);
    for (const [name, chart] of charts) {
      if (gone || own !== drawings) return;
      await chart.draw(specs[name].spec, look);
    }
  };
  const reTheme = new MutationObserver(() => {
    if (isDark(el) === dark) return;
    dark = !dark;
    model.set("dark", dark);
    model.save_changes();
    drawAll();
  });
  reTheme.observe(document.body, {
    attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"],
  });

  const panel = () =>
    el.closest(".costroute-dashboard")?.querySelector(".costroute-panel");
  const labels = new MutationObserver(() => panel() && makeUsable(panel()));
  const resizes = new ResizeObserver(() => charts.forEach((chart) => chart.resize()));
  resizes.observe(grid);
  model.on("change:state", follow);

  const start = async () => {
    neverWait(model.widget_manager, model.get("controls")).catch(console.warn);
    await nextFrame(); // attached by then, and with a width
    if (gone) return;
    if (panel()) {
      makeUsable(panel());
      labels.observe(panel(), {
        childList: true, characterData: true, subtree: true,
        attributeFilter: ["aria-valuetext"],
      });
    }
    dark = isDark(el);
    if (model.get("dark") !== dark) {
      model.set("dark", dark);
      model.save_changes();
    }
    await follow();
    await drawAll();
    root.dataset.ready = "true";
  };
  start();

  return () => {
    gone = true;
    model.off("change:state", follow);
    for (const observer of [reTheme, labels, resizes]) observer.disconnect();
    charts.forEach((chart) => chart.finalize());
  };
}

export default { render };
