// 客户联系 and 上下游: customers who come and go, companies that join.
import { ask, empty, field, fill, h, head, moment, pick, t, table, tag, toast } from "/sandbox/page/kit.js";
import { act, corp, read, switcher } from "./corp.js";

const TRANSFER = { 1: [["已完成", "Done"], "good"], 2: [["等待", "Waiting"], "waiting"], 3: [["已拒绝", "Refused"], "bad"], 4: [["上限", "Full"], "bad"] };

export async function customers(root) {
  const found = await corp();
  const page = await read("/customers");
  fill(root,
    head(t("客户联系", "Customer contact"), t("微信里的客户怎样加上、改备注、离开；每一步都会回调。", "How customers in WeChat come, are noted, and go; each is called back."), switcher(found),
      h("button.primary", { onclick: add }, t("客户添加成员", "A customer adds a member"))),
    table(
      [t("客户", "Customer"), t("跟进成员", "Member"), t("备注", "Remark"), t("标签", "Tags"), t("来源", "State"), t("添加时间", "Since"), ""],
      page.follows.map((each) => [
        h("span", { title: each.customer }, each.name), each.user, each.remark || "–", h("span.row", {}, each.tag_names.map((name) => tag(name, "moving"))), each.state || "–", moment(each.created),
        [each.deleted_by_customer ? tag(t("客户已删除成员", "gone"), "bad") : h("span", {},
          h("button.plain", { onclick: () => remark(each) }, t("改备注", "Note")),
          h("button.plain.danger", { onclick: () => act("/customers/drop", { user: each.user, customer: each.customer }) }, t("成员删除客户", "Member deletes")),
          h("button.plain.danger", { onclick: () => act("/customers/drop", { user: each.user, customer: each.customer, by_customer: true }) }, t("客户删除成员", "Customer deletes"))), "act"],
      ]), t("还没有客户。", "No customer so far.")),
    page.transfers.length > 0 && h("section", {}, h("h3", { style: "margin-top:24px" }, t("在职与离职继承", "Hand-over")), table(
      [t("客户", "Customer"), t("原成员", "From"), t("接替成员", "To"), t("状态", "State"), ""],
      page.transfers.map((each) => [h("span", { title: each.customer }, each.name), each.handover, each.takeover, tag(t(...TRANSFER[each.status][0]), TRANSFER[each.status][1]),
        [each.status === 2 && h("span", {},
          h("button.plain", { onclick: () => act("/customers/transfers/answer", { customer: each.customer }) }, t("客户接受", "Accept")),
          h("button.plain.danger", { onclick: () => act("/customers/transfers/answer", { customer: each.customer, refuse: true }) }, t("客户拒绝", "Refuse"))), "act"]]), "")));
}

async function add() {
  const given = await ask(t("客户添加成员", "A customer adds a member"), [
    field(t("客户昵称", "Name"), h("input", { name: "name", required: true })),
    field(t("成员帐号", "Member"), h("input", { name: "user", required: true, value: "founder" })),
    field(t("渠道参数 state", "State of the way"), h("input", { name: "state" })),
    field(t("类型", "Kind"), pick({ name: "type" }, [["1", t("微信用户", "WeChat user")], ["2", t("其他企业的企业微信用户", "Member of another corp")]])),
  ], t("添加成员", "Add the member"));
  if (!given) return;
  await act("/customers/add", { ...given, type: Number(given.type) });
  toast(t("已添加", "Added"));
}

async function remark(each) {
  const given = await ask(each.name, [field(t("备注", "Remark"), h("input", { name: "remark", value: each.remark }))], t("保存备注", "Save the note"));
  if (given) await act("/customers/edit", { user: each.user, customer: each.customer, ...given });
}

export async function chains(root) {
  const found = await corp();
  const { current, corps } = found;
  const all = Object.values(current.chains);
  fill(root, head(t("上下游", "Chains"), t("总部把应用共享给分公司与经销商；每家有自己的企业 ID 和 AgentId。", "The head company shares its app with branches and dealers; each has a corp ID and agent ID of its own."), switcher(found)));
  if (!all.length) fill(root, h("div.card", {}, empty(t("这家企业没有创建上下游。", "This company has made no chain."))));
  for (const chain of all) {
    const groups = Object.fromEntries(chain.groups.map((each) => [each.id, each.name]));
    fill(root, h("h3", {}, `${chain.name}（${chain.id}）`), table(
      [t("企业", "Company"), t("分组", "Group"), t("企业 ID", "Corp ID"), t("自定义 ID", "Our id"), t("状态", "State"), ""],
      chain.corps.map((each) => [each.name, groups[each.group], h("code", {}, each.corp || each.pending), each.custom_id || "–",
        each.joined ? tag(t("已加入", "Joined"), "good") : tag(t("待加入", "Invited"), "waiting"),
        [each.joined
          ? h("button.plain.danger", { onclick: () => act("/chains/leave", { chain: chain.id, branch: each.corp }) }, t("移出", "Remove"))
          : h("button.plain", { onclick: async () => { const said = await act("/chains/join", { chain: chain.id, pending: each.pending }); toast(`${t("已加入", "Joined")} ${said.corp}`); } }, t("接受邀请", "Accept")), "act"]]),
      t("还没有企业。", "No company so far.")));
  }
  const shared = Object.entries(current.shared_with);
  if (shared.length) {
    const names = Object.fromEntries(corps.map((each) => [each.id, each.name]));
    fill(root, h("h3", { style: "margin-top:24px" }, t("应用共享", "Shared apps")), table(
      [t("下级企业", "Company"), t("企业 ID", "Corp ID"), t("我方 AgentId", "Our agent"), t("下级 AgentId", "Their agent")],
      shared.flatMap(([id, agents]) => Object.entries(agents).map(([ours, theirs]) => [names[id] || id, h("code", {}, id), ours, String(theirs)])), ""));
  }
}
