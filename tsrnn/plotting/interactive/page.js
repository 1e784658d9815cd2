// What report and live page share: names of models, colours of the page, tables that sort.
"use strict";
const DATA = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);

function figures() {
  return Bokeh.documents.flatMap((doc) => doc.roots());
}

function named(name) {  // a model of BokehJS: a figure, a data source
  for (const doc of Bokeh.documents) {
    const model = doc.get_model_by_name(name);
    if (model !== null) return model;
  }
  return null;
}

function fill(name, columns) {
  const source = named(name);
  if (source === null) return;
  source.data = Object.fromEntries(  // BokehJS draws a null at 0
    Object.entries(columns).map(([key, values]) => [key, values.map((v) => v ?? NaN)]));
}

function is_dark() {
  const theme = document.documentElement.dataset.theme;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function paint() {  // canvases know no style sheets
  const [ink, line] = is_dark() ? ["#b4bdc6", "#30363d"] : ["#4b535b", "#e3e7eb"];
  for (const figure of figures()) {
    for (const model of figure.references()) {
      if (model.type.endsWith("Axis")) {
        model.setv({ major_label_text_color: ink, axis_label_text_color: ink, axis_line_color: line,
          major_tick_line_color: line, minor_tick_line_color: null,
          axis_label_text_font_style: "normal" });
      } else if (model.type === "Grid") {
        model.grid_line_color = line;
      } else if (model.type.endsWith("Ticker")) {
        model.desired_num_ticks = innerWidth < 600 ? 4 : 7;
      }
    }
  }
}

function theme_button() {
  $("theme").addEventListener("click", () => {
    document.documentElement.dataset.theme = is_dark() ? "light" : "dark";
    paint();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
}

function legends() {
  for (const button of document.querySelectorAll(".legend button")) {
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(shown));
      for (const glyphs of named(button.dataset.figure).renderers) {
        if (glyphs.glyph.tags.includes(button.dataset.name)) glyphs.visible = shown;
      }
    });
  }
}

function options(select, labels) {  // texts, never HTML
  select.replaceChildren(...labels.map((label, place) => {
    const option = document.createElement("option");
    option.value = String(place);
    option.textContent = label;
    return option;
  }));
  select.closest("label").hidden = labels.length < 2;
}

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  heads.forEach((head, place) => head.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") === "descending" ? 1 : -1;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up === 1 ? "ascending" : "descending");
    const key = (row) => row.cells[place].dataset.value ?? row.cells[place].textContent;
    const is_number = head.classList.contains("n");
    const rows = [...body.rows].sort((one, other) => {
      const [a, b] = [key(one), key(other)];
      if (!is_number) return up * a.localeCompare(b, undefined, { numeric: true });
      if (a === "" || b === "") return (a === "") - (b === "");  // what is missing comes last
      return up * (Number(a) - Number(b));
    });
    body.append(...rows);
  }));
}

function when_drawn(run) {  // embedding waits for the page, and makes figures one after another
  const wait = () => {
    if (Bokeh.documents.length && figures().length >= DATA.n_figures) run();
    else setTimeout(wait, 20);
  };
  wait();
}
