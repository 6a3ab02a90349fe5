// The plots of the page Explore. Numbers and words come from the server; here they are only drawn.
"use strict";

const INK = "#0d1f27", SOFT = "#3f525b", DEEP = "#00494b", BAND = "rgba(0, 73, 75, 0.17)",
  MARK = "#b1480a", OTHERS = "#4a5560", PLANNED = "#5b2a86";
const CONFIG = { displayModeBar: false, responsive: true, showTips: false, doubleClick: "reset" };

const make = (tag, values = {}, ...inside) => {
  const found = Object.assign(document.createElement(tag), values);
  found.append(...inside);
  return found;
};
const known = (value) => value !== null && value !== undefined;

// Plotly reads a few tags in texts; what people named their specimens is none.
const safe = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");

// A number as people read it: enough digits, never a tail of noise.
const RAISED = { "-": "⁻", "+": "", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const raised = (power) => [...String(power)].map((sign) => RAISED[sign]).join("");
const isSmall = (value) => value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5);
const shown = (value) => {
  if (!known(value)) return "–";
  if (!isSmall(value)) return String(Number(value.toPrecision(3))).replace("-", "−");
  const [digits, power] = value.toExponential(1).split("e");
  return `${digits.replace("-", "−")}×10${raised(power)}`;
};
// And as a spreadsheet reads it.
const copied = (value) => {
  if (!known(value)) return "";
  return isSmall(value) ? value.toExponential(3) : String(Number(value.toPrecision(4)));
};

const layoutOf = (across, up, more = {}) => ({
  font: { family: "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif", size: 14, color: INK },
  margin: { l: 70, r: 18, t: 14, b: 56 },
  showlegend: false,
  hovermode: "closest",
  hoverlabel: { align: "left", font: { size: 14 } },
  paper_bgcolor: "#fff", plot_bgcolor: "#fff",
  xaxis: { title: { text: across }, zeroline: false, gridcolor: "#e2e8ea", linecolor: INK, showline: true, ticks: "outside", ...more.xaxis },
  yaxis: { title: { text: up, standoff: 10 }, automargin: true, zeroline: false, gridcolor: "#e2e8ea", linecolor: INK, showline: true, ticks: "outside", ...more.yaxis },
  shapes: more.shapes ?? [], annotations: more.annotations ?? [],
});

// Ticks of a logarithmic axis over decades: plotly's own powers need an inline style.
const powerText = (step, power) => {
  if (power >= -2 && power <= 4) return String(Number((step * 10 ** power).toPrecision(2)));
  return `${step === 1 ? "" : `${step}×`}10${raised(power)}`;
};
const logTicks = ([low, high]) => {
  const steps = high - low > 2.4 ? [1] : high - low > 0.9 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  const found = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power += 1) {
    for (const step of steps) {
      const at = power + Math.log10(step);
      if (at >= low && at <= high) found.push([at, powerText(step, power)]);
    }
  }
  return found;
};
const axisOf = (log, range) => {
  const ticks = log ? logTicks(range) : [];
  return {
    type: log ? "log" : "linear", range, autorange: false,
    ...(ticks.length > 1 ? { tickmode: "array", tickvals: ticks.map(([at]) => 10 ** at),
      ticktext: ticks.map(([, text]) => text) } : log ? { exponentformat: "e" } : {}),
  };
};
const spanOf = (all, log) => {
  const scaled = all.filter((value) => known(value) && (!log || value > 0))
    .map((value) => (log ? Math.log10(value) : value));
  if (!scaled.length) return log ? [-1, 1] : [0, 1];
  const low = Math.min(...scaled), high = Math.max(...scaled), edge = 0.05 * (high - low || 1);
  return [low - edge, high + edge];
};

// A plot with its heading, its picture to save and its table.
const figureIn = (place, title, seen, table, level = "h3") => {
  const plot = make("div", { className: "plot" });
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", seen);
  const inner = make("div");
  plot.append(inner);
  const save = make("button", { type: "button", className: "small", textContent: "Save as SVG" });
  save.setAttribute("aria-label", `Save as SVG: ${title}`);
  save.addEventListener("click", () => Plotly.downloadImage(
    inner, { format: "svg", filename: title, width: 800, height: 560 }));
  const rows = make("details", {}, make("summary", { textContent: "As a table" }));
  rows.addEventListener("toggle", () => {
    if (rows.open && rows.children.length === 1) rows.append(tableOf(title, table()));
  });
  place.append(make("div", {}, make(level, { textContent: title }), plot,
    make("p", { className: "small-text soft", textContent: `${seen}.` }),
    make("div", { className: "actions" }, save), rows));
  return inner;
};

const tableOf = (title, parts) => {
  const found = make("div", {});
  for (const part of parts) {
    const heads = make("tr");
    for (const head of part.heads) {
      const cell = make("th", { scope: "col", textContent: head });
      heads.append(cell);
    }
    const body = make("tbody");
    for (const row of part.rows) {
      const line = make("tr");
      row.forEach((value, place) => {
        const cell = make(place ? "td" : "th", {
          textContent: typeof value === "string" ? value : copied(value),
        });
        if (!place) cell.scope = "row";
        line.append(cell);
      });
      body.append(line);
    }
    const wide = make("div", { className: "wide", tabIndex: 0 },
      make("table", {}, make("caption", { textContent: part.caption }), make("thead", {}, heads), body));
    wide.setAttribute("role", "region");
    wide.setAttribute("aria-label", `${title}: ${part.caption}`);
    found.append(wide);
  }
  return found;
};

// What the signs mean, once for all plots of a section.
const SIGNS = {
  line: [["line", { x1: 1, y1: 8, x2: 27, y2: 8, "stroke-width": 3 }]],
  band: [["rect", { x: 1, y: 2, width: 26, height: 12, "fill-opacity": 0.3, stroke: "none" }]],
  dot: [["circle", { cx: 14, cy: 8, r: 5.5 }]],
  ring: [["circle", { cx: 14, cy: 8, r: 5.5, fill: "#fff", "stroke-width": 2.5 }]],
  diamond: [["path", { d: "M14 1 L21 8 L14 15 L7 8 Z" }]],
  tick: [["line", { x1: 14, y1: 1, x2: 14, y2: 15, "stroke-width": 3 }]],
  cross: [["path", { d: "M8 2 L20 14 M20 2 L8 14", "stroke-width": 3 }]],
};
const sign = (kind, color) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const put = (where, values) => {
    for (const [name, value] of Object.entries(values)) where.setAttribute(name, value);
    return where;
  };
  put(svg, { viewBox: "0 0 28 16", width: 28, height: 16, "aria-hidden": "true", fill: color, stroke: color });
  for (const [tag, values] of SIGNS[kind]) {
    svg.append(put(document.createElementNS(svg.namespaceURI, tag), values));
  }
  return svg;
};
const explain = (here, signs) => here.before(make("ul", { className: "key" },
  ...signs.map(([kind, color, words]) => make("li", {}, sign(kind, color), words))));

// Only when all have their place: each fills what it is given.
const drawAll = (drawn) => {
  for (const [plot, traces, layout] of drawn) Plotly.newPlot(plot, traces, layout, CONFIG);
};

// --- along one variable -------------------------------------------------------------------------
const errorBar = (marks) => ({
  type: "data", symmetric: false, thickness: 1.5, width: 4,
  array: marks.map((m) => (known(m.high) && known(m.low) ? m.high - m.dot : 0)),
  arrayminus: marks.map((m) => (known(m.high) && known(m.low) ? m.dot - m.low : 0)),
});
const symbolOf = (mark, usual) => {
  if (!known(mark.high)) return usual ? "triangle-up" : "triangle-up-open";
  if (!known(mark.low)) return usual ? "triangle-down" : "triangle-down-open";
  return usual ? "circle" : "circle-open";
};
const valueOf = (mark, unit) => {
  if (!known(mark.high)) return `above ${shown(mark.dot)} ${unit}`;
  if (!known(mark.low)) return `below ${shown(mark.dot)} ${unit}`;
  return `${shown(mark.dot)} ${unit}, 90 %: ${shown(mark.low)} to ${shown(mark.high)}`;
};
const GROUPS = [
  ["dot", MARK, "reading, processed as the curve", (m) => m.is_usual && m.is_own],
  ["ring", MARK, "reading, processed otherwise", (m) => !m.is_usual && m.is_own],
  ["dot", OTHERS, "reading of others, processed as the curve", (m) => m.is_usual && !m.is_own],
  ["ring", OTHERS, "reading of others, processed otherwise", (m) => !m.is_usual && !m.is_own],
];
const marksOf = (data) => GROUPS.flatMap(([kind, color, , belongs]) => {
  const marks = data.marks.filter(belongs);
  if (!marks.length) return [];
  return [{
    type: "scatter", mode: "markers", x: marks.map((m) => m.at), y: marks.map((m) => m.dot),
    error_y: { ...errorBar(marks), color },
    marker: { color, size: 10, line: { width: 2, color }, symbol: marks.map((m) => symbolOf(m, kind === "dot")) },
    text: marks.map((m) => `${safe(m.specimen)}<br>${valueOf(m, data.unit)}${m.recipe ? `<br>${safe(m.recipe)}` : ""}`),
    hovertemplate: "%{text}<extra></extra>",
  }];
});
const drawSlices = (section, data) => {
  const { at } = data, drawn = [];
  const range = spanOf([
    ...Object.values(data.curves).flatMap((c) => [...c.lower, ...c.upper]),
    ...data.marks.flatMap((m) => [m.dot, m.low, m.high]),
  ], data.log);
  const here = section.querySelector("[data-here]");
  if (at[at.length - 1] - at[0] < 1e-6) return "The campaign holds this variable, so there is nothing to draw along it.";
  const unit = data.up_axis.replace(/^[^(]*/, "");
  explain(here, [
    ["line", DEEP, "centre of the prediction"], ["band", DEEP, "90 % of the true value"],
    ...GROUPS.filter(([, , , belongs]) => data.marks.some(belongs)),
    ...(data.planned.length ? [["tick", PLANNED, "planned"]] : []),
  ]);
  for (const [name, curve] of Object.entries(data.curves)) {
    const traces = [
      { name: "90 % of the true value", type: "scatter", mode: "lines", fill: "toself", fillcolor: BAND,
        x: [...at, ...[...at].reverse()], y: [...curve.upper, ...[...curve.lower].reverse()],
        line: { width: 0 }, hoverinfo: "skip" },
      { name: "centre", type: "scatter", mode: "lines", x: at, y: curve.mean,
        line: { color: DEEP, width: 3 },
        text: at.map((_, i) => `${shown(curve.mean[i])} (90 %: ${shown(curve.lower[i])} to ${shown(curve.upper[i])})`),
        hovertemplate: "%{x:.3g}: %{text}<extra></extra>" },
      ...marksOf(data),
    ];
    if (data.planned.length) {
      traces.push({ name: "planned", type: "scatter", mode: "markers", yaxis: "y2",
        x: data.planned, y: data.planned.map(() => 0.025),
        marker: { symbol: "line-ns-open", size: 18, color: PLANNED, line: { width: 3, color: PLANNED } },
        hovertemplate: "planned at %{x:.3g}<extra></extra>" });
    }
    const layout = layoutOf(data.across_axis, data.up_axis, { yaxis: axisOf(data.log, range) });
    layout.yaxis2 = { overlaying: "y", range: [0, 1], visible: false, fixedrange: true };
    const plot = figureIn(here, data.titles[name], data.seen[name], () => [
      { caption: `Prediction ${unit}`, heads: [data.across_axis, "Centre", "5 %", "95 %"],
        rows: at.map((value, i) => [copied(value), curve.mean[i], curve.lower[i], curve.upper[i]]) },
      { caption: `Readings ${unit}`, heads: ["Specimen", data.across_axis, "Value", "Low", "High", "Recipe"],
        rows: data.marks.map((m) => [m.specimen, m.at, m.dot, m.low, m.high, m.recipe]) },
    ]);
    drawn.push([plot, traces, layout]);
  }
  drawAll(drawn);
  return `${data.simulated ? "SIMULATED. " : ""}Held: ${data.held}. It rests on ${data.n_readings} `
    + `reading${data.n_readings === 1 ? "" : "s"}${data.n_readings < 5 ? ": too few to learn from, the prior decides" : ""}.`;
};

// --- objectives against each other --------------------------------------------------------------
const bars = (points, side, color) => ({
  type: "data", symmetric: false, thickness: 1.2, width: 3, color,
  array: points.map((p) => p[side].upper - p[side].mean),
  arrayminus: points.map((p) => p[side].mean - p[side].lower),
});
const standing = (points, front, name, color, symbol) => (points.length ? [{
  name, type: "scatter", mode: "markers",
  x: points.map((p) => p.across.mean), y: points.map((p) => p.up.mean),
  error_x: bars(points, "across", color), error_y: bars(points, "up", color),
  marker: { color, size: 10, symbol, line: { width: 2, color } },
  text: points.map((p) => `${safe(p.specimen)}<br>${safe(p.recipe)}<br>${front.across.label} ${shown(p.across.mean)}, `
    + `${front.up.label} ${shown(p.up.mean)}${name === "planned" ? "" : `<br>unbeaten with ${Math.round(100 * p.on_front)} %`}`),
  hovertemplate: "%{text}<extra></extra>",
}] : []);
const attainedOf = (front) => {
  const [low, middle, high] = front.attained.map(
    (row) => row.map((value, i) => [front.grid[i], value]).filter(([, value]) => known(value)));
  if (!middle.length) return [];
  const ring = [...low, ...[...high].reverse()];
  return [
    { name: "attained, 5 to 95 %", type: "scatter", mode: "lines", fill: "toself", fillcolor: BAND,
      x: ring.map((p) => p[0]), y: ring.map((p) => p[1]), line: { width: 0 }, hoverinfo: "skip" },
    { name: "attained, median", type: "scatter", mode: "lines", x: middle.map((p) => p[0]),
      y: middle.map((p) => p[1]), line: { color: DEEP, width: 3 }, hoverinfo: "skip" },
  ];
};
const drawFronts = (section, data) => {
  const drawn = [], here = section.querySelector("[data-here]");
  if (!data.fronts.length) return "There is one objective only, so there is nothing to set it against.";
  if (!data.fronts.some((front) => front.made.length + front.planned.length)) {
    return "No glass has a reading of an objective yet, and none is planned.";
  }
  explain(here, [
    ["dot", MARK, "made here"], ["diamond", OTHERS, "made by others"], ["ring", PLANNED, "planned"],
    ["line", DEEP, "attained front, median"], ["band", DEEP, "attained front, 5 to 95 %"],
  ]);
  for (const front of data.fronts) {
    const traces = [
      ...attainedOf(front),
      ...standing(front.made.filter((p) => p.is_own), front, "made here", MARK, "circle"),
      ...standing(front.made.filter((p) => !p.is_own), front, "made by others", OTHERS, "diamond"),
      ...standing(front.planned, front, "planned", PLANNED, "circle-open"),
    ];
    const title = `${front.across.label} and ${front.up.label}`;
    const wanted = (side) => (side.direction === "maximize" ? "more is better" : "less is better");
    const plot = figureIn(here, title[0].toUpperCase() + title.slice(1), front.seen, () => [
      { caption: `${front.across_axis} and ${front.up_axis}`,
        heads: ["Specimen", front.across_axis, "5 %", "95 %", front.up_axis, "5 %", "95 %", "Recipe", "State"],
        rows: [...front.made.map((p) => [p, "made"]), ...front.planned.map((p) => [p, "planned"])].map(
          ([p, state]) => [p.specimen, p.across.mean, p.across.lower, p.across.upper,
            p.up.mean, p.up.lower, p.up.upper, p.recipe, state]) },
      { caption: "Attained front", heads: [front.across_axis, "Median", "5 %", "95 %"],
        rows: front.grid.map((value, i) => [copied(value), front.attained[1][i], front.attained[0][i], front.attained[2][i]]) },
    ]);
    const points = [...front.made, ...front.planned];
    const span = (side) => spanOf(points.flatMap((p) => [p[side].lower, p[side].upper]), front[side].log);
    drawn.push([plot, traces, layoutOf(
      `${front.across_axis}, ${wanted(front.across)}`, `${front.up_axis}, ${wanted(front.up)}`,
      { xaxis: axisOf(front.across.log, span("across")), yaxis: axisOf(front.up.log, span("up")) })]);
  }
  drawAll(drawn);
  return `${data.simulated ? "SIMULATED. " : ""}Bars: 90 % of the true value, as the model knows it from all readings.`;
};

// --- the map of the tri-layers ------------------------------------------------------------------
const decades = (grid, log) => (log ? grid.map((row) => row.map((v) => Math.log10(v))) : grid);
const cellMarks = (map) => [
  ["made", "circle", (m) => m.state === "made"],
  ["planned", "circle", (m) => m.state === "planned"],
  ["failed", "x", (m) => m.state === "failed"],
].flatMap(([name, symbol, belongs]) => {
  const marks = map.marks.filter(belongs);
  if (!marks.length) return [];
  return [{
    name, type: "scatter", mode: "markers", cliponaxis: false, x: marks.map((m) => m.core_x), y: marks.map((m) => m.skin_x),
    marker: { symbol, size: 13, color: name === "planned" ? "#fff" : MARK, line: { width: 2.5, color: name === "planned" ? MARK : "#fff" } },
    text: marks.map((m) => `${safe(m.specimen)} (${name}${m.is_own ? "" : ", by others"})<br>core x ${shown(m.core_x)}, skin x ${shown(m.skin_x)}`),
    hovertemplate: "%{text}<extra></extra>",
  }];
});
const drawCells = (section, data) => {
  const here = section.querySelector("[data-here]"), map = data.map;
  if (!map) return "x is held by the campaign, so there is nothing to map.";
  const name = document.getElementById("cell").value, log = map.axes[name].log, words = data.words[name];
  const skins = map.skin_x, least = map.least_skin_x;
  const foot = Math.min(skins[0], least) - 0.1 * (skins[skins.length - 1] - skins[0]);
  const below = {
    shapes: [{ type: "rect", xref: "paper", x0: 0, x1: 1, y0: foot, y1: least, layer: "above",
      fillcolor: "rgba(13, 31, 39, 0.28)", line: { color: INK, width: 2, dash: "dash" } }],
    annotations: [{ xref: "paper", x: 0.5, y: (foot + least) / 2, showarrow: false,
      text: `skins below x ${shown(least)} are not put against sodium`, bgcolor: "#fff", font: { size: 13 } }],
    xaxis: { range: [map.core_x[0], map.core_x[map.core_x.length - 1]], domain: [0, 0.8] },
    yaxis: { range: [foot, skins[skins.length - 1]] },
  };
  explain(here, [
    ["dot", MARK, "made"], ["ring", MARK, "planned"],
    ...(map.marks.some((m) => m.state === "failed") ? [["cross", MARK, "failed"]] : []),
  ]);
  below.shapes[0].xref = below.annotations[0].xref = "x domain";
  const drawn = [];
  const draw = (grid, title, seen, scale, isLog, colors, values) => {
    const plot = figureIn(here, title, seen, () => [
      { caption: `${title}; rows skin x, columns core x`,
        heads: ["skin x \\ core x", ...map.core_x.map(copied)],
        rows: skins.map((skin, i) => [copied(skin), ...values[i]]) },
      { caption: "Cells", heads: ["Specimen", "Core x", "Skin x", "State"],
        rows: map.marks.map((m) => [m.specimen, m.core_x, m.skin_x, m.state]) },
    ]);
    const all = grid.flat(), flat = Math.max(...all) - Math.min(...all) < 1e-6;
    const low = Math.min(...all) - (flat ? 0.05 : 0), high = Math.max(...all) + (flat ? 0.05 : 0);
    const steps = [...Array(64).keys()].map((i) => low + ((high - low) * i) / 63);
    const ticks = isLog ? logTicks([low, high]) : [];
    const colored = { type: "heatmap", colorscale: colors, zmin: low, zmax: high, showscale: false };
    const layout = layoutOf("Core x", "Skin x", below);
    layout.xaxis2 = { domain: [0.85, 0.89], visible: false, fixedrange: true };
    layout.yaxis2 = { anchor: "x2", side: "right", title: { text: scale, standoff: 8 }, automargin: true, fixedrange: true, ticks: "outside",
      ...(ticks.length > 1 ? { tickmode: "array", tickvals: ticks.map(([at]) => at), ticktext: ticks.map(([, text]) => text) } : {}) };
    drawn.push([plot, [
      { ...colored, x: map.core_x, y: skins, z: grid, zsmooth: "best", customdata: values.map((row) => row.map(shown)),
        hovertemplate: "core x %{x:.3g}, skin x %{y:.3g}: %{customdata}<extra></extra>" },
      // the scale of the colours, drawn as a map of one column: plotly's own needs an inline style
      { ...colored, x: [0, 1], y: steps, z: steps.map((value) => [value, value]), xaxis: "x2", yaxis: "y2",
        zsmooth: "best", hoverinfo: "skip" },
      ...cellMarks(map),
    ], layout]);
  };
  draw(decades(map.centre[name], log), words.axis, words.seen[0], words.axis, log, "Cividis", map.centre[name]);
  draw(map.sd[name], `Uncertainty: ${words.spread}`, words.seen[1], words.spread, false, "Blues", map.sd[name]);
  drawAll(drawn);
  const n = map.n_readings[name];
  return `${map.simulated ? "SIMULATED. " : ""}Held: ${map.held}. It rests on ${n} reading${n === 1 ? "" : "s"} `
    + "of tri-layers and on what is known of the layers.";
};

// --- asking and drawing -------------------------------------------------------------------------
const DRAW = { slices: drawSlices, fronts: drawFronts, cells: drawCells };
const asking = {}, answers = {};
const choices = () => new URLSearchParams(new FormData(document.getElementById("choices")));

const say = (section, words, isBad = false) => {
  const place = section.querySelector("[data-says]");
  place.textContent = words;
  place.className = isBad ? "complaint" : "soft";
};
const clear = (section) => {
  for (const plot of section.querySelectorAll(".plot > div")) Plotly.purge(plot);
  section.querySelector(".key")?.remove();
  section.querySelector("[data-here]").replaceChildren();
};
const redraw = (section) => {
  clear(section);
  say(section, DRAW[section.dataset.plots](section, answers[section.id]));
};
const ask = async (section) => {
  asking[section.id]?.abort();
  const mine = asking[section.id] = new AbortController();
  say(section, "Working it out…");
  const from = section.dataset.from + (section.id === "slices" ? `?${choices()}` : "");
  let answer, data;
  try {
    answer = await fetch(from, { signal: mine.signal, headers: { Accept: "application/json" } });
    data = await answer.json();
  } catch (error) {
    if (error.name !== "AbortError") {
      say(section, "The server cannot be reached; choose again in a moment.", true);
    }
    return;
  }
  if (mine.signal.aborted) return;
  if (!answer.ok) { clear(section); say(section, data.detail, true); return; }
  answers[section.id] = data;
  redraw(section);
};

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("choices");
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const field of form.elements) {
    field.addEventListener("change", () => {
      history.replaceState(null, "", `?${choices()}`);
      const section = field.closest("section");
      if (section.id === "slices") ask(section);
      else if (answers[section.id]) redraw(section);
    });
  }
  for (const section of document.querySelectorAll("[data-plots]")) ask(section);
});
