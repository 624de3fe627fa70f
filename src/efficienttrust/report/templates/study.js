"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const read = id => document.getElementById(id).textContent;
  const night = JSON.parse(read("night"));
  const views = new Map();
  // A colour of the light page, and what it is on the dark one.
  const themed = text => dark.matches ? text.replace(/#[0-9a-f]{6}\b/g, one => night[one] || one) : text;
  const state = figure => ({
    shown: [...figure.querySelectorAll("input[type=checkbox]")].filter(one => one.checked).map(one => one.value),
    chosen: figure.querySelector("select")?.value,
  });
  const set = (view, { shown, chosen }, many) => {
    if (many) view.signal("shown", shown);
    if (chosen !== undefined) view.signal("chosen", chosen);
    return view.runAsync();
  };
  async function draw(figure) {
    const specs = JSON.parse(themed(read(figure.dataset.specs)));
    const places = [...figure.querySelectorAll(".view")];
    const many = figure.querySelector("input[type=checkbox]") !== null;
    figure.classList.add("drawn");
    try {
      const found = await Promise.all(places.map(async (place, index) => {
        views.get(place)?.finalize();
        const { view } = await vegaEmbed(place, specs[index], { actions: false, renderer: "svg", tooltip: { theme: "custom" } });
        views.set(place, view);
        return view;
      }));
      await Promise.all(found.map(view => set(view, state(figure), many)));
      figure.dataset.ready = "yes";
    } catch (error) {
      figure.classList.remove("drawn"); // the still picture says the same
      console.error(error);
    }
  }
  const figures = [...document.querySelectorAll("figure[data-specs]")];
  const seen = new IntersectionObserver(entries => entries.forEach(entry => {
    if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
  }), { rootMargin: "800px" });
  figures.forEach(figure => {
    seen.observe(figure);
    figure.addEventListener("change", () => {
      const many = figure.querySelector("input[type=checkbox]") !== null;
      for (const place of figure.querySelectorAll(".view")) if (views.has(place)) set(views.get(place), state(figure), many);
    });
  });
  dark.addEventListener("change", () => figures.filter(one => one.dataset.ready).forEach(draw));
  document.querySelectorAll(".filter input").forEach(field => field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = field.closest(".filtered").querySelectorAll("tbody tr");
    let left = 0;
    rows.forEach(row => {
      const text = row.textContent.toLowerCase();
      const out = !words.every(word => text.includes(word));
      row.classList.toggle("out", out);
      left += !out;
    });
    field.parentElement.querySelector("output").value = `${left} of ${rows.length} rows`;
  }));
  document.documentElement.classList.add("scripted");
})();
