"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Automatic, light, dark; remembered where the browser lets a file remember.
  const themes = ["", "light", "dark"], theme = document.getElementById("theme");
  const remember = (act) => { try { return act(window.localStorage); } catch { return null; } };
  const setTheme = (name) => {
    if (name) document.documentElement.dataset.theme = name; else delete document.documentElement.dataset.theme;
    theme.textContent = `Theme: ${name || "automatic"}`;
  };
  setTheme(themes.includes(remember(s => s.getItem("onnxeff-theme"))) ? remember(s => s.getItem("onnxeff-theme")) : "");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const name = themes[(themes.indexOf(document.documentElement.dataset.theme || "") + 1) % themes.length];
    setTheme(name);
    remember(s => s.setItem("onnxeff-theme", name));
  });

  const readable = 0.85, least = 0.08, most = 2.5, step = 1.25;

  class Drawing {
    constructor(side) {
      this.view = side.querySelector(".view");
      this.graph = side.querySelector(".graph");
      this.map = side.querySelector(".map");
      this.seen = side.querySelector(".seen");
      this.info = side.querySelector(".info");
      this.rows = side.querySelector(".list tbody");
      this.width = this.graph.viewBox.baseVal.width;
      this.height = this.graph.viewBox.baseVal.height;
      this.zoom = 0;
      this.chosen = -1;
      all("[data-zoom]", side).forEach(b => b.addEventListener("click", () => this.key(b.dataset.zoom)));
      this.view.addEventListener("keydown", e => { if (!e.ctrlKey && !e.metaKey && !e.altKey && this.key(e.key)) e.preventDefault(); });
      this.view.addEventListener("scroll", () => this.showSeen());
      this.view.addEventListener("wheel", e => {
        if (!e.ctrlKey) return;
        e.preventDefault();
        const box = this.view.getBoundingClientRect();
        this.setZoom(this.zoom * Math.exp(-e.deltaY / 300), e.clientX - box.left, e.clientY - box.top);
      }, { passive: false });
      this.view.addEventListener("pointerdown", e => this.drag(e));
      this.graph.addEventListener("click", e => { const g = e.target.closest("g[data-i]"); if (g) this.choose(+g.dataset.i, false); });
      this.rows.addEventListener("click", e => {
        const link = e.target.closest("a");
        if (!link) return;
        e.preventDefault();
        this.choose(+link.closest("tr").dataset.i, true);
        this.view.focus();
      });
      this.map.addEventListener("pointerdown", e => this.jump(e));
      this.map.addEventListener("pointermove", e => { if (e.buttons) this.jump(e); });
    }

    // A hidden drawing has no size to fit; it is opened when it is seen first.
    open() {
      if (this.zoom || !this.view.clientWidth) return;
      this.setZoom(Math.max(this.fit(), readable), 0, 0);
      // Begin where most of what the first screen can show is.
      const middles = all("g[data-i]:not(.port) rect", this.graph).filter(r => r.y.baseVal.value * this.zoom < this.view.clientHeight / 2)
        .map(r => r.x.baseVal.value + r.width.baseVal.value / 2).sort((a, b) => a - b);
      if (middles.length) this.view.scrollLeft = middles[middles.length >> 1] * this.zoom - this.view.clientWidth / 2;
      this.view.scrollTop = 0;
      this.showSeen();
    }

    fit() { return Math.min(1, (this.view.clientWidth - 2) / this.width, (this.view.clientHeight - 2) / this.height); }

    setZoom(zoom, x = this.view.clientWidth / 2, y = this.view.clientHeight / 2) {
      const next = Math.min(most, Math.max(Math.min(least, this.fit()), zoom)), by = next / (this.zoom || next);
      const left = (this.view.scrollLeft + x) * by - x, top = (this.view.scrollTop + y) * by - y;
      this.zoom = next;
      this.graph.style.width = `${this.width * next}px`;
      this.graph.style.height = `${this.height * next}px`;
      this.view.scrollTo(left, top);
      this.showSeen();
    }

    showSeen() {
      const v = this.view, seen = this.seen;
      this.map.toggleAttribute("hidden", this.width * this.zoom <= v.clientWidth && this.height * this.zoom <= v.clientHeight);
      const set = (name, value) => seen.setAttribute(name, value);
      set("x", v.scrollLeft / this.zoom); set("y", v.scrollTop / this.zoom);
      set("width", v.clientWidth / this.zoom); set("height", v.clientHeight / this.zoom);
    }

    key(key) {
      if (key === "+" || key === "=") this.setZoom(this.zoom * step);
      else if (key === "-") this.setZoom(this.zoom / step);
      else if (key === "0") this.setZoom(this.fit());
      else if (key === "n" || key === "p") {
        const place = g => { const r = g.querySelector("rect"); return r.y.baseVal.value * 1e5 + r.x.baseVal.value; };
        const boxes = all("g[data-i]", this.graph).sort((a, b) => place(a) - place(b)).map(g => +g.dataset.i), at = boxes.indexOf(this.chosen);
        this.choose(boxes[(at + (key === "n" ? 1 : at < 0 ? 0 : -1) + boxes.length) % boxes.length], true);
      } else if (key === "Escape") this.choose(-1, false);
      else return false;
      return true;
    }

    choose(index, move) {
      all(".on", this.graph).forEach(e => e.classList.remove("on"));
      this.chosen = index;
      const box = this.graph.querySelector(`g[data-i="${index}"]`);
      if (!box) { this.info.textContent = ""; return; }
      box.classList.add("on");
      all("path", this.graph).filter(p => p.dataset.w.split(" ").includes(`${index}`)).forEach(p => p.classList.add("on"));
      this.describe(box, this.rows.querySelector(`tr[data-i="${index}"]`));
      if (!move) return;
      if (this.zoom < readable) this.setZoom(readable);
      const r = box.querySelector("rect"), at = name => r[name].baseVal.value;
      this.view.scrollTo((at("x") + at("width") / 2) * this.zoom - this.view.clientWidth / 2, (at("y") + at("height") / 2) * this.zoom - this.view.clientHeight / 2);
    }

    describe(box, row) {
      const parts = row ? [...row.cells].map(c => c.textContent.trim()) : all("text", box).map(t => t.textContent);
      const name = document.createElement("b");
      name.textContent = parts[0];
      const rest = row ? [parts[1], parts[2] && `reads ${parts[2]}`, parts[3] && `gives ${parts[3]}`] : parts.slice(1);
      this.info.replaceChildren(name, ` ${rest.filter(Boolean).join(" · ")}`);
    }

    drag(down) {
      if (down.pointerType !== "mouse" || down.button !== 0) return;
      const left = this.view.scrollLeft, top = this.view.scrollTop;
      const move = e => {
        if (!this.view.classList.contains("dragging") && Math.hypot(e.clientX - down.clientX, e.clientY - down.clientY) < 4) return;
        this.view.classList.add("dragging");
        this.view.scrollTo(left + down.clientX - e.clientX, top + down.clientY - e.clientY);
      };
      const up = () => {
        this.view.classList.remove("dragging");
        window.removeEventListener("pointermove", move);
        window.removeEventListener("pointerup", up);
      };
      window.addEventListener("pointermove", move);
      window.addEventListener("pointerup", up);
    }

    jump(e) {
      const box = this.map.getBoundingClientRect(), scale = Math.min(box.width / this.width, box.height / this.height);
      const x = (e.clientX - box.left - (box.width - this.width * scale) / 2) / scale, y = (e.clientY - box.top - (box.height - this.height * scale) / 2) / scale;
      this.view.scrollTo(x * this.zoom - this.view.clientWidth / 2, y * this.zoom - this.view.clientHeight / 2);
    }
  }

  const drawings = all(".side").filter(side => side.querySelector(".graph")).map(side => new Drawing(side));
  const open = () => drawings.forEach(d => d.open());
  all("details.pair").forEach(pair => pair.addEventListener("toggle", open));
  window.addEventListener("resize", () => drawings.forEach(d => d.zoom && d.showSeen()));
  const unfold = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    const pair = target && target.closest("details.pair");
    if (pair) { pair.open = true; pair.scrollIntoView(); }
  };
  window.addEventListener("hashchange", unfold);
  all(".strip a").forEach(a => a.addEventListener("click", () => setTimeout(unfold)));
  open();
  unfold();
})();
