// The page of a running stream: newest numbers, as they come.
"use strict";
const DASH = "\u2013";
let news = null, chosen = null;  // chosen: name of the series that a click asked for

function shown_number(value, digits = 4) {
  if (value === null || value === undefined || !Number.isFinite(value)) return DASH;
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(digits)));
}

function time_name(x) {
  return DATA.dated ? new Date(x).toISOString().slice(0, 19).replace("T", " ") : String(x);
}

function cells(row, values, tag) {  // texts, never HTML
  row.replaceChildren(...values.map((value) => {
    const cell = document.createElement(tag);
    const is_number = typeof value === "number" || value === null;
    cell.textContent = is_number ? shown_number(value) : value;
    if (is_number) cell.className = "n";
    return cell;
  }));
  return row;
}

function table(id, heads, rows, numeric = []) {
  const body = $(id).tBodies[0];
  if (heads) {
    cells($(id).tHead.rows[0], heads, "th");
    numeric.forEach((place) => { $(id).tHead.rows[0].cells[place].className = "n"; });
  }
  body.replaceChildren(...rows.map((values) => cells(document.createElement("tr"), values, "td")));
  return [...body.rows];
}

function show_cards() {
  $("n_rows").textContent = news.n_rows.toLocaleString("en");
  $("rate").textContent = shown_number(news.rate, 3);
  $("ratio").textContent = shown_number(news.ratio, 3);
  news.mae.forEach((value, place) => { $(`mae_${place}`).textContent = shown_number(value); });
  $("held").textContent = news.held === null ? DASH : `${(100 * news.held).toFixed(1)} %`;
  $("held").title = `of ${news.n_covered} values whose interval this page asked for`;
  $("cutoff").textContent = news.rows.length ? time_name(news.rows[0][0]).slice(DATA.dated ? 5 : 0) : DASH;
}

function show_series() {
  if (chosen === null || !news.series.includes(chosen)) chosen = news.series[0] ?? null;
  const known = [...$("series").options].map((option) => option.textContent);
  if (known.join("\n") !== news.series.join("\n")) options($("series"), news.series);
  $("series").value = String(news.series.indexOf(chosen));
  if (!DATA.is_panel) return;
  table("series-table", null, news.table).forEach((row, place) => {
    row.dataset.key = String(place);
    row.tabIndex = 0;
    row.classList.toggle("chosen", news.series[place] === chosen);
    const choose = () => { chosen = news.series[place]; show(); };
    row.addEventListener("click", choose);
    row.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(); });
  });
}

function show_forecast() {
  const block = news.blocks[news.series.indexOf(chosen)], target = Number($("target").value);
  if (!block) return;
  const y = block.y[target];
  fill("actual", { x: block.x, y });
  fill("points", y.length < 3 ? { x: block.x, y } : { x: [], y: [] });
  const fan = block.fan, range = named("forecasts").x_range;
  let end = block.x.at(-1);
  if (fan) {
    const place = block.x.findLastIndex((x) => x < fan.x[0]);
    const known = place >= 0 && y[place] !== null;
    const spring = (values) => (known ? [y[place], ...values] : values);
    const x = known ? [block.x[place], ...fan.x] : fan.x;
    const path = { x, y: spring(fan.path[target]) };
    fill("path", path);
    fill("path_points", fan.x.length < 3 ? path : { x: [], y: [] });
    for (const share of DATA.shares) {
      fill(`band_${share}`, { x, lower: spring(fan[`lower_${share}`][target]),
        upper: spring(fan[`upper_${share}`][target]) });
    }
    named("origin").setv({ location: known ? block.x[place] : fan.x[0], visible: true });
    end = Math.max(end, fan.x.at(-1));
  } else {
    for (const name of ["path", "path_points"]) fill(name, { x: [], y: [] });
    for (const share of DATA.shares) fill(`band_${share}`, { x: [], lower: [], upper: [] });
  }
  const margin = 0.02 * (end - block.x[0]) || 1;
  range.setv({ start: block.x[0] - margin, end: end + margin });
}

function show_rows() {
  const heads = ["time", ...(DATA.is_panel ? ["series"] : [])], start = heads.length;
  for (const target of DATA.targets) heads.push(target, "forecast", "p-value");
  const rows = news.rows.map(([x, series, values, forecasts, p_values]) => [
    time_name(x), ...(DATA.is_panel ? [series] : []),
    ...values.flatMap((value, place) => [value, forecasts[place], p_values[place]])]);
  table("rows", heads, rows, heads.map((_, place) => place).slice(start));
}

function show_unusual() {
  const heads = ["time", ...(DATA.is_panel ? ["series"] : []), "target", "value", "forecast", "p-value"];
  const rows = news.unusual.map(([x, series, ...others]) => [
    time_name(x), ...(DATA.is_panel ? [series] : []), ...others]);
  table("unusual", heads, rows, heads.map((_, place) => place).slice(-3));
}

function show() {
  show_cards();
  show_series();
  show_forecast();
  show_rows();
  show_unusual();
  fill("recent_0", news.recent);
  table("drift", news.drift.columns, news.drift.rows);
  document.body.dataset.rows = String(news.n_rows);
}

function status(words, off) {
  $("status").textContent = words;
  $("status").classList.toggle("off", off);
}

when_drawn(() => {
  theme_button();
  legends();
  options($("series"), []);
  options($("target"), DATA.targets);
  $("series").addEventListener("change", () => { chosen = news.series[Number($("series").value)]; show(); });
  $("target").addEventListener("change", show_forecast);
  paint();
  const events = new EventSource(`events${location.search}`);
  events.addEventListener("open", () => { if (!news) status("Waiting for rows.", false); });
  events.addEventListener("error", () => status("The stream does not answer.", true));
  events.addEventListener("message", (event) => {
    news = JSON.parse(event.data);
    if (news.ended) events.close();
    if (news.n_rows && !document.hidden) show();
    status(news.ended ? "The stream has ended." : "Running.", news.ended);
    document.body.dataset.ready = "true";
  });
  document.addEventListener("visibilitychange", () => { if (news && news.n_rows && !document.hidden) show(); });
});
