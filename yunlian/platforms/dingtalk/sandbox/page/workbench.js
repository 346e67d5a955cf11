// 工作台: apps as an administrator of the corp has them: install, visible range, stop, remove, enter.
import { ask, empty, facts, field, h, head, moment, pick, t, table, tag, toast } from "/sandbox/page/kit.js";
import { act, chosen, overview, rangeWords, splitIds, stateTag, switcher, tree } from "./corp.js";

export async function workbench(root) {
  const found = await overview();
  const { corp } = found;
  const installed = corp.installs.map((install) => ({ install, app: found.apps.find((each) => each.key === install.app_key) }));
  const gone = installed.filter(({ install }) => ["removed", "relieved"].includes(install.state)).map(({ app }) => app.key);
  const market = found.apps.filter((app) => app.is_suite && (!corp.installs.some((each) => each.app_key === app.key) || gone.includes(app.key)));
  root.append(
    head(t("工作台", "Workbench"), t("钉钉管理后台 › 工作台：安装应用、设置可见范围、停用、删除，以及以管理员身份进入。", "DingTalk's admin console › workbench: install apps, set who sees them, stop, remove, and enter as an administrator."), switcher(found)),
    h("h3", {}, t("已有应用", "Apps")),
    h("div.columns", {}, installed.map(({ app, install }) => card(app, install, corp))),
    h("h3", {}, t("应用中心", "Marketplace")),
    market.length ? h("div.columns", {}, market.map((app) => offer(app, corp))) : h("div.card", {}, empty(t("应用中心的应用都已安装。", "Every app of the marketplace is installed."))),
    h("h3", {}, t("订单", "Orders")), orders(found, corp));
}

function card(app, install, corp) {
  const place = { app_key: app.key, corp_id: corp.corp_id };
  const does = (path) => async () => { await act(path, place); toast(t("已完成", "Done")); };
  const { state } = install;
  return h("section.card", {}, h("h3", {}, app.name, " ", stateTag(state)),
    facts([
      ["AgentId", String(install.agent_id)], [t("类型", "Kind"), app.is_suite ? t("第三方企业应用", "Marketplace app") : t("企业内部应用", "Internal app")],
      [t("可见范围", "Visible range"), rangeWords(install, corp)],
    ]),
    h("p.row", {},
      state === "active" && h("button.primary", { onclick: () => enter(app, corp) }, t("进入", "Enter")),
      state !== "relieved" && h("button", { onclick: () => range(app, install, corp) }, t("设置可见范围", "Set visible range")),
      state === "active" && h("button", { onclick: () => sure(t(`停用${app.name}`, `Stop ${app.name}`), t("停用", "Stop"), t("员工将不能使用该应用。", "People cannot use the app any more."), does("/apps/stop")) }, t("停用", "Stop")),
      state === "stopped" && h("button", { onclick: does("/apps/restore") }, t("启用", "Start")),
      ["active", "stopped"].includes(state) && h("button.danger", { onclick: () => sure(t(`删除${app.name}`, `Remove ${app.name}`), t("删除", "Remove"), t("应用将从工作台消失，授权保留。", "The app is gone from the workbench; the authorisation is kept."), does("/apps/remove")) }, t("删除", "Remove")),
      app.is_suite && state !== "relieved" && h("button.danger", { onclick: () => sure(t(`解除对${app.name}的授权`, `Take back the authorisation of ${app.name}`), t("解除授权", "Take it back"), t("令牌立即失效，应用不能再读取通讯录。", "Tokens end at once; the app reads no contacts any more."), does("/apps/relieve")) }, t("解除授权", "Take back")),
      app.is_suite && state === "active" && h("button", { onclick: () => buy(app, corp) }, t("购买", "Buy"))));
}

const offer = (app, corp) => h("section.card", {}, h("h3", {}, app.name, " ", tag(t("可试用 15 天", "Trial of 15 days"), "moving")),
  h("p.hint", {}, t("由云链服务商提供，安装时选择可见范围。", "By the vendor; who sees it is chosen while installing.")),
  h("p", {}, h("button.primary", { onclick: () => install(app, corp) }, t("安装应用", "Install"))));

async function sure(title, button, lead, act) {
  if (await ask(title, [], button, { danger: true, lead })) await act();
}

function rangeFields(corp, install) {
  const names = tree(corp.departments).map((each) => `${"　".repeat(each.level)}${each.name}（${each.id}）`);
  return [
    field(t("可见部门 ID（含下级）", "Visible departments, with all below"), h("input", { name: "departments", value: install.departments.join(";") }), t("多个用 ; 分开，1 为全部员工", "several with ;, 1 is everybody")),
    field(t("可见员工 ID", "Visible people"), h("input", { name: "users", value: install.users.join(";") }), t("多个用 ; 分开", "several with ;")),
    h("details.wide", {}, h("summary", {}, t("部门一览", "Departments")), h("pre.code", { style: "max-height:160px;overflow:auto" }, names.slice(0, 200).join("\n"))),
  ];
}

const rangeOf = (given) => ({ departments: splitIds(given.departments).map(Number), users: splitIds(given.users) });

async function install(app, corp) {
  const given = await ask(t(`安装${app.name}`, `Install ${app.name}`), [
    field(t("由管理员", "By"), pick({ name: "userid" }, corp.admins.map((each) => [each.userid, each.name])), t("主管理员或子管理员", "main or sub-administrator")),
    ...rangeFields(corp, { departments: [1], users: [] }),
  ], t("授权并安装", "Authorise and install"), { lead: t("授权后应用可以读取可见范围内的通讯录。", "Once authorised, the app reads the contacts of its visible range.") });
  if (!given) return;
  await act("/apps/install", { app_key: app.key, corp_id: corp.corp_id, userid: given.userid, ...rangeOf(given) });
  toast(t("已安装，授权事件已推送", "Installed; the authorisation was told"));
  if (app.admin_url) await goIn(app, given.userid);
}

async function range(app, install, corp) {
  const given = await ask(t(`${app.name} › 设置可见范围`, `${app.name} › visible range`), rangeFields(corp, install), t("提交", "Submit"));
  if (!given) return;
  await act("/apps/range", { app_key: app.key, corp_id: corp.corp_id, ...rangeOf(given) });
  toast(t("可见范围已修改", "The visible range is changed"));
}

async function enter(app, corp) {
  const given = await ask(t(`进入${app.name}`, `Enter ${app.name}`), [field(t("以管理员身份", "As administrator"), pick({ name: "userid" }, corp.admins.map((each) => [each.userid, `${each.name}（${each.userid}）`])))], t("进入", "Enter"));
  if (given) await goIn(app, given.userid);
}

/** The app's own admin page, as the administrator: it learns from the code in the address who came. */
async function goIn(app, userid) {
  const { url } = await act("/apps/enter", { app_key: app.key, corp_id: chosen.corp, userid });
  open(url, "_blank", "noopener");
}

async function buy(app, corp) {
  const kinds = [["TRYOUT", t("试用", "Try")], ["BUY", t("新购", "Buy")], ["RENEW", t("续费", "Renew")], ["UPGRADE", t("升级", "Upgrade")]];
  const given = await ask(t(`购买${app.name}`, `Buy ${app.name}`), [
    field(t("类型", "Kind"), pick({ name: "kind" }, kinds, "BUY")), field(t("期限（天）", "Days"), h("input", { name: "days", type: "number", step: "any", value: "365" }), t("填负数为已到期", "below zero it is over")), field(t("人数上限", "People"), h("input", { name: "people_max", type: "number", min: 1, value: "100" })),
  ], t("下单", "Order"));
  if (given) await act("/apps/buy", { app_key: app.key, corp_id: corp.corp_id, ...given });
}

const orders = (found, corp) => table(
  [t("订单号", "Order"), t("类型", "Kind"), [t("人数", "People"), "number"], t("到期", "Until"), ""],
  found.orders.filter((each) => each.corp_id === corp.corp_id).reverse().map((each) => [
    h("code", {}, each.order_id), each.kind, [String(each.people_max), "number"], moment(each.stops_at),
    [each.closed ? tag(t("已关闭", "Closed"), "bad") : h("button.plain.danger", { onclick: () => act("/apps/refund", { order_id: each.order_id }) }, t("退款关闭", "Refund")), "act"],
  ]), t("还没有订单。", "No orders so far."));
