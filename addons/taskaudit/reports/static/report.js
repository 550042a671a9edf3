// Filter and sort. The page is whole without it.
"use strict";
(() => {
  const sorted = new Map();   // table id -> {column, direction}
  const original = new WeakMap();

  const valueOf = (cell, kind) => {
    const text = cell.dataset.value ?? cell.textContent.trim();
    return kind === "number" ? Number.parseFloat(text) || 0 : text.toLowerCase();
  };

  const compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

  const headers = (table) => [...table.tHead.rows[0].cells];

  const applySort = (table) => {
    const body = table.tBodies[0];
    const order = sorted.get(table.id);
    if (order && !original.has(table)) original.set(table, [...body.rows]);
    const rows = [...(original.get(table) ?? [])];
    if (order) {
      const kind = headers(table)[order.column].dataset.sort;
      const keyed = rows.map((row) => [valueOf(row.cells[order.column], kind), row]);
      keyed.sort((one, other) => order.direction * compare(one[0], other[0]));
      rows.splice(0, rows.length, ...keyed.map(([, row]) => row));
    }
    body.append(...rows);
    headers(table).forEach((cell, column) => {
      if (!cell.dataset.sort) return;
      const here = order && order.column === column;
      cell.setAttribute("aria-sort", here ? (order.direction > 0 ? "ascending" : "descending") : "none");
    });
  };

  // First click: ascending; second: descending; third: as it came.
  const turn = (table, column) => {
    const order = sorted.get(table.id);
    if (!order || order.column !== column) sorted.set(table.id, { column, direction: 1 });
    else if (order.direction > 0) sorted.set(table.id, { column, direction: -1 });
    else sorted.delete(table.id);
    applySort(table);
  };

  const makeSortable = (table) => {
    headers(table).forEach((cell, column) => {
      if (!cell.dataset.sort) return;
      const button = document.createElement("button");
      button.type = "button";
      button.id = `${table.id}-sort-${column}`;
      button.textContent = cell.textContent;
      button.addEventListener("click", () => turn(table, column));
      cell.replaceChildren(button);
    });
    applySort(table);
  };

  const applyFilter = (filter) => {
    const table = document.getElementById(filter.dataset.table);
    const words = filter.querySelector("input[type=search]").value.toLowerCase().split(/\s+/).filter(Boolean);
    const refused = [...filter.querySelectorAll("input[type=checkbox]:not(:checked)")];
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const text = words.length ? row.textContent.toLowerCase() : "";
      const fits = words.every((word) => text.includes(word))
        && !refused.some((box) => row.dataset[box.dataset.facet] === box.value);
      row.hidden = !fits;
      shown += fits;
    }
    const output = filter.querySelector("output");
    const told = output.dataset.text.replace("{shown}", shown).replace("{all}", table.tBodies[0].rows.length);
    if (output.textContent !== told) output.textContent = told;
  };

  const makeFilter = (filter) => {
    filter.hidden = false;
    filter.addEventListener("input", () => {
      // Read out when the reader asked for it, not when traffic changes the numbers.
      filter.querySelector("output").setAttribute("aria-live", "polite");
      applyFilter(filter);
    });
    filter.querySelector("button").addEventListener("click", () => {
      filter.querySelector("input[type=search]").value = "";
      filter.querySelectorAll("input[type=checkbox]").forEach((box) => { box.checked = true; });
      filter.dispatchEvent(new Event("input", { bubbles: true }));
    });
    applyFilter(filter);
  };

  // A link to a row that is filtered away shows it.
  const reveal = () => {
    const row = document.getElementById(location.hash.slice(1));
    if (!row || !row.hidden) return;
    const filter = document.querySelector(`.filter[data-table="${row.closest("table").id}"]`);
    filter.querySelector("button").click();
    row.scrollIntoView();
  };

  const enhance = (root) => {
    root.querySelectorAll("table.list").forEach(makeSortable);
    root.querySelectorAll(".filter").forEach(makeFilter);
  };

  window.addEventListener("hashchange", reveal);
  window.taskaudit = { enhance };
  enhance(document);
})();
