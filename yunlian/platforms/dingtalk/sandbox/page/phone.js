// 手机: somebody's DingTalk: scans, opens apps silently signed in, reads work notices, presses cards, ticks to-dos off.
import { empty, field, h, head, moment, pick, t, tag, toast } from "/sandbox/page/kit.js";
import { act, chosen, overview, read, redraw, switcher } from "./corp.js";

const held = { user: localStorage.getItem("sandbox.dingtalk.user") || "u1001" };
const safe = (url) => (/^https?:/.test(url || "") ? url : "");

export async function phone(root) {
  const found = await overview();
  const { people } = await read("/people", { corp_id: chosen.corp });
  if (!people.some((each) => each.userid === held.user)) held.user = people[0].userid;
  const screen = await read("/phone", { corp_id: chosen.corp, userid: held.user });
  const who = pick({ "aria-label": t("持有人", "Holder"), onchange: (event) => { held.user = event.target.value; localStorage.setItem("sandbox.dingtalk.user", held.user); event.target.blur(); redraw(); } },
    people.map((each) => [each.userid, `${each.name}（${each.userid}）`]), held.user);
  const feed = [
    ...screen.notices.map((each) => ({ at: each.at, show: () => notice(each) })), ...screen.cards.map((each) => ({ at: each.at, show: () => card(each) })),
    ...screen.todos.map((each) => ({ at: each.at, show: () => todo(each) })),
  ].sort((a, b) => b.at - a.at);
  root.append(
    head(t("手机", "Phone"), t("员工的钉钉：扫码确认登录、收工作通知、在卡片上同意或拒绝、完成待办。从这里打开的网页会免登。", "Somebody's DingTalk: confirms sign-ins, gets work notices, presses cards, finishes to-dos. Pages opened here sign in silently."), switcher(found)),
    h("div.beside", {},
      h("div.phone", {}, h("header", {}, field(t("持有人", "Holder"), who)),
        h("div", {}, feed.length ? feed.map((each) => each.show()) : empty(t("还没有消息。", "No messages so far."))),
        h("footer.row", {}, screen.apps.map((app) => h("button", { onclick: () => openApp(app) }, `${t("打开", "Open")} ${app.name}`)))),
      h("section", {}, h("h3", {}, t("等待扫描的二维码", "QR codes to be scanned")),
        screen.logins.length ? screen.logins.map(login) : h("div.card", {}, empty(t("没有。打开系统的“钉钉登录”，二维码会出现在这里。", "None. Open “sign in with DingTalk” and the code appears here."))))));
}

const login = (each) => h("div.card", {}, h("p", {}, `${each.app} · `, h("code", {}, each.id)), h("div.row", {},
  h("button.primary", { onclick: () => decide(each, {}) }, t("扫码并确认登录", "Scan and confirm")),
  h("button", { onclick: () => decide(each, { refused: true }) }, t("取消登录", "Refuse"))));

async function decide(each, how) {
  await act("/logins", { id: each.id, corp_id: chosen.corp, userid: held.user, ...how });
  toast(how.refused ? t("已取消", "Refused") : t("已确认登录", "Sign-in confirmed"));
}

async function openApp(app) {
  const { url } = await act("/apps/open", { app_key: app.app_key, corp_id: chosen.corp, userid: held.user });
  open(url, "_blank", "noopener");
}

async function follow(each, url) {
  const found = await act("/phone/read", { task_id: each.task_id, userid: held.user, url });
  if (found.url) open(found.url, "_blank", "noopener");
}

function notice(each) {
  const body = each.message[each.message.msgtype];
  const button = (label, url) => h("button", { disabled: !safe(url), onclick: () => follow(each, url) }, label);
  const show = {
    text: () => h("p", {}, body.content),
    markdown: () => h("div", {}, h("h4", {}, body.title), h("p", {}, bold(body.text))),
    link: () => h("div", {}, h("h4", {}, body.title), h("p", {}, body.text), button(t("打开", "Open"), body.messageUrl)),
    oa: () => h("div", {}, h("h4", {}, body.body?.title || body.head?.text),
      h("dl.facts", {}, (body.body?.form || []).map((line) => [h("dt", {}, line.key), h("dd", {}, line.value)])), body.body?.content && h("p", {}, body.body.content),
      h("p", {}, each.status && tag(each.status, "good")), button(t("查看详情", "Open"), body.message_url)),
    action_card: () => h("div", {}, h("h4", {}, body.title), h("p", {}, bold(body.markdown)),
      h("div.row", {}, body.single_url ? button(body.single_title, body.single_url) : (body.btn_json_list || []).map((one) => button(one.title, one.action_url)))),
  }[each.message.msgtype];
  return h("article.message", {}, h("time", {}, moment(each.at)), h("span.hint", {}, `${t("工作通知", "Work notice")} · ${each.app}`, !each.read && h("strong", {}, ` · ${t("未读", "unread")}`)),
    show ? show() : h("p", {}, JSON.stringify(body)),
    !each.read && h("button.plain", { onclick: () => follow(each, "") }, t("标为已读", "Mark as read")));
}

/** Of DingTalk's Markdown the phone shows bold; the rest stays as it was written. */
const bold = (text) => String(text || "").split("**").map((part, at) => (at % 2 ? h("strong", {}, part) : part));

/** A card as the template of the sandbox draws it: what its data says, `facts` line by line, and, while it has no status and `can_approve` is not false, buttons that report back. */
function card(each) {
  const { title, status, says, facts, url, can_approve, ...rest } = each.data;
  const lines = [...Object.entries(rest), ...(facts || "").split("\n").filter(Boolean).map((line) => line.split(": "))];
  const press = async (action) => { await act("/phone/press", { track_id: each.track_id, action, params: {} }); toast(t("已按下，等待应用更新卡片", "Pressed; the app has yet to change the card")); };
  return h("article.message", {}, h("time", {}, moment(each.at)), h("span.hint", {}, t("互动卡片", "Card")), h("h4", {}, title || each.track_id),
    says && h("p", {}, says),
    h("dl.facts", {}, lines.map(([key, value]) => [h("dt", {}, key), h("dd", {}, value)])),
    status && h("p", {}, tag(status, "good")),
    h("div.row", { style: "margin-top:8px" }, !status && can_approve !== "false" && [h("button.primary", { onclick: () => press("approve") }, t("同意", "Approve")), !url && h("button.danger", { onclick: () => press("reject") }, t("拒绝", "Reject"))],
      safe(url) && h("button", { onclick: () => open(inside(each), "_blank", "noopener") }, t("查看详情", "Open"))));
}

const todo = (each) => h("article.message", {}, h("time", {}, moment(each.at)), h("span.hint", {}, t("待办", "To-do")), h("h4", {}, each.subject), each.description && h("p", {}, each.description),
  h("div.row", {}, each.done ? tag(t("已完成", "Done"), "good") : h("button.primary", { onclick: () => act("/phone/todo", { id: each.id, userid: held.user }) }, t("完成", "Finish")),
    safe(each.url) && h("button", { onclick: () => open(inside(each), "_blank", "noopener") }, t("打开", "Open"))));

/** The address as the client opens it: the page then signs in silently. */
const inside = (each) => `/dingtalk/phone/open?${new URLSearchParams({ corp_id: chosen.corp, userid: held.user, app_key: each.app_key, url: each.url || each.data.url })}`;
