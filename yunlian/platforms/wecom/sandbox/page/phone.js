// 手机: who holds it, what it received, cards to press, and QR codes to scan.
import { field, fill, h, head, moment, pick, t, tag, toast } from "/sandbox/page/kit.js";
import { act, corp, read, redraw, switcher } from "./corp.js";

const held = { user: localStorage.getItem("sandbox.wecom.user") || "founder" };

export async function phone(root) {
  const found = await corp();
  const people = await read("/people");
  if (!people.people.some((each) => each.user === held.user)) held.user = people.people[0].user;
  const screen = await read("/phone", { user: held.user });
  const who = pick({ onchange: (event) => hold(event.target.value), "aria-label": t("持有人", "Holder") },
    people.people.filter((each) => each.status !== 5).map((each) => [each.user, `${each.name}（${each.user}）`]), held.user);
  fill(root,
    head(t("手机", "Phone"), t("成员的企业微信：扫码并确认登录、收消息、在卡片上同意或驳回。在企业微信内打开的网页以持有人的身份登录。", "A member's WeCom: scans and confirms sign-ins, receives messages, presses cards. Pages opened inside WeCom sign in as its holder."),
      switcher(found)),
    h("div.beside", {},
      h("div.phone", {}, h("header", {}, field(t("持有人", "Holder"), who)), h("div", {}, screen.messages.length ? screen.messages.map(message) : h("div.empty", {}, t("还没有消息。", "No messages so far."))),
        h("footer", {}, Object.values(found.current.apps).map((app) => h("button", { onclick: () => enter(app) }, `${t("打开", "Open")} ${app.name}`)))),
      h("section", {}, h("h3", {}, t("等待扫描的二维码", "QR codes to be scanned")),
        screen.scans.length ? screen.scans.map(scan) : h("div.card", {}, h("div.empty", {}, t("没有。打开系统的“企业微信扫码登录”，二维码会出现在这里。", "None. Open “sign in with WeCom” and the code appears here."))))));
}

async function hold(user) {
  held.user = user;
  localStorage.setItem("sandbox.wecom.user", user);
  await act("/phone/hold", { user });
  document.activeElement.blur();
  redraw();
}

function scan(each) {
  return h("div.card", {}, h("p", {}, `${each.app} · `, h("code", {}, each.key.slice(0, 6))), h("p.hint", {}, each.redirect),
    h("button.primary", { onclick: async () => { await act("/phone/scan", { key: each.key, user: held.user }); toast(t("已确认登录", "Sign-in confirmed")); } }, t("扫描并确认登录", "Scan and confirm")));
}

async function enter(app) {
  await act("/phone/enter", { agent: app.agent, user: held.user });
  toast(t("已进入应用", "The app was opened"));
}

function message(each) {
  if (each.recalled) return h("article.message", {}, h("p", {}, t("消息已撤回", "The message was recalled")));
  const body = each.body;
  const show = { text: () => h("p", {}, body.content), markdown: () => h("p", {}, body.content), textcard: () => textCard(body), template_card: () => card(each, body) }[each.type];
  return h("article.message", {}, h("time", {}, moment(each.at)), h("span.hint", {}, each.app), show ? show() : h("p", {}, JSON.stringify(body)));
}

/** WeCom allows <div class="gray|normal|highlight"> in the description; everything else is text. */
const plain = (text) => new DOMParser().parseFromString(String(text || "").replaceAll("</div>", "\n</div>"), "text/html").body.textContent.trim();
const safe = (url) => (/^https?:/.test(url || "") ? url : "#");

const textCard = (body) => h("div", {}, h("h4", {}, body.title), h("p", {}, plain(body.description)), h("a.button", { href: safe(body.url), target: "_blank", rel: "noopener" }, body.btntxt || t("详情", "Details")));

function card(each, body) {
  const questions = [body.checkbox, ...(body.select_list || []), body.button_selection].filter(Boolean);
  const picks = questions.map((question) => [question.question_key, pick({ multiple: question.mode === 1, "aria-label": question.question_key }, question.option_list.map((option) => [option.id, option.text]), question.selected_id)]);
  const press = (key) => act("/phone/press", {
    message: each.id, user: held.user, key, selected: Object.fromEntries(picks.map(([name, select]) => [name, [...select.selectedOptions].map((option) => option.value)])),
  });
  const buttons = [...(body.button_list || []), body.submit_button].filter(Boolean);
  return h("div", {},
    body.source?.desc && body.source.desc !== each.app && h("p.hint", {}, body.source.desc), h("h4", {}, body.main_title?.title), body.main_title?.desc && h("p", {}, body.main_title.desc), body.sub_title_text && h("p", {}, body.sub_title_text),
    (body.horizontal_content_list || []).length > 0 && h("dl.facts", {}, body.horizontal_content_list.map((line) => [h("dt", {}, line.keyname), h("dd", {}, line.value)])),
    picks.map(([, select]) => h("p", {}, select)),
    body.card_action?.url && h("p", {}, h("a", { href: safe(body.card_action.url), target: "_blank", rel: "noopener" }, t("查看详情", "Open"))),
    body.replaced || each.settled ? h("p", {}, tag(body.replaced || body.replace_text || t("已处理", "Settled"), "good"))
      : h("div.row", {}, buttons.map((button) => button.type === 1
        ? h("a.button", { href: safe(button.url), target: "_blank", rel: "noopener" }, button.text)
        : h(`button${button.style === 3 ? ".danger" : ""}`, { onclick: async () => { await press(button.key); toast(t("已按下", "Pressed")); } }, button.text))),
    each.pressed && !each.settled && h("p.hint", {}, t("已按下，等待应用更新卡片", "Pressed; the app has yet to settle the card")));
}
