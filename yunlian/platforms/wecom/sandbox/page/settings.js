// 凭证与应用: corp id, secrets and where they are found, switches of the contacts, and the self-built apps.
import { ask, check, copied, facts, field, fill, h, head, t, tag, toast } from "/sandbox/page/kit.js";
import { act, corp, switcher } from "./corp.js";

export async function settings(root) {
  const found = await corp();
  const { current } = found;
  fill(root,
    head(t("凭证与应用", "Credentials and apps"), t("系统的企业微信设置页要填的内容都在这里，位置与真实后台一致。", "All that the set-up page wants, where the real console has it."), switcher(found)),
    h("div.columns", {}, company(current), contacts(current), customer(current)),
    h("div.head", {}, h("div", {}, h("h3", {}, t("应用管理 › 自建应用", "App management › self-built apps"))),
      h("button.primary", { onclick: create }, t("新建应用", "New app"))),
    h("div.columns", {}, Object.values(current.apps).map(app)));
}

const company = (corp) => h("section.card", {}, h("h3", {}, t("我的企业 › 企业信息", "My company › company information")),
  facts([[t("企业名称", "Name"), corp.name], [t("企业 ID", "Corp ID"), copied(corp.id)], [t("成员", "Members"), `${corp.people} / ${corp.seats}`], [t("部门", "Departments"), String(corp.departments)]]),
  h("p.row", {}, h("button", { onclick: () => end("expired") }, t("让令牌过期", "Let tokens expire")), h("button", { onclick: () => end("revoked") }, t("收回令牌", "Revoke tokens"))));

const contacts = (corp) => h("section.card", {}, h("h3", {}, t("管理工具 › 通讯录同步", "Tools › contact sync")),
  facts([[t("通讯录 Secret", "Contacts secret"), copied(corp.contacts_secret)]]),
  h("p", {}, h("button", { onclick: () => reset({ which: "contacts" }) }, t("重置 Secret", "Reset the secret"))),
  h("p.row", {}, setting("api_edit", corp, t("API 编辑通讯录", "API may edit contacts"))),
  h("p.row", {}, setting("manual_edit", corp, t("手动编辑", "Edit by hand"))),
  h("p.row", {}, setting("new_contacts_ip", corp, t("调用 IP 为 2022-08-15 之后新增（读详情返回 48009）", "Address added after 2022-08-15 (details answer 48009)"))));

const customer = (corp) => h("section.card", {}, h("h3", {}, t("客户联系 › API", "Customer contact › API")),
  facts([[t("客户联系 Secret", "Customer-contact secret"), copied(corp.customers_secret)]]),
  h("p", {}, h("button", { onclick: () => reset({ which: "customers" }) }, t("重置 Secret", "Reset the secret"))));

const setting = (name, corp, label) => check(label, { checked: corp[name], onchange: (event) => act("/settings", { [name]: event.target.checked }).then(() => event.target.blur()) });

function app(each) {
  return h("section.card", {}, h("h3", {}, each.name, " ", each.enabled ? tag(t("已启用", "Enabled"), "good") : tag(t("已停用", "Disabled"), "bad")),
    facts([
      ["AgentId", copied(String(each.agent))], ["Secret", copied(each.secret)],
      [t("可见范围", "Visible range"), [...each.departments.map((id) => `${t("部门", "department")} ${id}`), ...each.users].join("、") || t("无人", "nobody")],
      [t("可信域名", "Trusted domains"), each.domains.join("、") || "–"], [t("企业可信 IP", "Trusted IPs"), each.ips.join("、") || t("不限", "any")],
      [t("可调用", "May call"), [each.customers && t("客户联系", "customer contact"), each.chain && t("上下游", "chains")].filter(Boolean).join("、") || "–"],
      [t("成员敏感字段", "Private fields"), each.before_2022 ? t("可读（2022-06-20 前创建）", "told (made before 2022-06-20)") : t("不可读", "not told")],
    ]),
    h("p.row", {}, h("button", { onclick: () => change(each) }, t("修改应用", "Change the app")), h("button", { onclick: () => reset({ agent: each.agent }) }, t("重置 Secret", "Reset the secret"))));
}

async function change(each) {
  const line = (name, label, hint) => field(label, h("input", { name, value: each[name].join(";") }), hint);
  const given = await ask(each.name, [
    field(t("名称", "Name"), h("input", { name: "name", required: true, value: each.name })),
    line("departments", t("可见部门 ID", "Visible departments"), t("多个用 ; 分开", "several with ;")),
    line("users", t("可见成员帐号", "Visible members"), t("多个用 ; 分开", "several with ;")),
    line("tags", t("可见标签 ID", "Visible tags"), ""),
    line("domains", t("可信域名", "Trusted domains"), ""),
    line("ips", t("企业可信 IP", "Trusted IPs"), t("空为不限", "empty for any")),
    check(t("已启用", "Enabled"), { name: "enabled", checked: each.enabled }),
    check(t("客户联系 › 可调用应用", "May use customer contact"), { name: "customers", checked: each.customers }),
    check(t("上下游 › 可调用接口的应用", "May use chains"), { name: "chain", checked: each.chain }),
    check(t("2022-06-20 前创建（可读敏感字段）", "Made before 2022-06-20"), { name: "before_2022", checked: each.before_2022 }),
  ], t("保存应用", "Save the app"));
  if (!given) return;
  const split = (text) => text.split(/[;；,\s]+/).filter(Boolean);
  await act("/apps/save", {
    ...given, agent: each.agent, departments: split(given.departments).map(Number), tags: split(given.tags).map(Number),
    users: split(given.users), domains: split(given.domains), ips: split(given.ips),
  });
  toast(t("已保存", "Saved"));
}

async function create() {
  const given = await ask(t("新建应用", "New app"), [field(t("名称", "Name"), h("input", { name: "name", required: true }))], t("创建应用", "Create the app"));
  if (given) await act("/apps/save", given);
}

async function reset(which) {
  const sure = await ask(t("重置 Secret", "Reset the secret"), [], t("重置 Secret", "Reset the secret"), { danger: true, lead: t("旧的 Secret 与令牌立即失效。", "The old secret and its tokens end at once.") });
  if (sure) await act("/secrets/reset", which);
}

async function end(how) {
  await act("/tokens/end", { how });
  toast(how === "expired" ? t("令牌已过期，下次调用返回 42001", "Tokens are over: the next call answers 42001") : t("令牌已收回，下次调用返回 40014", "Tokens are revoked: the next call answers 40014"));
}
