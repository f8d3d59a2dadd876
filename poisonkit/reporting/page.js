"use strict";
(() => {
  const data = JSON.parse(document.getElementById("samples").textContent);
  const box = document.getElementById("search"), body = document.getElementById("found");
  const told = document.getElementById("told"), more = document.getElementById("more");
  const name = i => i < 0 ? "unlabelled" : data.classes[i];
  const label = r => r[3] === r[4] ? name(r[3]) : name(r[3]) + " → " + name(r[4]);
  const path = r => typeof r[2] === "number" ? data.places[r[2]] + r[1] : r[2];
  const words = data.rows.map(r => (path(r) + "\n" + r[1] + "\n" + data.kinds[r[0]] + "\n" + label(r)).toLowerCase());
  let found = [], shown = 0;
  const add = () => {
    const rows = document.createDocumentFragment();
    for (const i of found.slice(shown, shown + 50)) {
      const r = data.rows[i], line = document.createElement("tr");
      for (const text of [path(r), data.kinds[r[0]], label(r), r[5] === null ? "" : r[5].toFixed(2)]) {
        line.appendChild(document.createElement("td")).textContent = text;
      }
      rows.appendChild(line);
    }
    shown = Math.min(found.length, shown + 50);
    body.appendChild(rows);
    more.hidden = shown === found.length;
    told.textContent = found.length + " of " + data.rows.length + " samples, " + shown + " shown";
  };
  const search = () => {
    const wanted = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = [];
    for (let i = 0; i < words.length; i++) if (wanted.every(w => words[i].includes(w))) found.push(i);
    shown = 0;
    body.textContent = "";
    add();
  };
  box.addEventListener("input", search);
  more.addEventListener("click", add);
  search();
})();
