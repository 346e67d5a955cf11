// The corp whose console is open, and what all views of DingTalk share.
import { api, h, pick, t, tag } from "/sandbox/page/kit.js";

const VENDOR = "dingvendor0001";
export const chosen = { corp: localStorage.getItem("sandbox.dingtalk.corp") || "dingcorp0001" };

export const redraw = () => dispatchEvent(new HashChangeEvent("hashchange"));

/** Do something and show what came of it. */
export async function act(path, asked = {}) {
  const found = await api.post(`/dingtalk${path}`, asked);
  redraw();
  return found;
}

export const read = (path, asked = {}) => api.get(`/dingtalk${path}?${new URLSearchParams(asked)}`);

/** Everything but people, and the chosen corp as `corp`. */
export async function overview() {
  const found = await read("/overview");
  found.customers = found.corps.filter((each) => each.corp_id !== VENDOR);
  found.corp = found.customers.find((each) => each.corp_id === chosen.corp) || found.customers[0];
  chosen.corp = found.corp.corp_id;
  return found;
}

/** A choice between the corps. */
export const switcher = (found) => pick({
  "aria-label": t("企业", "Corp"),
  onchange: (event) => { chosen.corp = event.target.value; localStorage.setItem("sandbox.dingtalk.corp", chosen.corp); event.target.blur(); redraw(); },
}, found.customers.map((each) => [each.corp_id, each.name]), chosen.corp);

const STATES = {
  active: ["已启用", "Running", "good"], stopped: ["已停用", "Stopped", "waiting"], removed: ["已删除", "Removed", "bad"],
  relieved: ["已解除授权", "Authorisation taken back", "bad"],
};
export const stateTag = (state) => { const [zh, en, tone] = STATES[state]; return tag(t(zh, en), tone); };

/** Departments as a tree in order, with their depth. */
export function tree(departments) {
  const below = Map.groupBy ? Map.groupBy(departments, (each) => each.parent_id) : grouped(departments);
  const found = [];
  const walk = (parent, level) => {
    for (const each of (below.get(parent) || []).sort((a, b) => a.order - b.order || a.id - b.id)) {
      found.push({ ...each, level });
      walk(each.id, level + 1);
    }
  };
  walk(0, 0);
  return found;
}

function grouped(departments) {
  const found = new Map();
  for (const each of departments) found.set(each.parent_id, [...(found.get(each.parent_id) || []), each]);
  return found;
}

export const splitIds = (text) => text.split(/[;；,，\s]+/).filter(Boolean);

/** 可见范围 in words. */
export function rangeWords(install, corp) {
  const names = install.departments.map((id) => (id === 1 ? t("全部员工", "Everybody") : corp.departments.find((each) => each.id === id)?.name || id));
  const people = install.users.length ? [t(`${install.users.length} 名员工`, `${install.users.length} people`)] : [];
  return [...names, ...people].join("、") || t("无人", "Nobody");
}

export const note = (...children) => h("p.hint", {}, children);
