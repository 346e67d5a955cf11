// The shell: rail, views, language, theme. A platform's part is /sandbox/page/<name>/section.js, which exports
//   { title: [zh, en], paths: ["/cgi-bin/*", ...], receivers: [["contacts", [zh, en]], ...],
//     views: [{ key, title: [zh, en], render(root) }] }
// render fills root with elements made by kit.js, and is run again when the world has changed.
import { api, chosen, h, moment, t, toast } from "./kit.js";
import { faults, journal } from "./shared.js";

const bar = document.getElementById("bar");
const rail = document.getElementById("rail");
const view = document.getElementById("view");
let sections = [];
let drawn = { key: "", version: -1 };

const common = { name: "sandbox", title: ["沙箱", "Sandbox"], views: [] };
const current = () => location.hash.slice(1) || everyView()[0].path;
const everyView = () =>
  [...sections, common].flatMap((section) => section.views.map((each) => ({ ...each, path: `${section.name}/${each.key}` })));

function drawBar(now) {
  const clock = h("span.clock", { title: t("沙箱的时间", "Time in the sandbox") }, moment(now));
  bar.replaceChildren(
    h("strong", {}, t("云链沙箱", "Yunlian sandbox")), clock, h("span.fill"),
    h("button", { onclick: () => travel(3600) }, t("快进一小时", "One hour ahead")),
    h("button", { onclick: () => choose("language", chosen.language === "zh" ? "en" : "zh") }, t("English", "中文")),
    h("button", { onclick: () => choose("theme", chosen.theme === "dark" ? "light" : "dark") }, chosen.theme === "dark" ? t("浅色", "Light") : t("深色", "Dark")));
}

function drawRail() {
  rail.replaceChildren(...[...sections, common].flatMap((section) => [
    h("h2", {}, t(...section.title)),
    ...section.views.map((each) => h("a", {
      href: `#${section.name}/${each.key}`, "aria-current": current() === `${section.name}/${each.key}` ? "page" : null,
    }, t(...each.title))),
  ]));
}

async function draw() {
  const found = everyView().find((each) => each.path === current()) || everyView()[0];
  const root = h("div");
  await found.render(root);
  const kept = view.scrollTop;
  view.replaceChildren(root);
  view.scrollTop = drawn.key === found.path ? kept : 0;
  drawn = { ...drawn, key: found.path };
  document.title = `${t(...found.title)} · ${t("云链沙箱", "Yunlian sandbox")}`;
  drawRail();
}

function choose(what, value) {
  localStorage.setItem(`sandbox.${what}`, value);
  chosen[what] = value;
  dress();
  drawn.version = -1;
  return look();
}

function dress() {
  document.documentElement.dataset.theme = chosen.theme;
  document.documentElement.lang = t("zh-Hans", "en");
}

async function travel(seconds) {
  await api.post("/time", { advance_s: seconds });
  toast(t("沙箱的时间已快进", "The sandbox's time has moved on"));
  await look();
}

const busy = () => document.querySelector("dialog[open]") || (view.contains(document.activeElement) && document.activeElement.matches("input, textarea, select"));

/** Draw again when something has changed, unless somebody is typing. */
async function look() {
  const { version, now } = await api.get("/version");
  if (version !== drawn.version && !busy()) {
    drawn.version = version;
    drawBar(now);
    await draw();
  }
}

let unreachable = false;
async function watch() {
  try {
    await look();
    unreachable = false;
  } catch (error) {
    if (!unreachable) toast(t("沙箱没有回应：", "The sandbox does not answer: ") + error.message, "bad");
    unreachable = true;
  }
  setTimeout(watch, 1500);
}

async function start() {
  dress();
  const names = await api.get("/platforms");
  sections = await Promise.all(names.map(async (name) => ({ name, ...(await import(`/sandbox/page/${name}/section.js`)).default })));
  common.views = [
    { key: "faults", title: ["故障开关", "Faults"], render: (root) => faults(root, sections) },
    { key: "journal", title: ["记录", "Journal"], render: (root) => journal(root, sections) },
  ];
  addEventListener("hashchange", draw);
  await watch();
}

start();
