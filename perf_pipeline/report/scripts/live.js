// The page that follows a run: it puts into place what it is told, and asks to stop the run.
// What it is told is laid out already (following/messages.py); plots are those of plots.js.
// Add here: another kind of news. Keep out: layout, and drawing.
(() => {
  const at = (id) => document.getElementById(id);
  const show = (id, text) => {
    at(id).hidden = !text;
    at(id).textContent = text;
  };
  const AGAIN_MS = 3000;
  const OVER = ["reported", "unreported", "killed"];
  let stage = "";

  const fill = (id, html) => {
    const place = at(id);
    if (place.dataset.html === html) return;
    place.dataset.html = html;
    const { scrollLeft } = place.querySelector(".scroll") ?? { scrollLeft: 0 };
    place.innerHTML = html;
    const table = place.querySelector(".scroll");
    if (table) table.scrollLeft = scrollLeft;
  };

  const sectionOf = (id, name) => {
    if (!at(id)) {
      const section = document.createElement("section");
      section.id = id;
      const title = document.createElement("h2");
      title.textContent = name;
      const tables = document.createElement("div");
      tables.id = `${id}-tables`;
      const plots = document.createElement("div");
      plots.id = `${id}-plots`;
      section.append(title, tables, plots);
      at("sections").prepend(section); // what is under way stands first
    }
    return id;
  };

  // A report is kept in the page, because its server may end before somebody opens it.
  const keepReport = async (address) => {
    const link = at("report");
    if (link.dataset.of === address) return;
    link.dataset.of = address;
    link.hidden = !address;
    link.href = address;
    if (!address) return;
    const answer = await fetch(address);
    if (answer.ok) link.href = URL.createObjectURL(await answer.blob());
  };

  const news = {
    begin: () => {
      at("sections").replaceChildren();
      show("answer", "");
    },
    head: (told) => {
      stage = told.stage;
      if (at("heading").textContent !== told.heading) at("heading").textContent = told.heading;
      at("heading").className = told.stage === "killed" || told.stage === "unreported" ? "bad" : "";
      at("facts").textContent = told.facts;
      at("sentence").textContent = told.sentence;
      at("stop").hidden = !told.can_stop;
      if (!told.can_stop && at("sure").open) at("sure").close();
      document.title = `${told.heading}: perf-pipeline watch`;
      fill("glance", told.glance);
      fill("told", told.told);
      at("what-the-run-told").hidden = !told.told;
      keepReport(told.report);
    },
    section: ({ number, id, name, html, data }) => {
      const place = at(`${sectionOf(id, name)}-plots`);
      place.innerHTML = html;
      window.perfPlots.replace(number, data, place);
    },
    tables: ({ id, name, html }) => fill(`${sectionOf(id, name)}-tables`, html),
    points: ({ number, first, count, values }) => window.perfPlots.extend(number, first, count, values),
  };

  const follow = () => {
    const events = new EventSource("events");
    events.onopen = () => show("lost", "");
    events.onmessage = ({ data }) => {
      const told = JSON.parse(data);
      news[told.kind](told);
    };
    events.onerror = () => {
      const rest = OVER.includes(stage)
        ? "the run is over, and what is shown here stays."
        : "this page goes on when it does. A watch that was started anew has a new address.";
      show("lost", `\`perf-pipeline watch\` does not answer; ${rest}`);
      if (events.readyState !== EventSource.CLOSED) return; // it tries again by itself
      setTimeout(follow, AGAIN_MS);
    };
  };

  at("stop").addEventListener("click", () => at("sure").showModal());
  at("no").addEventListener("click", () => at("sure").close());
  at("yes").addEventListener("click", async () => {
    at("sure").close();
    at("stop").hidden = true;
    try {
      const answer = await fetch("stop", { method: "POST" });
      show("answer", answer.ok ? "" : await answer.text());
    } catch {
      show("answer", "`perf-pipeline watch` does not answer, so the run was not asked to stop.");
      at("stop").hidden = false;
    }
  });
  follow();
})();
