"use strict";
(() => {
  const marksOf = (svg) =>
    [...svg.querySelectorAll(".series:not([hidden])")]
      .map((group) => [...group.querySelectorAll(".mark")])
      .filter((marks) => marks.length);

  for (const figure of document.querySelectorAll("figure.chart")) {
    const plot = figure.querySelector(".plot");
    const readout = figure.querySelector(".readout");
    const drawings = [...figure.querySelectorAll(".plot svg")];
    const seen = () => drawings.find((svg) => svg.getClientRects().length) || drawings[0];
    let at = [0, -1];

    const show = (svg, mark) => {
      const ring = svg.querySelector(".ring");
      ring.setAttribute("cx", mark ? mark.dataset.x : -20);
      ring.setAttribute("cy", mark ? mark.dataset.y : -20);
      readout.textContent = mark ? mark.dataset.text : "";
      for (const group of svg.querySelectorAll(".series")) {
        group.classList.toggle("dim", Boolean(mark) && group !== mark.parentNode);
      }
    };

    const toggle = (button, on) => {
      button.setAttribute("aria-pressed", String(on));
      for (const group of figure.querySelectorAll(`.series[data-series="${button.dataset.series}"]`)) {
        group.toggleAttribute("hidden", !on);
      }
    };
    for (const button of figure.querySelectorAll(".legend button")) {
      toggle(button, !button.hasAttribute("data-off"));
      button.addEventListener("click", () => {
        toggle(button, button.getAttribute("aria-pressed") !== "true");
        show(seen(), null);
        at = [0, -1];
      });
    }

    plot.addEventListener("pointermove", (event) => look(event));
    plot.addEventListener("pointerdown", (event) => look(event));
    plot.addEventListener("pointerleave", () => show(seen(), null));
    plot.addEventListener("blur", () => show(seen(), null));

    const look = (event) => {
      const svg = seen();
      const box = svg.getBoundingClientRect();
      const zoom = svg.viewBox.baseVal.width / box.width;
      const x = (event.clientX - box.left) * zoom;
      const y = (event.clientY - box.top) * zoom;
      let best = null;
      let least = 30;
      for (const mark of marksOf(svg).flat()) {
        const distance = Math.hypot(mark.dataset.x - x, mark.dataset.y - y);
        if (distance < least) [best, least] = [mark, distance];
      }
      show(svg, best);
    };

    plot.addEventListener("keydown", (event) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      const svg = seen();
      const series = marksOf(svg);
      if (event.key === "Escape") show(svg, null);
      if (!step || !series.length) return;
      event.preventDefault();
      const row = (at[0] + step[0] + series.length) % series.length;
      const last = series[row].length - 1;
      at = [row, Math.max(0, Math.min(at[1] + step[1], last))];
      show(svg, series[at[0]][at[1]]);
    });
  }

  const closed = new Set();
  window.addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details:not([open])")) {
      closed.add(fold);
      fold.open = true;
    }
  });
  window.addEventListener("afterprint", () => {
    for (const fold of closed) fold.open = false;
    closed.clear();
  });
})();
