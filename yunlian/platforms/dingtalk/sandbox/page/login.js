// The page DingTalk shows a browser that wants to sign in: it waits for a phone, or for a choice among people.
import { api, chosen, h, t, table } from "/sandbox/page/kit.js";

document.documentElement.dataset.theme = chosen.theme;
document.documentElement.lang = t("zh-Hans", "en");
const id = new URLSearchParams(location.search).get("id");
const root = document.getElementById("login");
const search = h("input", { type: "search", placeholder: t("姓名、手机号", "Name, mobile"), "aria-label": t("查找", "Find") });
const list = h("div");
search.addEventListener("input", draw);

async function draw() {
  const found = await api.get(`/dingtalk/logins/${id}?${new URLSearchParams({ q: search.value })}`);
  if (found.answer) { location.replace(found.answer); return null; }
  list.replaceChildren(table([t("姓名", "Name"), t("职位", "Title"), t("企业", "Corp"), ""], found.candidates.map((each) => [
    each.name, each.title || "–", each.corp, [h("button.plain", { onclick: () => decide({ corp_id: each.corp_id, userid: each.userid }) }, t("以此身份登录", "Sign in as")), "act"],
  ]), t("没有这样的人。", "Nobody of that kind.")));
  return found;
}

async function decide(how) {
  const { answer } = await api.post("/dingtalk/logins", { id, ...how });
  location.replace(answer);
}

async function wait() {
  try {
    if (!(await draw())) return;
  } catch (error) {
    root.replaceChildren(h("div.card", {}, h("p", {}, error.message)));
    return;
  }
  setTimeout(wait, 1500);
}

const first = await draw();
if (first) {
  root.append(
    h("h1", {}, t(`钉钉登录 · ${first.app}`, `DingTalk sign-in · ${first.app}`)),
    h("div.card", {}, h("p.lead", {}, t("在沙箱的“手机”里扫码并确认，编号：", "Confirm on the sandbox's phone; the code's number:")), h("p.number", {}, h("code", {}, id)),
      h("p.row", {}, h("a.button", { href: "/sandbox/#dingtalk/phone", target: "_blank", rel: "noopener" }, t("打开手机", "Open the phone")), h("button", { onclick: () => decide({ refused: true }) }, t("取消登录", "Refuse")))),
    h("p", {}, t("或者直接选择登录的人：", "Or choose who signs in:")), h("p", {}, search), list);
  wait();
}
