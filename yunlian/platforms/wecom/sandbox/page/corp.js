// Which corp the views are about, and the words they share.
import { api, h, pick, t } from "/sandbox/page/kit.js";

const chosen = { id: localStorage.getItem("sandbox.wecom.corp") || "" };

/** The corp the views are about, and all there are. */
export async function corp() {
  const corps = await api.get("/wecom/corps");
  const current = corps.find((each) => each.id === chosen.id) || corps[0];
  chosen.id = current.id;
  return { corps, current };
}

/** A picker of corps. */
export const switcher = ({ corps, current }) =>
  h("label.row", {}, t("企业", "Company"), pick({ onchange: (event) => choose(event.target.value), "aria-label": t("企业", "Company") },
    corps.map((each) => [each.id, each.name]), current.id));

function choose(id) {
  chosen.id = id;
  localStorage.setItem("sandbox.wecom.corp", id);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

export const redraw = () => dispatchEvent(new HashChangeEvent("hashchange"));
export const act = (path, asked) => api.post(`/wecom${path}`, { corp: chosen.id, ...asked });
export const read = (path, asked = {}) => api.get(`/wecom${path}?${new URLSearchParams({ corp: chosen.id, ...asked })}`);

export const STATUS = {
  1: [["已激活", "Active"], "good"], 2: [["已禁用", "Disabled"], "bad"], 4: [["未激活", "Not activated"], "waiting"], 5: [["已退出", "Left"], ""],
};
