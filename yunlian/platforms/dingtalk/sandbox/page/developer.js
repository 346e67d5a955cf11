// 开发者后台: credentials, addresses, event subscription, permissions, suite ticket of each app.
import { api, ask, copied, facts, field, h, head, moment, pick, t, table, tag, toast } from "/sandbox/page/kit.js";
import { act, overview, redraw, splitIds } from "./corp.js";

const MODES = { none: ["未订阅", "None"], push: ["HTTP 推送", "HTTP push"], sync: ["SyncHTTP 推送", "SyncHTTP"], legacy: ["旧版 HTTP 推送", "Legacy push"], stream: ["Stream 模式", "Stream"] };

export async function developer(root) {
  const found = await overview();
  root.append(
    head(t("开发者后台", "Developer console"), t("系统的钉钉设置页要填的内容都在这里，位置与真实后台一致。", "All that the set-up page wants, where the real console has it."),
      h("button", { onclick: () => end({}) }, t("让令牌过期", "Let tokens expire")), h("button", { onclick: () => end({ forget: true }) }, t("收回令牌", "Revoke tokens"))),
    h("div.columns", {}, found.apps.map((app) => card(app, found))),
    h("h3", {}, t("未送达的事件", "Undelivered events")),
    table([t("时间", "Time"), t("应用", "App"), t("事件", "Event"), t("内容", "Body")],
      [...found.undelivered].reverse().map((each) => [moment(each.at), h("code", {}, each.app_key), h("code", {}, each.tag), [h("code", {}, JSON.stringify(each.body)), "long"]]),
      t("没有。三次未送达的事件会列在这里。", "None. Events that three attempts did not bring home are listed here.")));
}

function card(app, found) {
  const owner = found.corps.find((each) => each.corp_id === app.owner_corp);
  const receiver = app.receiver;
  const keys = app.is_suite ? ["SuiteKey", "SuiteSecret"] : ["AppKey (Client ID)", "AppSecret (Client Secret)"];
  return h("section.card", {}, h("h3", {}, app.name, " ", tag(app.is_suite ? t("第三方企业应用", "Marketplace app") : t("企业内部应用", "Internal app"), "partner")),
    facts([
      [t("所属企业", "Owner"), owner.name], [app.is_suite ? t("服务商 CorpId", "Vendor's corp ID") : "CorpId", copied(app.owner_corp)], [keys[0], copied(app.key)], [keys[1], copied(app.secret)],
      ...(app.is_suite ? [["SuiteId / AppId", `${app.suite_id} / ${app.app_id}`], ["SuiteTicket", copied(app.ticket)], [t("服务商 SSOSecret", "Vendor's SSOSecret"), copied(owner.sso_secret)]]
        : [["SSOSecret", copied(owner.sso_secret)]]),
      [t("应用首页地址", "Home address"), app.home_url || "–"], [t("管理后台地址", "Admin address"), app.admin_url || "–"],
      [t("登录回调地址", "Redirect addresses"), app.redirect_urls.join("、") || t("不限本机", "any of this machine")],
      [t("未开通的接口", "Not permitted"), app.denied.join("、") || "–"],
      [t("事件订阅", "Events"), h("span", {}, tag(t(...MODES[receiver.mode]), receiver.mode === "none" ? "" : "good"), receiver.url && h("div", {}, h("code", {}, receiver.url)))],
    ]),
    h("p.row", {},
      h("button", { onclick: () => settings(app) }, t("修改地址与权限", "Addresses and permissions")),
      h("button", { onclick: () => subscribe(app) }, t("事件订阅", "Events")),
      app.is_suite && h("button", { onclick: async () => { const { ticket } = await act("/apps/ticket", { app_key: app.key }); toast(ticket); } }, t("重新推送 Ticket", "Push the ticket again")),
      receiver.mode === "stream" && h("button", { onclick: () => act("/stream/disconnect", { app_key: app.key }) }, t("断开 Stream", "Drop the Stream")),
      h("button.danger", { onclick: () => reset(app) }, t("重置 Secret", "Reset the secret"))));
}

async function settings(app) {
  const given = await ask(app.name, [
    field(t("应用首页地址", "Home address"), h("input", { name: "home_url", value: app.home_url }), t("可写 $CORPID$", "$CORPID$ may stand in it")),
    field(t("管理后台地址", "Admin address"), h("input", { name: "admin_url", value: app.admin_url })),
    field(t("登录回调地址前缀", "Redirect addresses begin with"), h("input", { name: "redirect_urls", value: app.redirect_urls.join(" ") }), t("多个用空格分开，空为不限本机", "several with blanks, none for any of this machine")),
    field(t("未开通的接口", "Not permitted"), h("input", { name: "denied", value: app.denied.join(" ") }), t("路径，可用 *", "paths, with *")),
  ], t("保存设置", "Save"));
  if (!given) return;
  await act("/apps/settings", { ...given, app_key: app.key, redirect_urls: splitIds(given.redirect_urls), denied: splitIds(given.denied) });
  toast(t("已保存", "Saved"));
}

async function subscribe(app) {
  const modes = app.is_suite ? ["none", "sync", "legacy", "stream"] : ["none", "push", "stream"];
  const key = h("input", { name: "aes_key", value: app.receiver.aes_key, pattern: "[A-Za-z0-9]{43}" });
  const given = await ask(t(`${app.name} › 事件订阅`, `${app.name} › events`), [
    field(t("推送方式", "Way"), pick({ name: "mode" }, modes.map((mode) => [mode, t(...MODES[mode])]), app.receiver.mode)),
    field(t("请求网址", "Address"), h("input", { name: "url", value: app.receiver.url, placeholder: "http://127.0.0.1:8000/…" })),
    field(t("签名 token", "Token"), h("input", { name: "token", value: app.receiver.token, pattern: "[A-Za-z0-9]{3,32}" })),
    field(t("加密 aes_key", "AES key"), key, t("43 位字母数字", "43 letters and digits")),
    h("p", {}, h("button", { onclick: async (event) => { event.preventDefault(); key.value = (await api.get("/dingtalk/key")).aes_key; } }, t("随机生成 aes_key", "Make an AES key"))),
  ], t("保存并验证", "Save and check"), { lead: t("HTTP 方式保存时会向网址发送 check_url，答复正确才保存。", "By HTTP the address is sent check_url and kept only when its answer is right.") });
  if (!given) return;
  await act("/apps/receiver", { ...given, app_key: app.key });
  toast(t("已保存，验证通过", "Saved; the check went well"));
}

async function reset(app) {
  const sure = await ask(t("重置 Secret", "Reset the secret"), [], t("重置 Secret", "Reset the secret"), { danger: true, lead: t("旧的 Secret 与令牌立即失效。", "The old secret and its tokens end at once.") });
  if (sure) await act("/apps/secret", { app_key: app.key });
}

async function end(how) {
  await act("/tokens/expire", how);
  toast(how.forget ? t("令牌已收回，下次调用返回 40014", "Tokens are revoked: the next call answers 40014") : t("令牌已过期，下次调用返回 42001", "Tokens are over: the next call answers 42001"));
  redraw();
}
