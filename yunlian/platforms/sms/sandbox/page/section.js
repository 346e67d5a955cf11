// SMS gateways: an inbox where codes can be read, and the console of both accounts.
import { api, ask, check, copied, empty, facts, field, h, head, moment, pick, t, table, tag, toast } from "/sandbox/page/kit.js";

const VENDORS = { aliyun: ["阿里云短信", "Aliyun SMS"], tencent: ["腾讯云短信", "Tencent Cloud SMS"] };
const KINDS = { code: ["验证码", "Code"], notice: ["通知", "Notice"], marketing: ["推广", "Marketing"] };
const at = { phone: "" };
const redraw = () => dispatchEvent(new HashChangeEvent("hashchange"));

async function act(path, asked) {
  await api.post(`/sms${path}`, asked);
  redraw();
}

async function inbox(root) {
  const found = await api.get(`/sms/messages?${new URLSearchParams({ phone: at.phone })}`);
  const search = h("input", { type: "search", value: at.phone, placeholder: t("手机号", "Mobile"), "aria-label": t("手机号", "Mobile") });
  search.addEventListener("change", () => { at.phone = search.value.trim(); search.blur(); redraw(); });
  root.append(
    head(t("短信收件箱", "SMS inbox"), t("两家网关收下的短信，新的在前。验证码可以直接读出并复制。", "What both gateways took, newest first. Codes can be read and copied."), search),
    found.total ? table([t("时间", "Time"), t("手机号", "Mobile"), t("内容", "Text"), t("验证码", "Code"), t("网关", "Gateway"), t("回执", "Receipt")],
      found.messages.map((each) => [moment(each.at), h("code", {}, each.phone), [each.text, "long"], code(each), t(...VENDORS[each.vendor]), receipt(each)]), "")
      : h("div.card", {}, empty(t("还没有短信。在系统里发送一次验证码试试。", "No messages so far. Have the system send a code."))),
    h("h3", { style: "margin-top:20px" }, t("特殊号码", "Special numbers")),
    facts([["…9991", t("收下但不送达", "taken, never delivered")], ["…9992", t("退订（黑名单）", "opted out")], ["…9993", t("余额不足", "the account is empty")], ["…9994", t("已发送但应答超时", "sent, but the answer is late")], ["…9995", t("首次繁忙", "busy the first time")]]));
}

function code(each) {
  const found = each.kind === "code" && each.text.match(/\d{4,6}/);
  return found ? copied(found[0]) : "–";
}

const receipt = (each) => (each.known ? tag(`${each.delivered ? t("已送达", "Delivered") : t("未送达", "Not delivered")} ${each.code}`, each.delivered ? "good" : "bad") : tag(t("等待回执", "Waiting"), "waiting"));

async function accounts(root) {
  const found = await api.get("/sms/overview");
  root.append(
    head(t("账号与模板", "Accounts and templates"), t("系统的短信设置页要填的内容都在这里。", "All that the set-up page wants.")),
    h("div.columns", {}, Object.entries(found.accounts).map(([vendor, account]) => card(vendor, account))),
    times(found.switches));
}

function card(vendor, account) {
  const secrets = vendor === "aliyun" ? ["AccessKeyId", "AccessKeySecret"] : ["SecretId", "SecretKey"];
  return h("section.card", {}, h("h3", {}, t(...VENDORS[vendor])),
    facts([
      [t("接口地址", "Address"), copied(`${location.origin}/sms/${vendor}`)], [secrets[0], copied(account.key_id)], [secrets[1], copied(account.key_secret)],
      ...(account.app_id ? [["SmsSdkAppId", copied(account.app_id)]] : []),
      [t("余量（条）", "Messages left"), String(account.balance)], [t("回执推送地址", "Receipts go to"), account.report_url || "–"],
    ]),
    h("p.row", {}, h("button", { onclick: () => change(vendor, account) }, t("修改余量与回执地址", "Balance and receipts"))),
    h("h3", {}, t("签名", "Signatures")),
    h("p.row", {}, Object.entries(account.signatures).map(([name, approved]) => h("button", { onclick: () => act("/signatures", { vendor, name, approved: !approved }) }, `【${name}】`, tag(approved ? t("已通过", "Approved") : t("待审核", "Waiting"), approved ? "good" : "waiting"))),
      h("button", { onclick: () => sign(vendor) }, t("添加签名", "Add a signature"))),
    h("h3", {}, t("模板", "Templates")),
    table([t("编号", "Id"), t("类型", "Kind"), t("内容", "Text"), t("状态", "State"), ""], Object.values(account.templates).map((each) => [
      h("code", {}, each.code), t(...KINDS[each.kind]), [each.text, "long"], tag(each.approved ? t("已通过", "Approved") : t("待审核", "Waiting"), each.approved ? "good" : "waiting"),
      [h("button.plain", { onclick: () => template(vendor, each) }, t("编辑", "Edit")), "act"]]), ""),
    h("p", {}, h("button", { onclick: () => template(vendor, null) }, t("添加模板", "Add a template"))),
    h("h3", {}, t("同一号码的频率限制", "Limits for one number")),
    h("p.hint", {}, account.limits.map((each) => `${t(...KINDS[each.kind])} ${each.messages} / ${each.per_s} s`).join("；")));
}

async function change(vendor, account) {
  const given = await ask(t(...VENDORS[vendor]), [
    field(t("余量（条）", "Messages left"), h("input", { name: "balance", type: "number", value: String(account.balance) })),
    field(t("回执推送地址", "Receipts go to"), h("input", { name: "report_url", value: account.report_url, placeholder: "http://127.0.0.1:8000/…" })),
  ], t("保存账号", "Save"));
  if (given) await act("/account", { vendor, ...given });
}

async function sign(vendor) {
  const given = await ask(t("添加签名", "Add a signature"), [field(t("签名", "Signature"), h("input", { name: "name", required: true })), check(t("已通过审核", "Approved"), { name: "approved", checked: true })], t("添加签名", "Add the signature"));
  if (given) await act("/signatures", { vendor, ...given });
}

async function template(vendor, each) {
  const hint = vendor === "aliyun" ? t("变量写作 ${code}", "variables as ${code}") : t("变量写作 {1}、{2}", "variables as {1}, {2}");
  const given = await ask(each ? t("编辑模板", "Change template") : t("添加模板", "Add a template"), [
    field(t("编号", "Id"), h("input", { name: "code", required: true, value: each?.code || "" })),
    field(t("类型", "Kind"), pick({ name: "kind" }, Object.entries(KINDS).map(([kind, words]) => [kind, t(...words)]), each?.kind)),
    h("div.wide", {}, field(t("内容", "Text"), h("textarea", { name: "text", required: true, rows: 3, value: each?.text || "" }), hint)),
    check(t("已通过审核", "Approved"), { name: "approved", checked: each ? each.approved : true }),
  ], t("保存模板", "Save the template"));
  if (given) await act("/templates", { vendor, ...given });
}

function times(switches) {
  const words = { receipt_delay_s: ["回执延迟（秒）", "Receipts come after (s)"], timeout_s: ["超时号码应答时间（秒）", "The time-out number answers after (s)"],
    aliyun_waiting: ["阿里云 SendStatus：等待", "Aliyun's SendStatus: waiting"], aliyun_failed: ["阿里云 SendStatus：失败", "Aliyun's SendStatus: failed"], aliyun_delivered: ["阿里云 SendStatus：成功", "Aliyun's SendStatus: delivered"] };
  const input = (name) => h("input", { type: "number", min: 0, step: "any", value: String(switches[name]), onchange: async (event) => { event.target.blur(); await act("/switches", { [name]: Number(event.target.value) }); toast(t("已保存", "Saved")); } });
  return h("section.card", {}, h("h3", {}, t("时间与未确认的数值", "Times and unconfirmed numbers")), h("div.form", {}, Object.entries(words).map(([name, word]) => field(t(...word), input(name)))));
}

export default {
  title: ["短信网关", "SMS gateways"],
  paths: ["/aliyun/", "/tencent/"],
  receivers: [["aliyun", ["阿里云回执", "Aliyun's receipts"]], ["tencent", ["腾讯云回执", "Tencent's receipts"]]],
  views: [
    { key: "inbox", title: ["短信收件箱", "Inbox"], render: inbox },
    { key: "accounts", title: ["账号与模板", "Accounts"], render: accounts },
  ],
};
