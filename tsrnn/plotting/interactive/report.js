// The report: what is chosen, put into the figures.
"use strict";
let origin = 0;

function block() {
  return DATA.paths[Number($("model").value)][Number($("series").value)];
}

function time_name(x) {
  return DATA.dated ? new Date(x).toISOString().slice(0, 16).replace("T", " ") : String(x);
}

function show_series(whole) {
  const shown = block(), slider = $("origin");
  const old = shown.cutoffs.indexOf(cutoff);  // keep the origin where the other one has it too
  fill("actual", { x: shown.x, y: shown.y });
  const gap = (y, i) => y !== null && (shown.y[i - 1] ?? null) === null && (shown.y[i + 1] ?? null) === null;
  const alone = shown.x.filter((_, i) => gap(shown.y[i], i));
  fill("points", { x: alone, y: shown.y.filter(gap) });
  slider.max = String(Math.max(0, shown.cutoffs.length - 1));
  slider.disabled = $("before").disabled = $("after").disabled = shown.cutoffs.length < 2;
  origin = old >= 0 ? old : newest_whole(shown);
  for (const row of document.querySelectorAll("#series-table tr[data-key]")) {
    row.classList.toggle("chosen", row.dataset.key === $("series").value);
  }
  show_ahead();
  show_origin(false);
  if (whole) show_span();
}

function newest_whole(shown) {  // the newest origin whose path is as long as any
  const lengths = shown.cutoffs.map((_, i) => shown.starts[i + 1] - shown.starts[i]);
  return lengths.lastIndexOf(Math.max(...lengths));
}

function show_ahead() {
  const shown = block(), step = Number($("ahead").value);
  const at = shown.step.flatMap((s, i) => (s === step ? [i] : []));
  document.querySelector('.legend [data-name="ahead"]').hidden = !at.length;
  fill("ahead", { x: at.map((i) => shown.x[shown.at[i]]), y: at.map((i) => shown.forecast[i]) });
}

let cutoff = null;  // stamp of the origin shown
function show_origin(moved) {
  const shown = block(), from = cutoff;
  if (!shown.cutoffs.length) {
    cutoff = null;
    for (const share of DATA.shares) fill(`band_${share}`, { x: [], lower: [], upper: [] });
    for (const name of ["path", "path_points"]) fill(name, { x: [], y: [] });
    $("origin-name").textContent = "origin: this model has no forecast of this series";
    return;
  }
  cutoff = shown.cutoffs[origin];
  const start = shown.starts[origin], end = shown.starts[origin + 1];
  const place = shown.x.indexOf(cutoff), known = place >= 0 && shown.y[place] !== null;
  const x = shown.at.slice(start, end).map((i) => shown.x[i]);
  const spring = (values) => (known ? [shown.y[place], ...values] : values);  // from the actual
  const whole_x = known ? [cutoff, ...x] : x;
  const path = { x: whole_x, y: spring(shown.forecast.slice(start, end)) };
  fill("path", path);
  fill("path_points", x.length < 2 ? path : { x: [], y: [] });
  for (const share of DATA.shares) {
    const edge = (name) => spring(shown[`${name}_${share}`].slice(start, end));
    fill(`band_${share}`, `lower_${share}` in shown  // another model may have no intervals
      ? { x: whole_x, lower: edge("lower"), upper: edge("upper") } : { x: [], lower: [], upper: [] });
  }
  $("origin").value = String(origin);
  $("origin-name").textContent =
    `origin ${origin + 1} of ${shown.cutoffs.length}: ${time_name(cutoff)}`;
  const mark = named("origin");
  mark.setv({ location: cutoff, visible: true });
  const range = named("forecasts").x_range;
  if (moved && from !== null && (x.at(-1) > range.end || cutoff < range.start)) {
    range.setv({ start: range.start + cutoff - from, end: range.end + cutoff - from });
  }
}

function show_span() {
  const shown = block(), range = named("forecasts").x_range;
  if (!shown.x.length) return;
  const first = Math.min(shown.x[0], shown.cutoffs[0]), last = shown.x.at(-1);
  const horizons = [5, 20, Infinity][Number($("span").value)];
  const at = shown.at.slice(shown.starts[origin], shown.starts[origin + 1]);
  const ahead = Math.max(shown.x[at.at(-1)] - cutoff, (last - first) / Math.max(1, shown.x.length - 1) * 5);
  const margin = 0.02 * (last - first) || ahead || 1;
  if (horizons === Infinity || horizons * ahead >= last - first) {
    range.setv({ start: first - margin, end: last + margin });
  } else {
    const end = Math.min(last, cutoff + 2 * ahead);
    range.setv({ start: Math.max(first, end - horizons * ahead) - 0.1 * ahead, end: end + 0.1 * ahead });
  }
}

function move(by) {
  origin = Math.min(Math.max(0, origin + by), block().cutoffs.length - 1);
  show_origin(true);
}

function show_by_step() {
  const metric = Object.keys(DATA.by_step[0]).slice(1)[Number($("metric").value)];
  DATA.by_step.forEach((table, place) => {
    const y = (table[metric] ?? [])[Number($("target").value)] ?? [];
    fill(`by_step_${place}`, { x: table.steps[0].slice(0, y.length), y });
  });
}

function show_over_time() {
  const steps = Object.keys(DATA.over_time[0])[Number($("steps").value)];
  DATA.over_time.forEach((table, place) => {
    fill(`over_time_${place}`, table[steps] ?? { x: [], y: [] });
  });
}

function show_experts() {
  if (!DATA.experts) return;
  const { steps, weights } = DATA.experts, shown = weights[Number($("experts-target").value)];
  let bottom = steps.map(() => 0);
  shown.forEach((values, place) => {
    const top = bottom.map((low, i) => low + (values[i] ?? 0));
    fill(`experts_${place}`, { x: steps, bottom, top });
    bottom = top;
  });
}

when_drawn(() => {
  theme_button();
  legends();
  document.querySelectorAll("table.sortable").forEach(sortable);
  options($("series"), DATA.series);
  options($("model"), DATA.models);
  const distances = [...new Set([1, Math.ceil(DATA.last_step / 2), DATA.last_step])];
  options($("ahead"), ["none", ...distances.map((s) => `${s} step${s > 1 ? "s" : ""} ahead`)]);
  distances.forEach((step, place) => { $("ahead").options[place + 1].value = String(step); });
  options($("span"), ["5 horizons", "20 horizons", "all"]);
  options($("metric"), Object.keys(DATA.by_step[0]).slice(1));
  options($("target"), DATA.targets.length > 2 ? DATA.targets : ["all"]);
  options($("steps"), Object.keys(DATA.over_time[0]));
  if (DATA.experts) options($("experts-target"), DATA.experts.targets);
  (DATA.calibration ?? []).forEach((points, place) => fill(`calibration_${place}`, points));

  $("series").addEventListener("change", () => show_series(true));
  $("model").addEventListener("change", () => show_series(false));
  $("ahead").addEventListener("change", show_ahead);
  $("span").addEventListener("change", show_span);
  $("origin").addEventListener("input", () => { origin = Number($("origin").value); show_origin(true); });
  $("before").addEventListener("click", () => move(-1));
  $("after").addEventListener("click", () => move(1));
  $("metric").addEventListener("change", show_by_step);
  $("target").addEventListener("change", show_by_step);
  $("steps").addEventListener("change", show_over_time);
  if (DATA.experts) $("experts-target").addEventListener("change", show_experts);
  for (const row of document.querySelectorAll("#series-table tr[data-key]")) {
    if (row.dataset.key === "") { row.removeAttribute("data-key"); row.removeAttribute("tabindex"); continue; }
    const choose = () => { $("series").value = row.dataset.key; show_series(true); };
    row.addEventListener("click", choose);
    row.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(); });
  }
  show_series(true);
  show_by_step();
  show_over_time();
  show_experts();
  paint();
  document.body.dataset.ready = "true";
});
