// The plots of the report in a browser: one cursor for all plots of a benchmark, zoom, and lines that
// are switched on and off. Each takes the place of the drawing that stands in the page, when it
// comes near the screen; on paper and without a script the drawing stays.
// Add here: another behaviour of plots over time. Keep out: values (plot_data.py), tables.
(() => {
  const data = JSON.parse(document.getElementById("plot-data").textContent);
  const live = new Map();
  const COLORS = 8;
  const HIGHEST_BOUND = 3; // a bound is drawn to scale up to so many times the highest value
  const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const number = (value) => value.toLocaleString("en", { maximumSignificantDigits: 4 });

  const clock = (seconds) => {
    const whole = Math.round(seconds);
    const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
    const rest = String(whole % 60).padStart(2, "0");
    if (!hours) return minutes ? `${minutes}:${rest}` : `${number(seconds)} s`;
    return `${hours}:${String(minutes).padStart(2, "0")}:${rest}`;
  };

  // null is a gap to uPlot, undefined a moment without a point, which a line passes.
  const spread = (values, wide, count) => {
    const points = new Array(count).fill(undefined);
    values.forEach((value, at) => {
      if (value === null) return;
      for (let next = at; next < Math.min(at + wide, count); next++) {
        points[next] = value === "" ? null : value;
      }
    });
    return points;
  };

  const shade = (plot, measured) => {
    if (!measured) return;
    const { ctx, bbox } = plot;
    const inside = measured.map((at) => {
      const x = plot.valToPos(at, "x", true);
      return Math.min(Math.max(x, bbox.left), bbox.left + bbox.width);
    });
    ctx.save();
    ctx.fillStyle = color("--shade");
    ctx.fillRect(bbox.left, bbox.top, inside[0] - bbox.left, bbox.height);
    ctx.fillRect(inside[1], bbox.top, bbox.left + bbox.width - inside[1], bbox.height);
    ctx.restore();
  };

  const drawBounds = (plot, bounds) => {
    const { ctx, bbox } = plot;
    const size = Math.round(11 * devicePixelRatio);
    ctx.save();
    const told = (label, y) => {
      ctx.save();
      ctx.setLineDash([]);
      ctx.lineWidth = 4 * devicePixelRatio;
      ctx.strokeStyle = color("--paper");
      ctx.strokeText(label, right, y);
      ctx.restore();
      ctx.fillText(label, right, y);
    };
    ctx.strokeStyle = ctx.fillStyle = color("--bad");
    ctx.font = `${size}px system-ui, sans-serif`;
    ctx.textAlign = "right";
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    const right = bbox.left + bbox.width;
    bounds.forEach(([label, value], place) => {
      const y = plot.valToPos(value, "y", true);
      if (y < bbox.top) {
        told(`${label} \u2191`, bbox.top + size * (1 + 1.2 * place));
        return;
      }
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(right, y);
      ctx.stroke();
      told(label, y - 3 * devicePixelRatio);
    });
    ctx.restore();
  };

  const shadeTroubles = (plot, troubled) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.fillStyle = color("--care");
    ctx.globalAlpha = 0.16;
    for (const [begin, end] of troubled ?? []) {
      const left = Math.max(bbox.left, plot.valToPos(begin, "x", true));
      const right = Math.min(bbox.left + bbox.width, plot.valToPos(end, "x", true));
      if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
    ctx.restore();
  };

  const drawMarks = (plot, marks) => {
    const { ctx, bbox } = plot;
    const size = Math.round(11 * devicePixelRatio);
    const gap = 4 * devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = color("--care");
    ctx.font = `600 ${size}px system-ui, sans-serif`;
    for (const [label, at] of marks) {
      const x = plot.valToPos(at, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      const isRight = x > bbox.left + bbox.width / 2;
      ctx.setLineDash([5 * devicePixelRatio, 3 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.textAlign = isRight ? "right" : "left";
      ctx.fillText(label, isRight ? x - gap : x + gap, bbox.top + bbox.height - gap);
    }
    ctx.restore();
  };

  const range = (bounds) => (plot, low, high) => {
    const top = Math.max(high ?? 0, 0);
    const near = bounds.map(([, value]) => value).filter((value) => value <= HIGHEST_BOUND * top);
    const above = Math.max(top, ...near);
    return [Math.min(low ?? 0, 0), above > 0 ? above * 1.08 : 1];
  };

  const axis = (more) => ({
    stroke: () => color("--soft"),
    font: "11px system-ui, sans-serif",
    grid: { stroke: () => color("--line"), width: 1 },
    ticks: { show: false },
    ...more,
  });

  const zoomTogether = (benchmark, source) => {
    const { min, max } = source.scales.x;
    for (const [figure, plot] of live) {
      const isOther = plot !== source && figure.dataset.plot.split(".")[0] === benchmark;
      const differs = plot.scales.x.min !== min || plot.scales.x.max !== max;
      if (isOther && differs) plot.setScale("x", { min, max });
    }
  };

  const makeKeys = (figure, panel, plot) => {
    const keys = [...figure.querySelectorAll(".key")];
    keys.forEach((key, line) => {
      key.tabIndex = 0;
      key.setAttribute("role", "switch");
      const tell = () => key.setAttribute("aria-checked", String(plot.series[line + 1].show));
      const toggle = () => {
        plot.setSeries(line + 1, { show: !plot.series[line + 1].show });
        tell();
      };
      key.addEventListener("click", toggle);
      key.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        toggle();
      });
      tell();
    });
  };

  const tellValues = (figure, panel, now) => (plot) => {
    const at = plot.cursor.idx;
    if (at === null || at === undefined) {
      now.textContent = "";
      return;
    }
    const told = panel.names
      .map((name, line) => [name, plot.data[line + 1][at], plot.series[line + 1].show])
      .filter(([, value, isShown]) => isShown && value !== null && value !== undefined)
      .map(([name, value]) => (panel.names.length > 1 ? `${name} ${number(value)}` : number(value)));
    now.textContent = `at ${clock(plot.data[0][at])}: ${told.join(", ") || "no value"}`;
  };

  const moveBy = (plot, steps) => {
    const last = plot.data[0].length - 1;
    const from = plot.cursor.idx ?? (steps > 0 ? -1 : last + 1);
    const at = Math.min(Math.max(from + steps, 0), last);
    plot.setCursor({ left: plot.valToPos(plot.data[0][at], "x"), top: plot.over.clientHeight / 2 }, true, true);
  };

  const zoomBy = (plot, factor) => {
    const { min, max } = plot.scales.x;
    const middle = plot.cursor.idx == null ? (min + max) / 2 : plot.data[0][plot.cursor.idx];
    const first = plot.data[0][0];
    const last = plot.data[0].at(-1);
    const [from, until] = [middle - (middle - min) * factor, middle + (max - middle) * factor];
    plot.setScale("x", { min: Math.max(first, from), max: Math.min(last, until) });
  };

  const byKeyboard = (figure, plot) => {
    const all = () => plot.setScale("x", { min: plot.data[0][0], max: plot.data[0].at(-1) });
    const actions = {
      ArrowLeft: () => moveBy(plot, -1),
      ArrowRight: () => moveBy(plot, 1),
      "+": () => zoomBy(plot, 0.5),
      "-": () => zoomBy(plot, 2),
      Escape: all,
    };
    const canvas = figure.querySelector(".uplot");
    canvas.tabIndex = 0;
    canvas.addEventListener("keydown", (event) => {
      if (!actions[event.key]) return;
      event.preventDefault();
      actions[event.key]();
    });
  };

  const pointsOf = ({ from, step, count }, panel) => [
    Array.from({ length: count }, (_, at) => from + at * step),
    ...panel.values.map((values, line) => spread(values, panel.wide[line], count)),
  ];

  const make = (figure) => {
    const [benchmark, place] = figure.dataset.plot.split(".");
    const section = data[benchmark];
    const { measured, marks, troubled } = section;
    const panel = section.panels[place];
    const svg = figure.querySelector("svg");
    const size = { width: svg.clientWidth, height: svg.clientHeight };
    const now = document.createElement("output");
    now.className = "now";
    const options = {
      ...size,
      legend: { show: false },
      scales: { x: { time: false }, y: { range: range(panel.bounds) } },
      cursor: {
        sync: { key: `benchmark ${benchmark}`, setSeries: false },
        drag: { x: true, y: false },
        y: false,
        points: { size: 6 },
      },
      axes: [
        axis({ incrs: SECONDS, values: (plot, marks) => marks.map(clock), space: 60, size: 26 }),
        axis({ size: 56, values: (plot, marks) => marks.map(number) }),
      ],
      series: [
        {},
        ...panel.names.map((name, line) => ({
          label: name,
          show: !panel.hidden[line],
          stroke: () => color(`--k${line % COLORS}`),
          width: 1.5,
          dash: /\bplanned$/.test(name) ? [6, 4] : undefined,
          points: { show: () => section.count < 3 },
        })),
      ],
      hooks: {
        drawClear: [(plot) => shade(plot, measured), (plot) => shadeTroubles(plot, troubled)],
        draw: [(plot) => drawBounds(plot, panel.bounds), (plot) => drawMarks(plot, marks)],
        setCursor: [tellValues(figure, panel, now)],
        setScale: [(plot, scale) => scale === "x" && live.has(figure) && zoomTogether(benchmark, plot)],
      },
    };
    const plot = new uPlot(options, pointsOf(section, panel), figure);
    figure.append(now);
    figure.classList.add("live");
    const box = figure.querySelector(".uplot");
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", `${svg.getAttribute("aria-label")}; arrow keys move the cursor, + and - zoom`);
    makeKeys(figure, panel, plot);
    byKeyboard(figure, plot);
    live.set(figure, plot);
  };

  const seen = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting || live.has(target)) continue;
        seen.unobserve(target);
        make(target);
      }
    },
    { rootMargin: "400px" },
  );
  const watch = (root) => root.querySelectorAll("figure[data-plot]").forEach((figure) => seen.observe(figure));
  watch(document);

  // For the page of a run under way (live.js): plots in the place of others, and more points.
  const replace = (benchmark, section, root) => {
    for (const [figure, plot] of live) {
      if (figure.isConnected) continue;
      plot.destroy();
      live.delete(figure);
    }
    data[benchmark] = section;
    watch(root);
  };
  const extend = (benchmark, first, count, values) => {
    const section = data[benchmark];
    section.count = count;
    section.panels.forEach((panel, place) => {
      panel.values.forEach((line, at) => {
        while (line.length < first) line.push(null);
        line.splice(first, Infinity, ...values[place][at]);
      });
    });
    for (const [figure, plot] of live) {
      const [owner, place] = figure.dataset.plot.split(".");
      if (owner !== String(benchmark)) continue;
      const { min, max } = plot.scales.x;
      const isWhole = min <= plot.data[0][0] && max >= plot.data[0].at(-1);
      plot.setData(pointsOf(section, section.panels[place]), isWhole);
      if (!isWhole) plot.redraw();
    }
  };
  window.perfPlots = { replace, extend };

  const fit = () => {
    for (const [figure, plot] of live) {
      const width = figure.clientWidth;
      if (width && width !== plot.width) plot.setSize({ width, height: Math.round((width * 7) / 16) });
    }
  };
  addEventListener("resize", fit);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    live.forEach((plot) => plot.redraw(false));
  });
})();
