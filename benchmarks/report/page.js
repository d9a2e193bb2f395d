"use strict";
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const filter = document.querySelector("#filter"), count = document.querySelector("#count");

/* Numbers sort by themselves, words after them; first best, that is downwards, for numbers. */
const key = (row, column) => {
  const cell = row.cells[column];
  return "number" in cell.dataset ? Number(cell.dataset.number) : cell.textContent;
};
const compare = (a, b, order) => {
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return order * (typeof a === "number" ? a - b : a.localeCompare(b, "en"));
};
const sort = (head) => {
  const body = head.closest("table").tBodies[1], rows = [...body.rows], column = head.cellIndex;
  const numeric = rows.some((row) => typeof key(row, column) === "number");
  const was = head.getAttribute("aria-sort");
  const up = was ? was === "descending" : !numeric;
  rows.sort((a, b) => compare(key(a, column), key(b, column), up ? 1 : -1)).forEach((row) => body.append(row));
  all("th", head.parentElement).forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
};
all("th button").forEach((button) => button.addEventListener("click", () => sort(button.parentElement)));

/* In plots, what is not wanted fades; if no model there is wanted, the words are about something else. */
const fade = (within, wanted) => {
  const drawn = all("g[data-model]", within), found = drawn.some((each) => wanted(each.dataset.model));
  drawn.forEach((each) => each.classList.toggle("dim", found && !wanted(each.dataset.model)));
};
/* What a row is about is said above it too: by its section's heading and what is asked, and by its table's title. */
const above = (section) => all(":scope > h2, :scope > .asked", section).map((each) => each.textContent).join(" ");
const title = (row) => row.closest(".scroll").previousElementSibling.textContent;
const apply = () => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = (text) => words.every((word) => text.toLowerCase().includes(word));
  const rows = all("tr.measured, tr.paper");
  all("section").forEach((section) => {
    const about = above(section);
    all("tr.measured, tr.paper", section).forEach((row) => {
      row.hidden = !wanted([about, title(row), ...all("td", row).map((cell) => cell.textContent)].join(" "));
    });
  });
  /* What has no such row is out of the way, with all that is told of it. */
  const gone = (within) => words.length > 0 && all("tr.measured, tr.paper", within).every((row) => row.hidden);
  all(".scroll").forEach((box) => [box.previousElementSibling, box, box.nextElementSibling].forEach((each) => {
    if (each === box || each?.matches("h3, .remarks")) each.hidden = gone(box);
  }));
  all("section").forEach((section) => { section.hidden = gone(section); });
  const shown = rows.filter((row) => !row.hidden).length;
  count.textContent = words.length ? `${shown} of ${rows.length} rows` : `${rows.length} rows`;
  all("section").forEach((section) => {
    const chosen = all(".legend [aria-pressed=true]", section).map((button) => button.dataset.model);
    fade(section, (model) => (chosen.length ? chosen.includes(model) : wanted(`${above(section)} ${model}`)));
  });
};
filter.addEventListener("input", apply);
all(".legend button").forEach((button) => button.addEventListener("click", () => {
  button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
  apply();
}));
apply();
