// What a test asks of the page that shows a notebook, and does to it.
window.lab = (() => {
  const panel = () => {
    const current = window.jupyterapp?.shell.currentWidget;
    return current?.sessionContext && current.content?.widgets ? current : null;
  };
  const cells = () => panel().content.widgets;
  const cell = (i) => cells()[i];
  const command = (id) => window.jupyterapp.commands.execute(id);
  const isRunning = (c) => c.model.executionState === "running";
  const nextFrame = () =>
    new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));

  const ready = () => {
    const shown = panel();
    const kernel = shown?.sessionContext.session?.kernel;
    return (
      shown?.context.isReady &&
      cells().length > 0 &&
      kernel?.connectionStatus === "connected" &&
      kernel.status === "idle"
    );
  };

  const select = (i) => {
    const { content } = panel();
    content.activeCellIndex = i;
    content.deselectAll();
    content.mode = "command";
    content.activate();
    cell(i).node.scrollIntoView({ block: "nearest" });
  };

  const edit = (i) => {
    select(i);
    panel().content.mode = "edit";
    cell(i).editor.focus();
  };

  // Numbers alone do not tell: a fresh kernel gives a cell the one that it had.
  const started = new Set();
  const beforeStart = (i) => {
    select(i);
    started.delete(i);
    const { model } = cell(i);
    const note = () => {
      if (!isRunning(cell(i))) return;
      started.add(i);
      model.stateChanged.disconnect(note);
    };
    model.stateChanged.connect(note);
  };
  const hasEnded = (i) => started.has(i) && !isRunning(cell(i));

  // Resolves as soon as the cells are queued: awaiting their end here would hide a hang.
  let running = false;
  const runAll = () => {
    running = true;
    command("notebook:run-all-cells").finally(() => (running = false));
  };
  const allEnded = () => !running && !cells().some(isRunning);

  const area = (i) =>
    cell(i).node.querySelector(
      cell(i).model.type === "code" ? ".jp-Cell-outputWrapper" : ".jp-MarkdownOutput",
    );
  const text = (i) => area(i)?.innerText ?? "";
  const outputs = (i) => cell(i).model.outputs.toJSON();

  const isDrawn = (i) => {
    if (cell(i).model.type !== "code") return true;
    const drawn = [...area(i).querySelectorAll(".jp-OutputArea-output")].filter(
      (node) => node.childNodes.length > 0,
    );
    return drawn.length >= cell(i).model.outputs.length;
  };

  const overflows = (i) => {
    const wide = (node) => node.scrollWidth > node.clientWidth + 1;
    return [...area(i).querySelectorAll(".jp-OutputArea-output")].some(wide);
  };

  let lastChange = 0;
  const observer = new MutationObserver(() => (lastChange = performance.now()));
  const watch = () =>
    observer.observe(panel().content.node, {
      childList: true,
      characterData: true,
      subtree: true,
    });

  // Drawn, and nothing in the notebook has changed for 150 ms.
  const isSettled = (i) => isDrawn(i) && performance.now() - lastChange > 150;

  const pixel = new OffscreenCanvas(1, 1).getContext("2d", {
    willReadFrequently: true,
  });
  const rgba = (css) => {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = css;
    pixel.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pixel.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => {
    const alpha = top[3];
    return [0, 1, 2]
      .map((k) => top[k] * alpha + below[k] * (1 - alpha))
      .concat([1]);
  };
  const background = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      layers.push(rgba(getComputedStyle(at).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    return layers.reduceRight((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const opacity = (element) => {
    let product = 1;
    for (let at = element; at; at = at.parentElement) {
      product *= Number(getComputedStyle(at).opacity);
    }
    return product;
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (element) => {
    const below = background(element);
    const ink = rgba(getComputedStyle(element).color);
    ink[3] *= opacity(element);
    const [light, dark] = [luminance(over(ink, below)), luminance(below)].sort(
      (a, b) => b - a,
    );
    return (light + 0.05) / (dark + 0.05);
  };
  const contrasts = (i) => {
    const found = [];
    for (const output of area(i).querySelectorAll(".jp-OutputArea-output")) {
      const walker = document.createTreeWalker(output, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        const words = walker.currentNode.textContent.trim();
        // The colours of highlighted code are the application's own, as in its cells.
        const isHighlighted = element.closest("pre code span") !== null;
        if (words && !isHighlighted && element.checkVisibility()) {
          found.push({ text: words, ratio: contrast(element) });
        }
      }
    }
    return found;
  };

  const formulas = () =>
    [...panel().content.node.querySelectorAll("mjx-container")].map(
      (node) => node.closest("p, td, li, blockquote, .jp-Cell").innerText,
    );

  const chooseTheme = async (theme) => {
    await window.jupyterapp.commands.execute("apputils:change-theme", { theme });
    const wanted = String(theme === "JupyterLab Light");
    while (document.body.dataset.jpThemeLight !== wanted) await nextFrame();
  };

  // Below the last cell there is room to scroll on, which no picture needs.
  const fullHeight = () => {
    const scrolled = document.querySelector(".jp-WindowedPanel-outer");
    scrolled.scrollTop = 0;
    const end = cells().at(-1).node.getBoundingClientRect().bottom;
    const below = window.innerHeight - scrolled.getBoundingClientRect().bottom;
    return Math.ceil(end + below) + 20;
  };

  // The notebook gets the whole width, as after a click on each open side bar.
  const makeRoom = () => {
    window.jupyterapp.shell.collapseLeft?.();
    window.jupyterapp.shell.collapseRight?.();
  };

  return {
    allEnded,
    beforeStart,
    chooseTheme,
    codeCells: () =>
      cells().flatMap((c, i) =>
        c.model.type === "code" && c.model.sharedModel.getSource().trim() ? [i] : [],
      ),
    contrasts,
    edit,
    endKernel: () => panel().sessionContext.shutdown(),
    formulas,
    fullHeight,
    hasEnded,
    isSettled,
    makeRoom,
    nextFrame,
    node: (i) => cell(i).node,
    outputs,
    overflows,
    ready,
    runAll,
    save: () => panel().context.save(),
    source: (i) => cell(i).model.sharedModel.getSource(),
    text,
    watch,
  };
})();
