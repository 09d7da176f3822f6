// What tables of the report do in a browser: they are sorted and searched, and on a narrow screen
// each row is a block of its own. Without a script they are plain tables.
// Add here: another behaviour of tables. Keep out: plots (plots.js), and what a table says.
(() => {
  const numberOf = (text) => {
    const found = parseFloat(text.replaceAll(",", ""));
    return Number.isNaN(found) ? null : found;
  };

  const compare = (a, b) => {
    const [x, y] = [numberOf(a), numberOf(b)];
    if (x !== null && y !== null) return x - y;
    // What has no figure comes last in both directions; see `sortBy`.
    return x === null && y === null ? a.localeCompare(b) : null;
  };

  const sortBy = (table, column, sign) => {
    const text = (row) => row.cells[column].textContent.trim();
    for (const group of table.tBodies) {
      const rows = [...group.rows];
      const heading = rows.length && rows[0].cells.length === 1 ? [rows.shift()] : [];
      rows.sort((a, b) => {
        const order = compare(text(a), text(b));
        return order === null ? (numberOf(text(a)) === null ? 1 : -1) : sign * order;
      });
      group.append(...heading, ...rows);
    }
  };

  const makeSortable = (table) => {
    const titles = [...table.tHead.rows[0].cells];
    titles.forEach((title, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...title.childNodes);
      title.append(button);
      button.addEventListener("click", () => {
        const isDown = title.getAttribute("aria-sort") === "descending";
        titles.forEach((other) => other.removeAttribute("aria-sort"));
        title.setAttribute("aria-sort", isDown ? "ascending" : "descending");
        sortBy(table, column, isDown ? 1 : -1);
      });
    });
  };

  const labelCells = (table) => {
    const titles = [...table.tHead.rows[0].cells].map((title) => title.textContent);
    if (titles.length < 4) return;
    table.classList.add("wide");
    for (const row of table.querySelectorAll("tbody tr")) {
      if (row.cells.length > 1) [...row.cells].forEach((cell, n) => (cell.dataset.of = titles[n]));
    }
  };

  const makeSearchable = (part) => {
    const field = part.querySelector("input[type=search]");
    field.closest("p").hidden = false;
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      const found = (text) => words.every((word) => text.toLowerCase().includes(word));
      for (const folded of part.querySelectorAll("details")) {
        let count = 0;
        for (const row of folded.querySelectorAll("tbody tr")) {
          row.hidden = !found(row.cells[0].textContent);
          count += !row.hidden;
        }
        folded.hidden = words.length > 0 && count === 0;
        if (words.length) folded.open = count > 0;
      }
    });
  };

  document.querySelectorAll("table.sortable").forEach(makeSortable);
  document.querySelectorAll("table").forEach(labelCells);
  document.querySelectorAll(".searched").forEach(makeSearchable);
})();
