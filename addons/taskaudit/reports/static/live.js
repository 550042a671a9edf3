// Keeps the status page up to date: what changed is put in the place of what was, and the reader stays
// where they are: focus, scroll, filters, order, opened details.
"use strict";
(() => {
  const EVERY = 1000;
  const EVERY_HIDDEN = 10000;
  const NEWS_EVERY = 10000;
  const PATIENCE = 15000;

  const main = document.getElementById("report");
  const pause = document.getElementById("live-pause");
  const state = document.getElementById("live-state");
  const trouble = document.getElementById("live-trouble");
  const news = document.getElementById("live-news");
  const made = document.getElementById("live-made");
  const suffix = document.title.slice(verdict().length);

  let version = main.dataset.version;
  let pausedSince = null;
  let troubleSince = null;
  let heard = Date.now();
  let told = verdict();
  let toldAt = -Infinity;
  let composing = false;
  let waiting = null;
  const choices = new Map();   // id -> what the reader put in, also of what is not there just now
  const drawn = new Map();     // section id -> its HTML as it was sent

  function verdict() {
    return document.getElementById("verdict").dataset.verdict;
  }

  const clock = (at) => new Date(at).toISOString().slice(0, 19).replace("T", " ");

  const say = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };

  // What the reader has done.

  const remember = () => {
    for (const input of main.querySelectorAll("input[id]")) {
      choices.set(input.id, input.type === "search" ? input.value : input.checked);
    }
    for (const details of main.querySelectorAll("details[id]")) choices.set(details.id, details.open);
  };

  const recall = (section) => {
    for (const element of section.querySelectorAll("input[id], details[id]")) {
      if (!choices.has(element.id)) continue;
      const chosen = choices.get(element.id);
      if (element.localName === "details") element.open = chosen;
      else if (element.type === "search") element.value = chosen;
      else element.checked = chosen;
    }
  };

  const FOCUSABLE = "a[href], button, input, summary, [tabindex]";

  // Finds an element again after a change: by its id, or as the n-th of the nearest element that has one.
  const finder = (element) => {
    const holder = element.closest("[id]");
    const index = element === holder ? -1 : [...holder.querySelectorAll(FOCUSABLE)].indexOf(element);
    return () => {
      const now = document.getElementById(holder.id);
      return (now && index >= 0 && now.querySelectorAll(FOCUSABLE)[index]) || now;
    };
  };

  const focused = () => {
    const active = document.activeElement;
    return active && active !== main && main.contains(active) ? active : null;
  };

  const focusKept = () => {
    const active = focused();
    if (!active) return () => {};
    const caret = active.type === "search" ? [active.selectionStart, active.selectionEnd] : null;
    const find = finder(active);
    const section = active.closest("main > section").id;
    return () => {
      if (active.isConnected) return;
      const found = find();
      const next = found && found.matches(FOCUSABLE) ? found : document.getElementById(`${section}-title`);
      if (next) next.focus({ preventScroll: true });
      if (caret && next && next.type === "search") next.setSelectionRange(...caret);
    };
  };

  // What the reader looks at: what has the focus, or else what stands at the top of the window.
  const looked = () => {
    const active = focused();
    const place = active && active.getBoundingClientRect();
    if (place && place.bottom > 0 && place.top < innerHeight) return active;
    const top = Math.max(document.querySelector(".top").getBoundingClientRect().bottom, 0);
    const at = document.elementFromPoint(innerWidth / 2, top + 4);
    const holder = at && main.contains(at) ? at.closest("[id]") : null;
    return holder === main ? null : holder;
  };

  const scrollKept = () => {
    const inner = [...main.querySelectorAll(".rows")].map((box) => [box.id, box.scrollTop, box.scrollLeft]);
    const anchor = looked();
    const find = anchor ? finder(anchor) : () => null;
    const before = anchor ? anchor.getBoundingClientRect().top : 0;
    const y = scrollY;
    return () => {
      for (const [id, down, right] of inner) {
        const box = document.getElementById(id);
        if (box) box.scrollTo(right, down);
      }
      const now = find();
      if (now) scrollBy({ top: now.getBoundingClientRect().top - before, behavior: "instant" });
      else scrollTo({ top: y, behavior: "instant" });
    };
  };

  const isSelecting = () => {
    const selection = getSelection();
    return !selection.isCollapsed && main.contains(selection.anchorNode);
  };

  // What has come.

  const put = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    remember();
    const focus = focusKept();
    const scroll = scrollKept();
    for (const section of [...fresh.children]) {
      const old = document.getElementById(section.id);
      if (drawn.get(section.id) === section.outerHTML) continue;
      drawn.set(section.id, section.outerHTML);
      if (old && old.parentElement === main) old.replaceWith(section);
      else main.append(section);
      recall(section);
      window.taskaudit.enhance(section);
    }
    focus();
    scroll();
    document.title = verdict() + suffix;
  };

  const tell = () => {
    if (verdict() === told || Date.now() - toldAt < NEWS_EVERY) return;
    told = verdict();
    toldAt = Date.now();
    say(news, news.dataset.changed.replace("{verdict}", told));
  };

  const troubled = (text, status) => {
    if (troubleSince === null) troubleSince = heard;
    say(trouble, text.replace("{time}", clock(troubleSince)).replace("{status}", status));
  };

  const well = () => {
    if (troubleSince !== null) {
      troubleSince = null;
      say(trouble, "");
      say(news, news.dataset.back);
      toldAt = Date.now();
    }
    heard = Date.now();
  };

  const fetchNew = async () => {
    let answer;
    try {
      answer = await fetch(`/sections?since=${encodeURIComponent(version)}`, {
        cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE),
      });
      if (answer.status !== 204 && !answer.ok) return troubled(trouble.dataset.refused, answer.status);
      const html = answer.status === 204 ? null : await answer.text();
      well();
      if (pausedSince !== null || composing || isSelecting()) return undefined;
      if (html !== null) {
        put(html);
        version = answer.headers.get("X-Version");
      }
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
      return troubled(trouble.dataset.lost, 0);
    }
    say(made, clock(heard));
    tell();
    return undefined;
  };

  const show = () => {
    const text = pausedSince !== null ? state.dataset.paused.replace("{time}", clock(pausedSince))
      : isSelecting() ? state.dataset.held : state.dataset.running;
    say(state, text);
  };

  const round = async () => {
    clearTimeout(waiting);
    waiting = null;
    if (pausedSince === null) await fetchNew();
    show();
    clearTimeout(waiting);
    waiting = setTimeout(round, document.hidden ? EVERY_HIDDEN : EVERY);
  };

  pause.hidden = false;
  pause.addEventListener("click", () => {
    pausedSince = pausedSince === null ? Date.now() : null;
    say(pause, pausedSince === null ? pause.dataset.pause : pause.dataset.resume);
    show();
  });
  document.addEventListener("compositionstart", () => { composing = true; });
  document.addEventListener("compositionend", () => { composing = false; });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && waiting !== null) round();
  });
  round();
})();
