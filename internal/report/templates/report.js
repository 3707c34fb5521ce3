"use strict";
// The page is whole without this script. It filters the threats, and opens what
// a link leads into.
(function () {
  const form = document.getElementById("filter");
  const items = Array.from(document.querySelectorAll("#threats [data-risk]"));
  const total = document.querySelectorAll("#index tbody tr").length;

  function apply() {
    const risks = new Set(Array.from(form.querySelectorAll("[name=risk]:checked"), (c) => c.value));
    const status = form.elements.status.value, verdict = form.elements.verdict.value;
    const text = form.elements.text.value.trim().toLowerCase();
    let rows = 0;
    for (const item of items) {
      const d = item.dataset;
      const show = risks.has(d.risk) && (!status || d.status === status) &&
        (!verdict || d.verdict.split(" ").includes(verdict)) && (!text || d.text.includes(text));
      item.hidden = !show;
      if (show && item.tagName === "TR") rows++;
    }
    document.getElementById("shown").textContent = rows === total ? "" : rows + " of " + total + " shown";
  }

  function open() {
    let id = "";
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const target = id && document.getElementById(id);
    if (!target) return;
    for (let e = target; e; e = e.parentElement) {
      if (e.tagName === "DETAILS") e.open = true;
      if (e.hidden && form) { form.reset(); apply(); }
    }
    target.scrollIntoView();
  }

  if (form) {
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("submit", (e) => e.preventDefault());
  }
  // A diagram that had to be shrunk can be seen in its own size.
  for (const box of document.querySelectorAll(".diagram .scroll")) {
    const svg = box.querySelector("svg");
    if (svg.getBoundingClientRect().width >= svg.viewBox.baseVal.width - 1) continue;
    const button = document.createElement("button");
    button.className = "enlarge";
    button.textContent = "Enlarge";
    const toggle = () => { button.textContent = box.classList.toggle("full") ? "Fit" : "Enlarge"; };
    box.classList.add("shrunk");
    box.addEventListener("click", toggle);
    button.addEventListener("click", toggle);
    box.after(button);
  }
  const contents = document.querySelector(".toc details");
  if (window.matchMedia("(max-width: 44rem)").matches) contents.open = false;
  window.addEventListener("hashchange", open);
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = Array.from(document.querySelectorAll("main details:not([open]):not(.text)"));
    for (const d of closed) d.open = true;
  });
  window.addEventListener("afterprint", () => { for (const d of closed) d.open = false; });
  open();
})();
