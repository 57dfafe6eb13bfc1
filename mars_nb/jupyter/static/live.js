/**
 * The live view of a run: a card in the output of a cell.
 *
 * Python is the only author of what is shown, the *scene*, and tells how it changes by merge patches. This page paints
 * it, and sends what a person wishes; every wish gets one reply. A view may look at the past: then it shows the scene
 * of then, while the live one goes on behind it. Several views of one model know nothing of each other.
 *
 * Texts become text nodes. The only markup that is ever put into the page is the SVG that Python drew, and that only
 * after everything has been taken out of it which is no drawing.
 *
 * @typedef {Record<string, any>} Scene What is shown, as `mars_nb.views.scene` makes it.
 * @typedef {Record<string, any>} Reply What became of a wish.
 * @typedef {Record<string, any>} Model The anywidget model: get, set, on, off, send.
 */

const SVG = "http://www.w3.org/2000/svg";
const LATE_MS = 2000;
const SPEAK_EVERY_MS = 2000;
const TICK_MS = 250;
const LOOK_AGAIN_MS = 500;
const COPIED_MS = 1500;
const N_TWIN_FRAMES = 180;
const FOLD_LENGTH = 4000;
const CHART_PX = 54;
const LANE_PX = 18;
const LABEL_PX = 14;
const LEAST_BAR_PERCENT = 0.7;
const TICKS_S = [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
const MANY_EDGES = 2000;
const DEAF_HINT =
  "Not answering? This kernel hears no clicks while its cell runs. " +
  "Press the stop button (■) of the notebook: it pauses the run.";
const LINE_HINT =
  "Not answering? This kernel hears no clicks while its cell runs. If there is a line to type into below, answer there.";
const GONE_HINT = "The kernel does not answer; is it running?";
const GONE_TEXT = "The kernel that ran this is gone · what it did is kept";
const HINTS = { running: DEAF_HINT, asking: LINE_HINT };
const NO_JSON = "The arguments are no JSON; mend them, or refuse.";
const SAME = "the same as a command:";
const TIP = "Click a node, an edge or a bar to look closer.";

/* ------------------------------------------------------------------------------------------------- words and glyphs */

/** The state whose glyph and colours a status of a run, or a kind of banner, shows; of all others, idle. */
const STATES = {
  running: "running",
  pausing: "paused",
  paused: "paused",
  interrupted: "paused",
  asking: "asking",
  failed: "failed",
  succeeded: "done",
  done: "done",
};

const RING =
  "M 6 1.5 C 8.5 1.5 10.5 3.5 10.5 6 C 10.5 8.5 8.5 10.5 6 10.5 C 3.5 10.5 1.5 8.5 1.5 6 C 1.5 3.5 3.5 1.5 6 1.5 Z";

/** Glyphs as in `mars_nb.views.palette` (a test compares them): a path in a box of 12 by 12, and whether to fill it. */
const GLYPHS = {
  idle: [RING, false],
  ready: [`${RING} M 6 6 L 6 1.5 C 8.5 1.5 10.5 3.5 10.5 6 Z`, false],
  running: ["M 2.5 1 L 11 6 L 2.5 11 Z", true],
  waiting: ["M 2 1 L 10 1 L 10 2.5 L 7 6 L 10 9.5 L 10 11 L 2 11 L 2 9.5 L 5 6 L 2 2.5 Z", true],
  paused: ["M 2.5 1.5 L 5 1.5 L 5 10.5 L 2.5 10.5 Z M 7 1.5 L 9.5 1.5 L 9.5 10.5 L 7 10.5 Z", true],
  asking: ["M 3.2 3.9 C 3.2 0.6 8.8 0.6 8.8 3.8 C 8.8 5.8 6 5.7 6 7.9 M 6 10.4 L 6 10.5", false],
  done: ["M 1.5 6.5 L 4.7 9.7 L 10.5 2.5", false],
  failed: ["M 2.2 2.2 L 9.8 9.8 M 9.8 2.2 L 2.2 9.8", false],
};

/** What stands on buttons. */
const ICONS = {
  ...GLYPHS,
  step: ["M 1.5 1.5 L 8 6 L 1.5 10.5 Z M 8.6 1.5 L 10.5 1.5 L 10.5 10.5 L 8.6 10.5 Z", true],
  stop: ["M 2 2 L 10 2 L 10 10 L 2 10 Z", true],
  back: ["M 9 1.5 L 2 6 L 9 10.5 Z", true],
};

const KEYS = [
  ["Space", "pause or resume"],
  [".", "one step, then pause"],
  ["Arrow keys", "in the picture: follow the edges, and go through a layer"],
  ["Enter", "in the picture: look closer"],
  ["Ctrl-Enter", "in the question box: send the answer"],
  ["Esc", "close what is open"],
  ["?", "this list"],
];

/* -------------------------------------------------------------------------------------------------------- the scene */

/**
 * Apply a JSON merge patch (RFC 7396); what did not change stays the same object.
 * @param {any} target
 * @param {any} patch
 * @returns {any}
 */
function merged(target, patch) {
  if (!isObject(patch)) return patch;
  const result = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

/** @param {any} value @returns {boolean} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Note when the clock of a scene was heard of, so that it can be ticked from there. @param {Scene} scene */
function stamped(scene) {
  return { ...scene, clock: { s: 0, runs: false, ...scene.clock, heard_at: performance.now() } };
}

/** Give a scene as it is left when the kernel is gone: nothing goes on, and nobody hears. @param {Scene} scene */
function abandoned({ name = "run", clock, speaker, ...rest }) {
  const banner = { kind: "gone", text: GONE_TEXT, line: `%mars show ${name}` };
  const still = { clock: { ...clock, runs: false }, speaker: { ...speaker, is_live: false } };
  const status = { status: "gone", word: "Not connected", spoken: GONE_TEXT };
  return { ...rest, name, ...still, ...status, banner, controls: [] };
}

/** Give the seconds of work so far; the past stands still. @param {Scene} scene @param {boolean} isPast */
function workedSeconds(scene, isPast) {
  const { s = 0, runs = false, heard_at = performance.now() } = scene.clock ?? {};
  return runs && !isPast ? s + (performance.now() - heard_at) / 1000 : s;
}

/** Write seconds as `0:41` or `1:01:40`. @param {number} seconds */
function clockText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const padded = String(rest).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${padded}` : `${minutes}:${padded}`;
}

/* --------------------------------------------------------------------------------------------------------- elements */

/**
 * Make an element; strings among its children become text, never markup.
 * @param {string} tag
 * @param {Record<string, any>} [attributes] `true` is an empty attribute, `false` none.
 * @param {...(Node | string | null | undefined)} children
 */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  setAll(element, attributes);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Make a div of a class. @param {string} name @param {...(Node | string | null)} children */
function div(name, ...children) {
  return make("div", { class: name }, ...children);
}

/** Make a span of a class. @param {string} name @param {...(Node | string | null)} children */
function span(name, ...children) {
  return make("span", { class: name }, ...children);
}

/** Make a row that wraps. @param {...(Node | string | null)} children */
function row(...children) {
  return div("mars-row", ...children);
}

/**
 * Make a field to write into.
 * @param {string} tag
 * @param {string} name
 * @param {string} label
 * @param {Record<string, any>} [more]
 */
function field(tag, name, label, more = {}) {
  return make(tag, { class: "mars-field", name, "aria-label": label, ...more });
}

/** Make an SVG element. @param {string} tag @param {Record<string, any>} attributes @param {...any} children */
function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  setAll(element, attributes);
  element.append(...children);
  return element;
}

/** @param {Element} element @param {Record<string, any>} attributes */
function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
}

/** Set an attribute if it is not so already. @param {Element} element @param {string} name @param {any} value */
function set(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value === true ? "" : value))
    element.setAttribute(name, value === true ? "" : value);
}

/** Set a text if it is another one. @param {Element} element @param {string} text */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Draw a glyph or an icon. @param {string} name */
function glyph(name) {
  const [path, isFilled] = ICONS[name] ?? ICONS.idle;
  const line = { fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round" };
  const paint = isFilled ? { fill: "currentColor" } : line;
  const attributes = { class: "mars-glyph", viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" };
  return draw("svg", attributes, draw("path", { d: path, ...paint }));
}

/**
 * Make a button. `data-do` names its action; `data-needs` the control without which it is dead.
 * @param {string} label
 * @param {string} action
 * @param {Record<string, any>} [more] Further attributes; `icon` is drawn before the label.
 */
function button(label, action, { icon, ...more } = {}) {
  const attributes = { type: "button", class: "mars-button", "data-do": action, ...more };
  return make("button", attributes, icon ? glyph(icon) : null, make("span", {}, label));
}

/** Make a command with a button that copies it. @param {string} line @param {string} [slot] */
function command(line, slot) {
  const code = make("code", { "data-slot": slot ?? false }, line);
  const attributes = { type: "button", class: "mars-copy", "data-do": "copy", title: "Copy this command" };
  return span("mars-command", code, make("button", attributes, "copy"));
}

/** Show a text as it is written, the end of a long one folded away. @param {string} text @param {string} name */
function folded(text, name) {
  const [start, rest] = [text.slice(0, FOLD_LENGTH), text.slice(FOLD_LENGTH)];
  const shown = make("div", { class: name }, start);
  const more = make("summary", {}, `${rest.length.toLocaleString("en")} characters more`);
  if (rest) shown.append(make("details", {}, more, rest));
  return shown;
}

/* ------------------------------------------------------------------------------------------------------ the drawing */

const DRAWN_TAGS = new Set("svg g path rect circle text tspan title metadata line polygon".split(" "));
const BANNED_ATTRIBUTES = new Set(["href", "style", "class", "id", "tabindex", "xml:base"]);

/** Read SVG and keep what is a drawing; null if it cannot be read. @param {string} text */
function parsed(text) {
  const root = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  if (!isDrawn(root) || root.getElementsByTagName("parsererror").length) return null;
  purify(root);
  return document.importNode(root, true);
}

/** Take out every element that draws nothing, and every attribute that does something. @param {Element} element */
function purify(element) {
  for (const attribute of [...element.attributes]) if (!isHarmless(attribute)) element.removeAttributeNode(attribute);
  for (const child of [...element.children]) isDrawn(child) ? purify(child) : child.remove();
}

/** @param {Element} element */
function isDrawn(element) {
  return element.namespaceURI === SVG && DRAWN_TAGS.has(element.localName);
}

/** An attribute may run nothing and fetch nothing; `url(` may also be written with escapes. @param {Attr} attribute */
function isHarmless({ name, localName, value }) {
  if (/^on/i.test(localName) || BANNED_ATTRIBUTES.has(name.toLowerCase()) || /^href$/i.test(localName)) return false;
  return /^(data|aria)-/.test(name) || !/url\s*\(|\\/i.test(value);
}

/** Find the boxes of a drawing, by number. @param {Element} svg @returns {Map<string, Element>} */
function boxesOf(svg) {
  return new Map([...svg.querySelectorAll("[data-box]")].map((box) => [box.getAttribute("data-box"), box]));
}

/**
 * Repaint boxes in place, so that whoever has the focus keeps it.
 * @param {Map<string, Element>} boxes
 * @param {string[]} groups The new ones, as markup.
 * @returns {Element[]} Those that were repainted.
 */
function repaintBoxes(boxes, groups) {
  const fresh = parsed(`<svg xmlns="${SVG}">${groups.join("")}</svg>`);
  const repaint = (group) => refill(boxes.get(group.getAttribute("data-box")), group);
  return [...(fresh?.children ?? [])].map(repaint).filter(Boolean);
}

/** Give an element the contents and the attributes of another. @param {Element | null} [old] @param {Element} fresh */
function refill(old, fresh) {
  if (!old) return null;
  old.replaceChildren(...fresh.childNodes);
  for (const { name, value } of fresh.attributes) set(old, name, value);
  return old;
}

/** Repaint the labels at the conversations. @param {Element} svg @param {string} markup */
function repaintTurns(svg, markup) {
  const fresh = parsed(`<svg xmlns="${SVG}">${markup}</svg>`)?.firstElementChild;
  if (fresh) refill(svg.querySelector("[data-turns]"), fresh);
}

/** Give the picture as it is shown now, in the light colours of every saved picture. @param {View} view */
function savedPicture(view) {
  const svg = parsed(view.drawing);
  if (!svg) return "";
  repaintBoxes(boxesOf(svg), Object.values(view.shown.nodes ?? {}));
  repaintTurns(svg, view.shown.turns ?? "");
  return new XMLSerializer().serializeToString(svg);
}

/* ---------------------------------------------------------------------------------------------- clipboard and files */

/** Copy a text; pages that are not secure have only the old way. @param {string} text @returns {Promise<boolean>} */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedTheOldWay(text);
  }
}

/** @param {string} text */
function copiedTheOldWay(text) {
  const active = document.activeElement;
  const field = make("textarea", { class: "mars-offstage" });
  field.value = text;
  document.body.append(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  active?.focus?.({ preventScroll: true });
  return isDone;
}

/** Hand a file to the browser. @param {string} name @param {Blob} blob */
function save(name, blob) {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

/** Paint SVG on a canvas, twice as large as it is shown. @param {string} svg @returns {Promise<Blob | null>} */
async function rastered(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = make("canvas", { width: image.width * 2, height: image.height * 2 });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/* ----------------------------------------------------------------------------------------------------------- wishes */

/** Sends wishes and hands each reply to whoever wished; says when a reply is late. */
class Desk {
  #open = new Map();
  #late = new Set();
  #model;
  #last = crypto.getRandomValues(new Uint32Array(1))[0] * 1_000_000;
  #tellLate;

  /** @param {Model} model @param {(isLate: boolean) => void} tellLate */
  constructor(model, tellLate) {
    this.#model = model;
    this.#tellLate = tellLate;
  }

  /**
   * Send a wish.
   * @param {Record<string, any>} what
   * @param {boolean} [isQuiet] Whether nobody need be told when the reply is late.
   * @returns {Promise<Reply>} The reply, if it ever comes.
   */
  wish(what, isQuiet = false) {
    const id = ++this.#last;
    const timer = isQuiet ? 0 : setTimeout(() => this.#note(id, true), LATE_MS);
    return new Promise((resolve) => {
      this.#open.set(id, { resolve, timer });
      this.#send({ ...what, id });
    });
  }

  /** Where nobody hears any more, sending is an error. @param {Record<string, any>} wish */
  #send(wish) {
    try {
      this.#model.send(wish);
    } catch {
      this.hear({ id: wish.id, error: GONE_HINT });
    }
  }

  /** @param {Reply} reply */
  hear(reply) {
    const wish = this.#open.get(reply.id);
    if (!wish) return;
    this.#open.delete(reply.id);
    clearTimeout(wish.timer);
    this.#note(reply.id, false);
    wish.resolve(reply);
  }

  /** Forget every wish. */
  close() {
    for (const { timer } of this.#open.values()) clearTimeout(timer);
    this.#open.clear();
  }

  /** @param {number} id @param {boolean} isLate */
  #note(id, isLate) {
    const wasLate = this.#late.size > 0;
    isLate ? this.#late.add(id) : this.#late.delete(id);
    if (wasLate !== this.#late.size > 0) this.#tellLate(this.#late.size > 0);
  }
}

/* ----------------------------------------------------------------------------------------------------------- speech */

/** Says what happens to whoever cannot see it: politely, and at most one message in two seconds. */
class Speech {
  #region;
  #later;
  #spokeAt = -Infinity;
  #isWaiting = false;
  #reply = "";
  #progress = "";
  #heard = "";

  /** @param {Element} region @param {(work: () => void, ms: number) => void} later */
  constructor(region, later) {
    this.#region = region;
    this.#later = later;
  }

  /** Say how the run stands, unless it stands so already. @param {string} text */
  progress(text) {
    if (text === this.#heard) return;
    this.#heard = this.#progress = text;
    this.#schedule();
  }

  /** Say what became of a wish. @param {string} text */
  reply(text) {
    this.#reply = text;
    this.#schedule();
  }

  #schedule() {
    if (this.#isWaiting || !(this.#reply || this.#progress)) return;
    this.#isWaiting = true;
    this.#later(() => this.#speak(), Math.max(0, this.#spokeAt + SPEAK_EVERY_MS - performance.now()));
  }

  #speak() {
    this.#region.textContent = [this.#reply, this.#progress].filter(Boolean).join(" ");
    this.#reply = this.#progress = "";
    this.#isWaiting = false;
    this.#spokeAt = performance.now();
  }
}

/* -------------------------------------------------------------------------------------------------- head and status */

/** Make the name of the run, and beside it where it is kept, which model speaks, and what it has cost. */
function makeHead() {
  const name = make("strong", { class: "mars-name" });
  const origin = span("mars-origin");
  return { element: div("mars-head", name, origin), name, origin };
}

/** @param {View} view */
function paintHead({ head, live }) {
  write(head.name, live.name ?? "");
  const parts = [live.session && `session ${live.session}`, live.model && `model ${live.model}`, live.cost];
  write(head.origin, parts.filter(Boolean).join(" · "));
  set(head.origin, "title", live.place || false);
}

/** Make the line that says in a word, a glyph and figures how the run stands. */
function makeStatus() {
  const mark = span("mars-mark");
  const word = make("strong", { class: "mars-word" });
  const elapsed = make("span", { class: "mars-elapsed", title: "time at work" });
  const line = span("mars-figures");
  const pill = span("mars-pill", mark, word);
  return { element: div("mars-status", pill, elapsed, line), mark, word, elapsed, line };
}

/** @param {View} view */
function paintStatus({ status, shown, isPast }) {
  const state = STATES[shown.status] ?? "idle";
  if (status.element.dataset.state !== state) status.mark.replaceChildren(glyph(state));
  status.element.dataset.state = state;
  write(status.word, shown.word ?? "");
  write(status.elapsed, clockText(workedSeconds(shown, isPast)));
  write(status.line, shown.line ?? "");
}

/* --------------------------------------------------------------------------------------------------------- controls */

/** Make the buttons above the picture, with the two menus that hang on them. */
function makeControls() {
  const turn = button("Pause", "turn", { class: "mars-button mars-turn", "data-icon": "paused", icon: "paused" });
  const steps = [
    button("Step", "step", { "data-needs": "step", icon: "step", title: "One step, then pause" }),
    button("Stop", "stop", { "data-needs": "stop", icon: "stop", title: "End the run; what it has is kept" }),
  ];
  const checkpoints = makeCheckpoints();
  const present = button("Present", "present", { "aria-pressed": "false", title: "Picture and speaker only, larger" });
  const element = make(
    "div",
    { class: "mars-controls", role: "group", "aria-label": "Controls" },
    row(turn, ...steps, checkpoints.element),
    row(present, makeMore()),
  );
  return { element, turn, present, checkpoints };
}

/** Make something that hangs below a button. @param {Element} opener @param {string} name @param {...Node} inside */
function makeMenu(opener, name, ...inside) {
  setAll(opener, { "aria-expanded": "false", "aria-haspopup": "true" });
  const popup = make("div", { class: "mars-popup", role: "group", "aria-label": name, hidden: true }, ...inside);
  return div("mars-menu", opener, popup);
}

/** Make the menu of checkpoints: a field for a new one, and the list of those there are. */
function makeCheckpoints() {
  const name = field("input", "checkpoint", "Name of the checkpoint", { placeholder: "name" });
  const create = button("Create", "submit", { type: "submit", "data-needs": "checkpoint" });
  const form = make("form", { class: "mars-row", "data-form": "checkpoint" }, name, create);
  const list = make("ul", { class: "mars-list" });
  const opener = button("Checkpoint ▾", "menu", { "data-needs": "checkpoint" });
  return { element: makeMenu(opener, "Checkpoints", form, list), list, painted: "" };
}

/** @param {View} view */
function paintCheckpoints({ controls: { checkpoints }, live }) {
  const marks = Object.values(live.marks ?? {});
  const key = JSON.stringify(marks);
  if (key === checkpoints.painted) return;
  checkpoints.painted = key;
  checkpoints.list.replaceChildren(...marks.map(([name, seq]) => makeCheckpoint(name, seq)));
}

/** @param {string} name @param {number} seq */
function makeCheckpoint(name, seq) {
  const label = make("span", { class: "mars-grow", title: `seq ${seq}` }, name);
  const more = (action, spoken) => ({ "data-needs": action, "data-where": name, "aria-label": spoken });
  const restore = button("Restore", "restore", more("restore", `Restore ${name}`));
  return make("li", { class: "mars-row" }, label, restore, button("Fork…", "fork", more("fork", `Fork ${name}…`)));
}

/** Make the menu of everything that does nothing to the run. */
function makeMore() {
  const items = [
    button("Copy answer", "copy-answer"),
    button("Copy topology as cell", "copy-cell"),
    button("Save SVG", "save-svg"),
    button("Save PNG", "save-png"),
    button("Keyboard help", "help"),
  ];
  const menu = makeMenu(button("⋯ More", "menu"), "More", ...items);
  menu.classList.add("mars-right");
  return menu;
}

/** Say what the first button does now: pause, pause at once, or resume. @param {View} view */
function turnOf({ live: scene, canSteer }) {
  const has = (name) => scene.controls?.includes(name);
  const resume = { label: "Resume", icon: "running", needs: "resume", wish: { do: "resume" } };
  const pause = { label: "Pause", icon: "paused", needs: "pause", wish: { do: "pause" } };
  if (scene.status === "pausing" && canSteer) return { ...pause, label: "Pause now", wish: { do: "pause", now: true } };
  return has("resume") && !has("pause") ? resume : pause;
}

/** @param {View} view */
function paintControls(view) {
  const { turn } = view.controls;
  const now = turnOf(view);
  write(turn.lastElementChild, now.label);
  if (turn.dataset.icon !== now.icon) turn.firstElementChild.replaceWith(glyph(now.icon));
  setAll(turn, { "data-icon": now.icon, "data-needs": now.needs });
  for (const each of view.card.querySelectorAll("[data-needs]")) paintControl(view, each);
  for (const each of view.card.querySelectorAll("fieldset")) each.disabled = view.isPast || view.isAnswering;
}

/** Grey out what cannot be done now, take away what never can. @param {View} view @param {Element} control */
function paintControl(view, control) {
  const { needs, past, steers } = control.dataset;
  const isThere = view.live.controls?.includes(needs) ?? false;
  const isOver = view.live.status === "succeeded" || view.live.status === "cancelled";
  control.disabled = !isThere || (view.isPast && past === undefined);
  const isForLookers = (needs === "pause" && steers === undefined) || needs === "look";
  control.hidden = (isOver && !isThere) || (!view.canSteer && !isForLookers);
}

/* ----------------------------------------------------------------------------------------------------------- banner */

/** Make the place in which one of five situations is told. */
function makeBanner() {
  return { element: make("div", { class: "mars-banner", hidden: true }), painted: "" };
}

/**
 * What waits for somebody stands above the picture, what only tells something below it, so that pausing and going on
 * moves nothing. Texts are written into what stands there; it is made anew only for another situation or question.
 * @param {View} view
 */
function paintBanner(view) {
  const { banner } = view;
  const told = view.live.banner;
  const { text, next, line, kept, because, place_in_line, ...kind } = told ?? {};
  const key = told ? JSON.stringify([kind, view.putOff === askedBy(told), view.canSteer]) : "";
  if (key !== banner.painted) rebuildBanner(view, told);
  banner.painted = key;
  for (const slot of banner.element.querySelectorAll("[data-slot]")) writeSlot(slot, told);
}

/** @param {Element} slot @param {Scene} told */
function writeSlot(slot, told) {
  const text = told[slot.dataset.slot] ?? "";
  write(slot, text ? (slot.dataset.before ?? "") + text : "");
}

/** Tell one question from another. @param {Scene} told */
function askedBy(told) {
  return told.kind === "asking" ? JSON.stringify([told.agent, told.question, told.tool]) : "";
}

/** @param {View} view @param {Scene | undefined} told */
function rebuildBanner({ card, banner, stage, foot, putOff, canSteer }, told) {
  banner.element.hidden = !told;
  banner.element.replaceChildren();
  if (!told) return;
  const isPressing = told.kind === "asking" || told.kind === "failed";
  card.insertBefore(banner.element, isPressing ? stage.element : foot.element);
  banner.element.dataset.state = STATES[told.kind] ?? "idle";
  banner.element.append(makeTelling(told), ...makeDoing(told, putOff === askedBy(told), canSteer));
}

/** A place for one of the texts of a banner. @param {string} name @param {string} [before] */
function slot(name, before) {
  return make("span", { "data-slot": name, "data-before": before ?? false, class: `mars-told-${name}` });
}

/** @param {Scene} told */
function makeTelling(told) {
  const texts = [slot("text"), slot("place_in_line"), slot("kept")];
  texts.push(slot("because", "because "), slot("next", "next: "));
  const mark = span("mars-mark", glyph(STATES[told.kind]));
  const role = told.kind === "failed" ? "alert" : false;
  return make("div", { class: "mars-telling", role }, mark, make("div", {}, ...texts));
}

/** @param {Scene} told @param {boolean} isPutOff @param {boolean} canSteer */
function makeDoing(told, isPutOff, canSteer) {
  const line = command("", "line");
  if (told.kind === "asking" && canSteer) return isPutOff ? [makeLater(line)] : makeQuestion(told, line);
  if (told.kind === "asking") return [makeAsked(told), line];
  const buttons = { pausing: makePausing, paused: makePaused, failed: makeRemedies }[told.kind]?.(told) ?? [];
  return buttons.length || told.line ? [row(...buttons, line)] : [];
}

/** What can be done while running steps are waited for. */
function makePausing() {
  const title = "Do not wait for what is running; it is asked again";
  return [button("Pause now", "turn", { "data-needs": "pause", "data-steers": true, title })];
}

/** What can be done while nothing runs. */
function makePaused() {
  return [
    button("Resume", "resume", { "data-needs": "resume", class: "mars-button mars-first", icon: "running" }),
    button("Step", "step", { "data-needs": "step", icon: "step" }),
    button("Stop", "stop", { "data-needs": "stop", icon: "stop" }),
    button("Fork here…", "fork", { "data-needs": "fork" }),
  ];
}

/** @param {Scene} told */
function makeRemedies(told) {
  return (told.actions ?? []).map(({ label, do: action, rule, step }) => {
    const needs = action === "detail" ? "look" : action;
    const more = { "data-needs": needs, "data-past": needs === "look", "data-rule": rule, "data-step": step };
    return button(label, action === "detail" ? "detail" : "resume", more);
  });
}

/** @param {Element} line */
function makeLater(line) {
  return row(button("Answer…", "now", { class: "mars-button mars-first" }), line);
}

/** Show the question, and folded what led to it. @param {Scene} told */
function makeAsked(told) {
  const who = span("mars-offstage", `${told.agent} asks:`);
  const asked = make("div", { class: "mars-asked", role: "alert" }, who, folded(told.question ?? "", "mars-question"));
  const { name, arguments: json = "" } = told.tool ?? {};
  if (told.tool) asked.append(div("mars-tool", make("strong", {}, name), folded(json, "mars-text")));
  if (!told.had_read) return asked;
  const summary = make("summary", {}, `what ${told.agent} had read`);
  return make("div", {}, asked, make("details", {}, summary, folded(told.had_read, "mars-text")));
}

/** @param {Scene} told @param {Element} line */
function makeQuestion(told, line) {
  const form = told.tool ? makeApproval(told) : makeAnswer(told);
  return [makeAsked(told), make("form", { "data-form": "answer" }, form), line];
}

/** @param {Scene} told */
function makeAnswer(told) {
  const text = field("textarea", "answer", `Answer to ${told.agent}`, { rows: 2, placeholder: "your answer …" });
  const send = button("Send", "submit", { type: "submit", class: "mars-button mars-first", title: "Ctrl-Enter" });
  const others = [button("Empty answer", "answer-empty"), button("Later", "put-off")];
  return make("fieldset", {}, text, row(send, ...others));
}

/** Make the form for a tool's approval; one field serves other arguments, and why not. @param {Scene} told */
function makeApproval(told) {
  const more = { rows: 3, hidden: true, "data-arguments": told.tool.arguments ?? "" };
  const text = field("textarea", "answer", "Arguments", more);
  const send = button("Send", "submit", { type: "submit", hidden: true, class: "mars-button mars-first mars-send" });
  const verdicts = [
    button("Approve", "approve", { class: "mars-button mars-first" }),
    button("Edit arguments", "verdict", { "data-verdict": "edit", "aria-expanded": "false" }),
    button("Refuse…", "verdict", { "data-verdict": "refuse", "aria-expanded": "false" }),
    button("Later", "put-off"),
  ];
  return make("fieldset", {}, text, send, row(...verdicts));
}

/** Open the field of a tool's form for other arguments, or for why not. @param {Element} pressed */
function openVerdict(pressed) {
  const form = pressed.closest("form");
  const { answer } = form.elements;
  const isEdit = pressed.dataset.verdict === "edit";
  form.dataset.verdict = pressed.dataset.verdict;
  for (const each of form.querySelectorAll("[data-verdict]")) set(each, "aria-expanded", each === pressed);
  answer.hidden = form.querySelector(".mars-send").hidden = false;
  answer.value = isEdit ? answer.dataset.arguments : "";
  setAll(answer, { "aria-label": isEdit ? "Arguments, as JSON" : "Reason", placeholder: isEdit ? "" : "reason …" });
  write(form.querySelector(".mars-send span"), isEdit ? "Approve these arguments" : "Refuse");
  answer.focus();
}

/* ------------------------------------------------------------------------------------------------------------ stage */

/** Make the place of the picture. */
function makeStage() {
  return { element: div("mars-stage"), drawn: "", svg: null, current: "", ...emptyDrawing() };
}

/** What is known of a drawing that was not yet looked at. */
function emptyDrawing() {
  return { boxes: new Map(), links: new Map(), painted: new Map(), turns: "", places: null };
}

/** Put up the drawing; its boxes are buttons behind one tab stop. @param {View} view */
function putUpDrawing({ stage, drawing, live }) {
  stage.drawn = drawing;
  const svg = parsed(drawing);
  if (!svg) return;
  svg.querySelector(":scope > title")?.remove();
  setAll(svg, { role: "group", "aria-label": `Picture of ${live.name ?? "the run"}` });
  stage.element.style.setProperty("--mars-width", `${svg.getAttribute("width")}px`);
  stage.element.replaceChildren(svg);
  const edges = [...svg.querySelectorAll("[data-source]")];
  edges.forEach((edge) => readyEdge(edge, edges.length < MANY_EDGES));
  Object.assign(stage, emptyDrawing(), { svg, boxes: boxesOf(svg), links: linksOf(edges) });
  stage.boxes.forEach(readyBox);
  makeCurrent(stage, stage.boxes.has(stage.current) ? stage.current : "0");
}

/** Let an edge be clicked although it is thin. @param {Element} edge @param {boolean} isFew */
function readyEdge(edge, isFew) {
  set(edge, "aria-hidden", "true");
  const line = edge.querySelector('[data-part="line"]');
  if (line && isFew) edge.append(draw("path", { "data-part": "hit", d: line.getAttribute("d"), fill: "none" }));
}

/** Make a box a button that says what its title says. @param {Element} box */
function readyBox(box) {
  setAll(box, { role: "button", "aria-label": box.querySelector("title")?.textContent ?? "" });
  if (!box.hasAttribute("tabindex")) set(box, "tabindex", -1);
}

/** Find who is linked with whom. @param {Element[]} edges @returns {Map<string, Set<string>>} */
function linksOf(edges) {
  const links = new Map();
  const link = (a, b) => links.set(a, (links.get(a) ?? new Set()).add(b));
  for (const { dataset } of edges) link(dataset.source, dataset.target), link(dataset.target, dataset.source);
  return links;
}

/** Repaint the boxes whose markup is another one, on another drawing if need be. @param {View} view */
function paintStage(view) {
  const { stage, shown } = view;
  if (stage.drawn !== view.drawing) putUpDrawing(view);
  if (!stage.svg) return;
  const changed = Object.entries(shown.nodes ?? {}).filter(([i, markup]) => stage.painted.get(i) !== markup);
  if (changed.length) repaintBoxes(stage.boxes, changed.map(([, markup]) => markup)).forEach(readyBox);
  changed.forEach(([i, markup]) => stage.painted.set(i, markup));
  if (shown.turns && shown.turns !== stage.turns) repaintTurns(stage.svg, shown.turns);
  stage.turns = shown.turns ?? stage.turns;
}

/** Make one box the tab stop. @param {View["stage"]} stage @param {string} i */
function makeCurrent(stage, i) {
  stage.boxes.get(stage.current)?.setAttribute("tabindex", "-1");
  stage.boxes.get(i)?.setAttribute("tabindex", "0");
  stage.current = i;
}

/** Give the middle of every box. @param {View["stage"]} stage */
function placesOf(stage) {
  stage.places ??= [...stage.boxes].map(([i, box]) => {
    const { x, y, width, height } = box.querySelector('[data-part="box"]').getBBox();
    return { i, name: box.dataset.node, x: x + width / 2, y: y + height / 2 };
  });
  return stage.places;
}

/**
 * Find the box to which an arrow key leads: along an edge in the direction of reading, else to a neighbour in the
 * layer.
 * @param {View["stage"]} stage
 * @param {string} key
 */
function neighbour(stage, key) {
  const places = placesOf(stage);
  if (key === "Home" || key === "End") return places.at(key === "Home" ? 0 : -1)?.i;
  const [axis, sign] = { ArrowRight: ["x", 1], ArrowLeft: ["x", -1], ArrowDown: ["y", 1], ArrowUp: ["y", -1] }[key];
  const along = stage.svg.dataset.flow === "down" ? "y" : "x";
  const here = places.find(({ i }) => i === stage.current);
  const ahead = places.filter((each) => (each[axis] - here[axis]) * sign > 1);
  const linked = ahead.filter(({ name }) => stage.links.get(here.name)?.has(name));
  const beside = ahead.filter((each) => Math.abs(each[along] - here[along]) < 1);
  const choice = axis !== along ? beside : linked.length ? linked : ahead;
  const distance = (each) => Math.abs(each.x - here.x) + Math.abs(each.y - here.y);
  return choice.sort((a, b) => distance(a) - distance(b))[0]?.i;
}

/* ---------------------------------------------------------------------------------------------------------- speaker */

/** Make the three lines of whoever spoke last. */
function makeSpeaker() {
  const who = span("mars-who");
  const said = div("mars-said");
  return { element: div("mars-speaker", who, div("mars-lines", said)), who, said };
}

/** @param {View} view */
function paintSpeaker({ speaker, shown, isPast }) {
  const { agent = "", step = "", since_s = 0, text = "", is_live = false } = shown.speaker ?? {};
  const isLive = is_live && !isPast;
  const since = is_live ? clockText(workedSeconds(shown, isPast) - since_s) : "";
  write(speaker.who, [agent, step, since].filter(Boolean).join(" · "));
  write(speaker.said, text);
  set(speaker.element, "data-live", isLive);
}

/* ----------------------------------------------------------------------------------------------- chart and scrubber */

/** Make the small chart of steps with the scrubber below it. @param {string} id */
function makeChart(id) {
  const bars = draw("svg", { class: "mars-bars", role: "img", width: "100%", height: CHART_PX + LABEL_PX });
  const looks = { "data-needs": "look", "data-past": true };
  const scale = { min: 1, max: 1, list: id, "aria-label": "Look at the run as it was at an event" };
  const range = make("input", { type: "range", class: "mars-range", ...scale, ...looks });
  const marks = make("datalist", { id });
  const where = span("mars-where mars-grow");
  const notice = make(
    "div",
    { class: "mars-row mars-notice" },
    where,
    button("Back to live", "live", { class: "mars-button mars-first mars-only-past" }),
    button("Fork here…", "fork", { "data-needs": "fork", "data-past": true, class: "mars-button mars-only-past" }),
  );
  const back = button("", "earlier", { icon: "back", "aria-label": "One event earlier", ...looks });
  const live = button("live", "live", { class: "mars-button mars-live-button", "aria-pressed": "true" });
  const scrub = div("mars-scrub", back, range, marks, live);
  const element = div("mars-chart", bars, div("mars-under", notice, scrub));
  const painted = { painted: new Map(), drawn: new Map(), axis: "", marked: "" };
  return { element, bars, range, marks, where, live, ...painted };
}

/** Give the end of the axis: what has been worked, and while the run goes on some room. @param {Scene} live */
function axisEnd(live) {
  const worked = workedSeconds(live, false);
  if (!live.clock?.runs) return Math.max(worked, 0.01);
  return 5 * 1.4 ** Math.max(0, Math.ceil(Math.log(worked / 5) / Math.log(1.4)));
}

/** @param {View} view */
function paintChart(view) {
  const { chart, shown, live, isPast } = view;
  const end = axisEnd(live);
  const now = workedSeconds(shown, isPast);
  const pitch = Math.min(LANE_PX, CHART_PX / Math.max(1, live.n_lanes ?? 1));
  const bars = shown.bars ?? {};
  for (const [i, bar] of Object.entries(bars)) paintBar(chart, i, bar, { end, now, pitch });
  for (const i of [...chart.drawn.keys()].filter((each) => !(each in bars))) removeBar(chart, i);
  paintAxis(chart, end, isPast ? now : -1);
  set(chart.bars, "aria-label", `Chart of ${Object.keys(bars).length} steps over ${clockText(now)}`);
}

/** @param {View["chart"]} chart @param {string} i @param {any[]} bar @param {Record<string, number>} scale */
function paintBar(chart, i, bar, { end, now, pitch }) {
  const [lane, start, stop, state, agent, step] = bar;
  const until = stop < 0 ? Math.max(now, start) : stop;
  const key = [...bar, until.toFixed(1), end, pitch].join("\n");
  if (chart.painted.get(i) === key) return;
  chart.painted.set(i, key);
  const width = Math.max(LEAST_BAR_PERCENT, ((until - start) / end) * 100);
  const drawn = chart.drawn.get(i) ?? addBar(chart, i);
  const across = { x: `${Math.min((start / end) * 100, 100 - width)}%`, width: `${width}%` };
  const down = { y: lane * pitch + 1, height: Math.max(2, pitch - 3) };
  setAll(drawn, { "data-state": state, "data-step": step, ...across, ...down });
  write(drawn.querySelector("title"), `${agent} · ${step} · ${state} · ${clockText(until - start)}`);
  write(drawn.querySelector("text"), pitch >= LABEL_PX && width > 3.5 ? agent : "");
}

/** @param {View["chart"]} chart @param {string} i */
function addBar(chart, i) {
  const [rect, text] = [draw("rect", { width: "100%", height: "100%" }), draw("text", { x: 5, y: 11 })];
  const bar = draw("svg", { "data-bar": i }, draw("title"), rect, text);
  chart.bars.append(bar);
  chart.drawn.set(i, bar);
  return bar;
}

/** @param {View["chart"]} chart @param {string} i */
function removeBar(chart, i) {
  chart.drawn.get(i).remove();
  chart.drawn.delete(i);
  chart.painted.delete(i);
}

/**
 * Write the times below the bars, and mark the moment that is looked at.
 * @param {View["chart"]} chart
 * @param {number} end
 * @param {number} moment In seconds; -1 for the present.
 */
function paintAxis(chart, end, moment) {
  const key = `${end}|${moment}`;
  if (key === chart.axis) return;
  chart.axis = key;
  const each = TICKS_S.find((s) => end / s <= 6) ?? end;
  const times = Array.from({ length: Math.floor((end / each) * 0.93) + 1 }, (_, i) => i * each);
  const label = (s) => (each < 1 ? `${Number(s.toFixed(2))} s` : clockText(s));
  const at = (s) => `${(s / end) * 100}%`;
  const ticks = times.map((s) => draw("text", { x: at(s), y: CHART_PX + LABEL_PX - 3 }, label(s)));
  const line = moment < 0 ? [] : [draw("line", { x1: at(moment), x2: at(moment), y1: 0, y2: CHART_PX + 2 })];
  chart.bars.querySelector(".mars-axis")?.remove();
  chart.bars.prepend(draw("g", { class: "mars-axis" }, ...ticks, ...line));
}

/** @param {View} view */
function paintScrubber({ chart, live, past, isPast }) {
  const seq = Math.max(1, live.seq ?? 1);
  set(chart.range, "max", seq);
  const value = String(isPast ? past.seq : seq);
  if (chart.range.value !== value) chart.range.value = value;
  set(chart.range, "aria-valuetext", `event ${value} of ${seq}`);
  const hidden = live.hidden_bars ? ` · ${live.hidden_bars.toLocaleString("en")} earlier steps are not drawn` : "";
  write(chart.where, isPast ? `viewing seq ${past.seq} of ${seq}` : `seq ${seq}${hidden}`);
  set(chart.live, "aria-pressed", !isPast ? "true" : "false");
  paintMarks(chart, Object.values(live.marks ?? {}));
}

/** Mark the checkpoints on the scrubber. @param {View["chart"]} chart @param {[string, number][]} marks */
function paintMarks(chart, marks) {
  const key = JSON.stringify(marks);
  if (key === chart.marked) return;
  chart.marked = key;
  chart.marks.replaceChildren(...marks.map(([name, seq]) => make("option", { value: seq, label: name })));
}

/* ------------------------------------------------------------------------------------------------------------ panel */

/** Make the place in which one thing is looked at closely. */
function makePanel() {
  const title = make("strong", { class: "mars-grow", role: "heading", "aria-level": 3, tabindex: -1 });
  const close = button("✕", "close", { class: "mars-button mars-close", "aria-label": "Close" });
  const inside = div("mars-inside");
  const element = make("div", { class: "mars-panel", role: "region", "aria-label": "Details", hidden: true });
  element.append(row(title, close), inside);
  return { element, title, inside, target: null, opener: null, painted: "", isAsking: false, markup: "" };
}

/**
 * Open the panel and ask for what is in it.
 * @param {View} view
 * @param {Record<string, any>} target What the wish `detail` names.
 * @param {Element | null} opener Who gets the focus when it is closed.
 */
function openPanel(view, target, opener) {
  const { panel } = view;
  Object.assign(panel, { target, opener, painted: "" });
  panel.markup = markupOf(view);
  panel.element.hidden = false;
  set(panel.element, "data-help", target.help);
  write(panel.title, target.node ?? target.step ?? `${target.source} → ${target.target}`);
  panel.inside.replaceChildren();
  if (target.help) paintDetail(view, { title: "Keys", facts: KEYS });
  else askDetail(view, false);
  panel.title.focus({ preventScroll: true });
  panel.element.scrollIntoView({ block: "nearest" });
}

/** @param {View} view */
function closePanel({ panel, stage }) {
  panel.element.hidden = true;
  panel.target = null;
  const again = panel.opener?.isConnected ? panel.opener : stage.boxes.get(stage.current);
  again?.focus?.({ preventScroll: true });
}

/** Ask for what the panel shows, at the moment that is looked at. @param {View} view @param {boolean} isQuiet */
async function askDetail(view, isQuiet) {
  const { panel } = view;
  const { target } = panel;
  panel.isAsking = true;
  const reply = await view.desk.wish({ do: "detail", ...target, ...(view.isPast && { seq: view.past.seq }) }, isQuiet);
  panel.isAsking = false;
  if (panel.target !== target) return;
  if (reply.detail) paintDetail(view, reply.detail);
  if (!isQuiet && (reply.error || reply.line)) view.tell(reply);
}

/** Ask again when the box of what is shown has changed, or another moment is looked at. @param {View} view */
function refreshPanel(view) {
  const { panel } = view;
  if (!panel.target || panel.target.help || panel.isAsking || markupOf(view) === panel.markup) return;
  panel.markup = markupOf(view);
  askDetail(view, true);
}

/** Tell whether what the panel shows may have changed. @param {View} view */
function markupOf({ panel, stage, shown, past }) {
  const mine = [...stage.boxes].filter(([, box]) => box.dataset.node === panel.target?.node);
  return [past?.seq ?? "", ...mine.map(([i]) => shown.nodes?.[i] ?? "")].join("\n");
}

/** @param {View} view @param {Scene} detail */
function paintDetail({ panel, stage }, detail) {
  const key = JSON.stringify(detail);
  if (key === panel.painted) return;
  panel.painted = key;
  const wasOpen = [...panel.inside.querySelectorAll(".mars-visit")].map((each) => each.open);
  const isOpen = (i, n) => (wasOpen.includes(true) ? wasOpen[i] === true : i === n - 1);
  const top = panel.element.scrollTop;
  const visits = (detail.visits ?? []).map((visit, i, { length }) => makeVisit(visit, isOpen(i, length)));
  write(panel.title, detail.title ?? "");
  const parts = [makeWaits(detail.waits), makeFacts(detail.facts ?? []), makeEdges(stage, panel.target?.node)];
  panel.inside.replaceChildren(...parts.filter(Boolean), ...visits);
  panel.element.scrollTop = top;
}

/** @param {{arrived: string[], awaited: string[]} | undefined} waits */
function makeWaits(waits) {
  if (!waits) return null;
  const chip = (name, state) => make("span", { class: "mars-chip", "data-state": state }, glyph(state), name);
  const list = (names, state) => (names?.length ? names.map((name) => chip(name, state)) : ["nobody"]);
  return row("arrived: ", ...list(waits.arrived, "done"), " awaited: ", ...list(waits.awaited, "waiting"));
}

/** @param {[string, string][]} facts */
function makeFacts(facts) {
  const rows = facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)));
  return make("dl", { class: "mars-facts" }, ...rows);
}

/** Offer the edges of an agent to whoever has no mouse. @param {View["stage"]} stage @param {string} [node] */
function makeEdges(stage, node) {
  const isHere = ({ dataset }) => dataset.source === node || dataset.target === node;
  const edges = [...(stage.svg?.querySelectorAll("[data-source]") ?? [])].filter(isHere);
  if (!node || !edges.length) return null;
  const buttons = edges.slice(0, 12).map((edge) => {
    const { source, target } = edge.dataset;
    const label = edge.querySelector("title")?.textContent ?? `${source} → ${target}`;
    return button(label, "edge", { "data-from": source, "data-to": target });
  });
  return row(span("mars-soft", "messages"), ...buttons);
}

/** @param {Scene} visit @param {boolean} isOpen */
function makeVisit({ title, state, parts = [] }, isOpen) {
  const summary = make("summary", { "data-state": state }, span("mars-mark", glyph(state)), title);
  const texts = parts.map(([name, text]) => div("mars-part", div("mars-soft", name), div("mars-text", text)));
  return make("details", { class: "mars-visit", open: isOpen }, summary, ...texts);
}

/* -------------------------------------------------------------------------------------------------------- fork form */

/** Make the place of the form that forks. */
function makeForking() {
  return { element: make("div", { class: "mars-forking", hidden: true }), where: "", opener: null };
}

/** Open the form. @param {View} view @param {string | number} where A seq or a checkpoint. @param {Element} opener */
function openFork(view, where, opener) {
  const { forking, live } = view;
  closeMenus(view);
  const value = `${live.name ?? "run"}_fork`;
  const name = field("input", "as", "Name of the new run", { value, required: true });
  const edit = field("textarea", "edit", "What this step replied instead", { rows: 2 });
  const place = typeof where === "number" ? `seq ${where}` : where;
  const create = button("Create", "submit", { type: "submit", class: "mars-button mars-first" });
  const form = make(
    "form",
    { "data-form": "fork" },
    row(make("label", { class: "mars-row" }, `Fork at ${place} as `, name), create, button("Cancel", "cancel")),
    make("details", {}, make("summary", {}, "what this step replied instead"), edit),
  );
  forking.element.replaceChildren(form);
  forking.element.hidden = false;
  Object.assign(forking, { where, opener });
  name.focus();
  name.select();
}

/** @param {View} view */
function closeFork({ forking }) {
  forking.element.hidden = true;
  forking.element.replaceChildren();
  forking.opener?.focus?.({ preventScroll: true });
}

/* ------------------------------------------------------------------------------------------------------------- foot */

/** Make the line that says what became of a wish, and which command does the same. */
function makeFoot() {
  const said = make("span", { class: "mars-grow", "data-kind": "tip" }, TIP);
  const line = command("");
  line.hidden = true;
  return { element: div("mars-row mars-foot", said, line), said, line, reply: {}, hint: "" };
}

/** @param {View} view */
function paintFoot({ foot }) {
  const { error, text, line } = foot.reply;
  const kind = foot.hint ? "hint" : error ? "error" : text || line ? "text" : "tip";
  write(foot.said, foot.hint || error || text || (line ? SAME : TIP));
  foot.said.dataset.kind = kind;
  write(foot.line.firstElementChild, line ?? "");
  foot.line.hidden = !line || foot.hint !== "";
}

/* ------------------------------------------------------------------------------------------------------------- past */

/** Look at the run as it was at an event; at the last one it is the present. @param {View} view @param {number} seq */
function lookAt(view, seq) {
  const { live } = view;
  if (seq >= live.seq) return backToLive(view);
  view.past = { scene: null, ...view.past, seq: Math.max(1, seq) };
  view.schedule();
  askPast(view);
}

/**
 * Ask for the scene of the moment, one wish at a time: the latest wins, and a reply to an earlier one is not shown.
 * A wish that is not answered soon holds up nobody.
 * @param {View} view
 */
async function askPast(view) {
  const { looking } = view;
  if (looking.isBusy) return;
  const { seq } = view.past;
  const turn = ++looking.turn;
  const isLatest = () => turn === looking.turn && view.isPast;
  const goOn = () => {
    looking.isBusy = false;
    if (view.past.seq !== seq) askPast(view);
  };
  looking.isBusy = true;
  view.later(() => isLatest() && looking.isBusy && goOn(), LOOK_AGAIN_MS);
  const reply = await view.desk.wish({ do: "look", seq });
  if (!isLatest()) return;
  if (reply.scene) Object.assign(view.past, { scene: reply.scene, svg: reply.svg });
  if (reply.error || reply.line) view.tell(reply);
  view.schedule();
  goOn();
}

/** @param {View} view */
function backToLive(view) {
  view.past = null;
  view.looking = { turn: view.looking.turn + 1, isBusy: false };
  view.schedule();
}

/* ---------------------------------------------------------------------------------------------------------- actions */

/**
 * What a button does, by its `data-do`. The opener gets the focus back; it is the menu's if the button is in one.
 * @type {Record<string, (view: View, pressed: Element, opener: Element) => any>}
 */
const ACTIONS = {
  turn: (view) => view.act(turnOf(view).wish),
  resume: (view, { dataset }) => view.act({ do: "resume", ...(dataset.rule && { rule: dataset.rule }) }),
  step: (view) => view.act({ do: "step" }),
  stop: (view) => view.act({ do: "stop" }),
  restore: (view, { dataset }) => view.act({ do: "restore", where: dataset.where }),
  fork: (view, { dataset }, opener) => openFork(view, dataset.where ?? view.past?.seq ?? view.live.seq, opener),
  cancel: (view) => closeFork(view),
  "answer-empty": (view) => answer(view, { text: "" }),
  approve: (view) => answer(view, { verdict: "approve", text: "" }),
  verdict: (_view, pressed) => openVerdict(pressed),
  "put-off": (view) => putOff(view, askedBy(view.live.banner)),
  now: (view) => putOff(view, null),
  live: (view) => backToLive(view),
  earlier: (view) => lookAt(view, (view.past?.seq ?? view.live.seq) - 1),
  detail: (view, pressed) => openPanel(view, { step: pressed.dataset.step }, pressed),
  edge: (view, { dataset }) => openPanel(view, { source: dataset.from, target: dataset.to }, view.panel.opener),
  help: (view, _pressed, opener) => openPanel(view, { help: true }, opener),
  close: (view) => closePanel(view),
  menu: (view, pressed) => openMenu(view, pressed),
  present: (view) => present(view),
  copy: (view, pressed) => copy(view, pressed.previousElementSibling.textContent, pressed),
  "copy-answer": async (view) => copyAnswer(view, await view.desk.wish({ do: "text" })),
  "copy-cell": (view) => copy(view, view.model.get("cell") ?? ""),
  "save-svg": (view) => save(`${view.live.name}.svg`, new Blob([savedPicture(view)], { type: "image/svg+xml" })),
  "save-png": async (view) => save(`${view.live.name}.png`, await rastered(savedPicture(view))),
};

/** What a form does when it is sent, by its `data-form`. @type {Record<string, (view: View, form: any) => any>} */
const FORMS = {
  async checkpoint(view, form) {
    const reply = await view.act({ do: "checkpoint", name: form.elements.checkpoint.value.trim() });
    if (!reply.error) form.reset();
  },
  async fork(view, form) {
    const { as, edit } = form.elements;
    const wish = { do: "fork", where: view.forking.where, as: as.value.trim() };
    const reply = await view.act(edit.value ? { ...wish, edit: edit.value } : wish);
    if (!reply.error && form.isConnected) closeFork(view);
  },
  answer(view, form) {
    const { verdict } = form.dataset;
    const text = form.elements.answer.value;
    if (verdict === "edit" && !isJson(text)) return view.tell({ error: NO_JSON });
    return answer(view, { text, ...(verdict && { verdict }) });
  },
};

/** @param {string} text */
function isJson(text) {
  try {
    return [JSON.parse(text)].length > 0;
  } catch {
    return false;
  }
}

/**
 * Send an answer; until its reply comes, or is late, it cannot be sent again.
 * @param {View} view
 * @param {Record<string, any>} said
 */
async function answer(view, said) {
  const free = () => ((view.isAnswering = false), view.schedule());
  view.isAnswering = true;
  view.schedule();
  view.later(free, LATE_MS);
  const reply = await view.act({ do: "answer", ...said });
  if (!reply.error) view.banner.element.querySelector("form")?.reset();
  free();
}

/** Put a question off, or take it up again. @param {View} view @param {string | null} question */
function putOff(view, question) {
  view.putOff = question;
  paintBanner(view);
  view.schedule();
  view.banner.element.querySelector("textarea:not([hidden]), button")?.focus();
}

/** @param {View} view @param {string} text @param {Element} [pressed] */
async function copy(view, text, pressed) {
  const isDone = await copied(text);
  if (!pressed) return view.tell(isDone ? { text: "copied" } : { error: "The browser did not let this page copy." });
  pressed.textContent = isDone ? "copied" : "not copied";
  view.later(() => (pressed.textContent = "copy"), COPIED_MS);
}

/** @param {View} view @param {Reply} reply */
function copyAnswer(view, reply) {
  return reply.error ? view.tell(reply) : copy(view, reply.text ?? "");
}

/** Open a menu, or close it. @param {View} view @param {Element} opener */
function openMenu(view, opener) {
  const isOpen = opener.getAttribute("aria-expanded") === "true";
  closeMenus(view);
  if (isOpen) return;
  set(opener, "aria-expanded", "true");
  opener.nextElementSibling.hidden = false;
  opener.nextElementSibling.querySelector("input, button:not(:disabled)")?.focus();
}

/** @param {View} view @returns {Element | undefined} The one that was open. */
function closeMenus({ card }) {
  const opener = card.querySelector('.mars-menu > [aria-expanded="true"]');
  if (!opener) return undefined;
  set(opener, "aria-expanded", "false");
  opener.nextElementSibling.hidden = true;
  return opener;
}

/** Show picture and speaker alone and larger, on the whole screen if that is allowed; or leave. @param {View} view */
function present(view) {
  const { card, controls } = view;
  const isOn = card.toggleAttribute("data-present");
  set(controls.present, "aria-pressed", String(isOn));
  write(controls.present.lastElementChild, isOn ? "Leave" : "Present");
  if (isOn) card.requestFullscreen?.().catch(() => {});
  else if (document.fullscreenElement === card) document.exitFullscreen();
}

/* ------------------------------------------------------------------------------------------------------------- keys */

/** @param {Element} element */
function isField(element) {
  return element.matches("textarea, select, input:not([type=range])");
}

/** Find what a key does here, if it does anything. @param {View} view @param {KeyboardEvent} event */
function keyAction(view, { key, target, ctrlKey, metaKey, altKey }) {
  if (key === "Escape") return closing(view);
  if (key === "Enter" && (ctrlKey || metaKey) && target.name === "answer") return () => target.form.requestSubmit();
  if (ctrlKey || metaKey || altKey || isField(target)) return null;
  const box = target.closest("[data-box]");
  if (box && key === "Enter") return () => openPanel(view, { node: box.dataset.node }, box);
  if (box && /^(Arrow|Home$|End$)/.test(key)) return () => goTo(view.stage, neighbour(view.stage, key));
  if (key === " " && !target.closest("button, summary")) return () => press(view.controls.turn);
  if (key === ".") return () => press(view.card.querySelector('.mars-controls [data-do="step"]'));
  if (key === "?") return () => openPanel(view, { help: true }, target);
  return null;
}

/** Press a button as a click does, if it is there. @param {any} button */
function press(button) {
  if (!button.hidden && !button.disabled) button.click();
}

/** @param {View["stage"]} stage @param {string | undefined} i */
function goTo(stage, i) {
  if (i === undefined) return;
  makeCurrent(stage, i);
  stage.boxes.get(i).focus();
}

/** Find what Esc closes: what was opened last. @param {View} view */
function closing(view) {
  const { card, forking, panel } = view;
  if (card.querySelector('.mars-menu > [aria-expanded="true"]')) return () => closeMenus(view).focus();
  if (!forking.element.hidden) return () => closeFork(view);
  if (!panel.element.hidden) return () => closePanel(view);
  if (card.hasAttribute("data-present")) return () => present(view);
  return view.isPast ? () => backToLive(view) : null;
}

/* --------------------------------------------------------------------------------------------------------- the twin */

/**
 * Hide the static picture in the output before this one while the view is there; it is for notebooks that were saved.
 * It may be put up, or put up anew, a moment later.
 * @param {Element} el
 * @param {AbortSignal} signal
 */
function hideTwin(el, signal) {
  let twin = null;
  let frame = 0;
  const observer = new MutationObserver(() => search(N_TWIN_FRAMES));
  const search = (n) => {
    cancelAnimationFrame(frame);
    const output = el.closest(".jp-OutputArea-child");
    if (output) observer.observe(output.parentElement, { childList: true });
    const before = output?.previousElementSibling;
    if (before && isPicture(before)) before.style.display = "none";
    if (before && isPicture(before)) twin = before;
    else if (n > 0) frame = requestAnimationFrame(() => search(n - 1));
  };
  search(N_TWIN_FRAMES);
  signal.addEventListener("abort", () => {
    cancelAnimationFrame(frame);
    observer.disconnect();
    twin?.style.removeProperty("display");
  });
}

/** @param {Element} output */
function isPicture(output) {
  return output.querySelector(".jp-RenderedSVG, svg, img") !== null && output.querySelector(".mars-live") === null;
}

/* --------------------------------------------------------------------------------------------------------- the view */

/** What is painted, in this order: a control is greyed out after whatever it stands in has been made. */
const PAINTED = [
  ...[paintHead, paintStatus, paintCheckpoints, paintBanner, paintControls, paintStage, paintSpeaker],
  ...[paintChart, paintScrubber, refreshPanel, paintFoot],
];

/** One view of a model: what it shows, and whoever paints and hears it. */
class View {
  past = null;
  looking = { turn: 0, isBusy: false };
  putOff = null;
  isAnswering = false;
  isGone = false;
  #life = new AbortController();
  #timers = new Set();
  #frame = 0;
  #tick = 0;

  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.head = makeHead();
    this.status = makeStatus();
    this.controls = makeControls();
    this.banner = makeBanner();
    this.stage = makeStage();
    this.speaker = makeSpeaker();
    this.chart = makeChart(`mars-marks-${crypto.getRandomValues(new Uint32Array(1))[0]}`);
    this.panel = makePanel();
    this.forking = makeForking();
    this.foot = makeFoot();
    const aloud = make("div", { class: "mars-offstage", role: "status", "aria-live": "polite" });
    const upper = [this.head, this.status, this.controls, this.stage, this.speaker, this.chart];
    const parts = [...upper, this.forking, this.panel, this.banner, this.foot].map(({ element }) => element);
    this.card = make("section", { class: "mars-live", tabindex: -1 }, aloud, ...parts);
    this.speech = new Speech(aloud, (work, ms) => this.later(work, ms));
    this.desk = new Desk(model, (isLate) => this.hint(isLate));
    el.append(this.card);
    this.#listen(el);
    this.paint();
    this.desk.wish({ do: "hello" }, true);
  }

  /** The scene as it is. @returns {Scene} */
  get live() {
    const scene = this.model.get("scene") ?? {};
    return this.isGone ? abandoned(scene) : scene;
  }

  /** The scene that is looked at. @returns {Scene} */
  get shown() {
    return this.past?.scene ?? this.live;
  }

  /** The drawing that is looked at: that of then, where it was another one. @returns {string} */
  get drawing() {
    return this.past?.svg ?? this.model.get("svg") ?? "";
  }

  get isPast() {
    return this.past !== null;
  }

  get canSteer() {
    return this.model.get("can_steer") !== false;
  }

  /** Send a wish, and tell what became of it. @param {Record<string, any>} wish @returns {Promise<Reply>} */
  async act(wish) {
    closeMenus(this);
    const reply = await this.desk.wish(wish);
    this.tell(reply);
    return reply;
  }

  /** @param {Reply} reply */
  tell(reply) {
    this.foot.reply = reply;
    this.speech.reply(reply.error ?? reply.text ?? "");
    this.schedule();
  }

  /** @param {boolean} isLate */
  hint(isLate) {
    this.foot.hint = isLate ? HINTS[this.live.status] ?? GONE_HINT : "";
    this.speech.reply(this.foot.hint);
    this.schedule();
  }

  /** Do something later, unless the view is gone by then. @param {() => void} work @param {number} ms */
  later(work, ms) {
    const timer = setTimeout(() => (this.#timers.delete(timer), work()), ms);
    this.#timers.add(timer);
  }

  /** Paint in the next frame: many changes, one painting. */
  schedule() {
    this.#frame ||= requestAnimationFrame(() => this.paint());
  }

  /** Paint what is not yet as it should be. */
  paint() {
    this.#frame = 0;
    const { isPast, isGone } = this;
    setAll(this.card, { "aria-label": `Run ${this.live.name ?? ""}`, "data-past": isPast, "data-gone": isGone });
    for (const paintPart of PAINTED) paintPart(this);
    this.speech.progress(isPast ? `Viewing event ${this.past.seq} of ${this.live.seq}.` : this.live.spoken ?? "");
    this.#keepTime();
  }

  /** Take everything away again. */
  close() {
    this.#life.abort();
    this.desk.close();
    cancelAnimationFrame(this.#frame);
    clearInterval(this.#tick);
    this.#timers.forEach(clearTimeout);
    this.card.remove();
  }

  /** Tick only while the clock of the run goes. */
  #keepTime() {
    const runs = this.live.clock?.runs === true;
    if (runs && !this.#tick) this.#tick = setInterval(() => this.schedule(), TICK_MS);
    if (runs || !this.#tick) return;
    clearInterval(this.#tick);
    this.#tick = 0;
  }

  /** @param {HTMLElement} el */
  #listen(el) {
    const { signal } = this.#life;
    const on = (target, name, hear, options) => target.addEventListener(name, hear, { signal, ...options });
    on(this.card, "click", (event) => this.#click(event));
    on(this.card, "submit", (event) => this.#submit(event));
    on(this.card, "keydown", (event) => this.#key(event));
    on(this.card, "focusin", ({ target }) => target.dataset.box && makeCurrent(this.stage, target.dataset.box));
    on(this.chart.range, "input", () => lookAt(this, Number(this.chart.range.value)));
    on(document, "fullscreenchange", () => this.#leaveScreen());
    on(window, "keydown", (event) => this.#claim(event), { capture: true });
    this.#follow("msg:custom", (message) => message.type === "reply" && this.desk.hear(message));
    this.#follow("change:scene", () => this.schedule());
    this.#follow("change:svg", () => this.schedule());
    this.#follow("comm_live_update", () => this.#leave());
    if (this.model.get("hides_twin")) hideTwin(el, signal);
  }

  /** Stand still: Jupyter tells that the kernel is gone, and with a new one the view would be a new one, too. */
  #leave() {
    this.isGone = true;
    this.schedule();
  }

  /** Follow the browser when it leaves the full screen by itself. */
  #leaveScreen() {
    if (!document.fullscreenElement && this.card.hasAttribute("data-present")) present(this);
  }

  /** Hear the model as long as the view lives. @param {string} name @param {(message: any) => void} hear */
  #follow(name, hear) {
    this.model.on(name, hear);
    this.#life.signal.addEventListener("abort", () => this.model.off(name, hear));
  }

  /** @param {MouseEvent} event */
  #click({ target }) {
    if (!target.closest(".mars-menu")) closeMenus(this);
    const pressed = target.closest("[data-do]");
    if (pressed) return ACTIONS[pressed.dataset.do]?.(this, pressed, this.#openerOf(pressed));
    const { node, source, step, ...more } = target.closest("[data-box], [data-source], [data-bar]")?.dataset ?? {};
    if (node !== undefined) return openPanel(this, { node }, target.closest("[data-box]"));
    if (source !== undefined) return openPanel(this, { source, target: more.target }, null);
    return step === undefined ? undefined : openPanel(this, { step }, null);
  }

  /** Find who gets the focus back; a menu is closed by what is chosen from it. @param {Element} pressed */
  #openerOf(pressed) {
    const isChosen = pressed.closest(".mars-popup") && pressed.type !== "submit";
    return (isChosen && closeMenus(this)) || pressed;
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    FORMS[event.target.dataset.form]?.(this, event.target);
  }

  /** Do what a key does here; Jupyter hears of neither that nor what is typed. @param {KeyboardEvent} event */
  #key(event) {
    const work = keyAction(this, event);
    if (work || isField(event.target) || event.target === this.chart.range) event.stopPropagation();
    if (!work) return;
    event.preventDefault();
    if (!event.repeat || event.key.startsWith("Arrow")) work();
  }

  /**
   * Jupyter hears keys before any element does, and leaves out what bears this attribute. It asks from the target
   * outwards and takes what fits first, so the target itself has to bear it. Chords such as Ctrl-S stay Jupyter's.
   * @param {KeyboardEvent} event
   */
  #claim({ target, ctrlKey, metaKey, altKey }) {
    if (this.card.contains(target)) set(target, "data-lm-suppress-shortcuts", !(ctrlKey || metaKey || altKey));
  }
}

/* ------------------------------------------------------------------------------------------------------- the module */

/** Keep the scene as Python changes it, so that views opened later are right. @param {{model: Model}} context */
function initialize({ model }) {
  model.set("scene", stamped(model.get("scene") ?? {}));
  const hear = (message) => HEARD[message.type]?.(model, message);
  model.on("msg:custom", hear);
  return () => model.off("msg:custom", hear);
}

/** What Python tells besides replies. @type {Record<string, (model: Model, message: any) => void>} */
const HEARD = {
  changes(model, { patch }) {
    const scene = merged(model.get("scene"), patch);
    model.set("scene", patch.clock ? stamped(scene) : scene);
  },
  svg(model, { svg, cell }) {
    model.set("svg", svg);
    if (cell !== undefined) model.set("cell", cell);
  },
};

/** Show a model. @param {{model: Model, el: HTMLElement}} context @returns {() => void} Takes the view away again. */
function render({ model, el }) {
  const view = new View(model, el);
  return () => view.close();
}

export default { initialize, render };
