/** Believable data for the stand-in server: home furnishing, long names included. */
import type { Field, LineBody, Meta, MenuApp, Step } from "../src/types";

export type Master = { id: string; code: string; name: string; pinyin?: string; spec?: string | null; price?: string } & Record<string, unknown>;
export type Doc = { id: string; version: number; number?: string | null; state?: string; lines?: LineBody[]; can?: { edit: boolean; delete: boolean; steps: string[]; pushes: string[] } } & Record<string, unknown>;

const id = (group: number, at: number): string => `0192f0bb-${String(group).padStart(4, "0")}-7000-8000-${String(at).padStart(12, "0")}`;
const make = (group: number, prefix: string, names: string[], more: (at: number) => Record<string, unknown> = () => ({})): Master[] =>
  names.map((name, at) => ({ id: id(group, at), code: `${prefix}${String(at + 1).padStart(3, "0")}`, name, is_active: true, ...more(at) }));

const woods = ["北美白橡木", "黑胡桃", "樱桃木", "榉木", "白蜡木"];
const things = ["双人床", "床头柜", "四门衣柜", "餐桌", "餐椅", "书桌", "沙发三人位", "茶几", "电视柜", "斗柜"];
const products = woods.flatMap((wood, w) => things.map((thing, t) => ({ name: `${wood}${thing}`, spec: ["1.8×2.0 m", "500×400×520", "2000×600×2200", "1600×800×750", "480×520×820"][t % 5] ?? "", price: String(380 + w * 260 + t * 415) })));

export const masters: Record<string, Master[]> = {
  "masters.partner": make(1, "P", ["林源家具制造有限公司", "佛山市顺德区龙江镇华盛皮具沙发实业有限公司（华南总部）", "苏州恒美装饰", "杭州云栖软装设计工作室", "上海徐汇尚居体验店", "宁波海曙木作", "南京江宁居然之家专营店", "无锡新吴雅居", "常州天宁家居广场", "嘉兴南湖宜家装饰", "Nordic Living Trading Co., Ltd."], (at) => ({ pinyin: ["lyjjzz", "fssd", "szhmzs", "hzyqrz", "shxhsj", "nbhsmz", "njjn", "wxxw", "cztn", "jxnh", "nordic"][at] })),
  "masters.warehouse": make(2, "W", ["苏州中心仓", "园区门店仓", "虎丘周转仓"]),
  "masters.unit": make(3, "U", ["件", "套", "张", "把"]),
  "masters.product": make(4, "LY-", products.map((one) => one.name), (at) => ({ spec: products[at]?.spec, price: products[at]?.price, hint: `${products[at]?.spec}　库存 ${at % 9}　¥${products[at]?.price}`, unit: { id: id(3, at % 4), code: "U", name: ["件", "套", "张", "把"][at % 4] } })),
  "org.employee": make(5, "E", ["陈雨", "王立", "赵敏", "孙浩"]),
  "org.role": make(6, "R", ["店长", "采购员", "仓管员", "财务人员"]),
};

export const ledger: Doc[] = Array.from({ length: 60 }, (_n, at) => ({ id: id(9, at), version: 1, product: masters["masters.product"]?.[at % 50], warehouse: masters["masters.warehouse"]?.[at % 3], on_hand: String((at * 7) % 23), reserved: String(at % 4), available: String(((at * 7) % 23) - (at % 4)), in_transit: String(at % 3), on_order: String((at * 3) % 8), value: (((at * 7) % 23) * 640).toFixed(2) }));

const f = (kind: Field["kind"], label: string, more: Partial<Field> = {}): Field => ({ kind, label, required: false, readonly: false, ...more });
const STANDARD = [["draft", "暂存", "quiet"], ["created", "创建", "moving"], ["submitted", "已提交", "waiting"], ["approved", "已审核", "good"], ["rereview", "重新审核", "waiting"], ["voided", "已作废", "quiet"]] as const;
const COLLAB = [["none", "无", "quiet"], ["unsent", "未发送", "quiet"], ["sent", "待受理", "moving"], ["accepted", "已受理", "moving"], ["quoted", "待确认", "partner"], ["agreed", "协同完成", "good"], ["refused", "已拒绝", "bad"]] as const;
const states = (given: readonly (readonly [string, string, string])[]) => given.map(([value, label, tone]) => ({ value, label, tone: tone as "quiet" }));
const step = (name: string, label: string, from: string[], to: string, tone: Step["tone"] = "quiet", more: Partial<Step> = {}): Step => ({ name, label, track: "state", from, to, tone, confirm: null, input: [], ...more });

const STEPS = [
  step("submit", "提交", ["draft", "created", "rereview"], "submitted", "primary"), step("approve", "审核", ["created", "submitted"], "approved", "primary"),
  step("return", "退回", ["submitted"], "rereview", "quiet", { input: [{ name: "reason", kind: "text", label: "退回原因", required: true }] }), step("withdraw", "撤回", ["submitted"], "created"),
  step("unapprove", "反审核", ["approved"], "rereview", "danger", { confirm: "将撤销审核，已登记的在途数量会冲回。" }), step("void", "作废", ["draft", "created", "rereview"], "voided", "danger", { confirm: "作废后不能恢复。" }), step("close", "关闭", ["approved"], "approved"),
  step("send", "发送上游", ["unsent", "refused"], "sent", "primary", { track: "collab" }), step("recall", "撤回发送", ["sent"], "unsent", "quiet", { track: "collab" }),
  step("agree", "确认报价", ["quoted"], "agreed", "primary", { track: "collab" }), step("disagree", "不同意", ["quoted"], "accepted", "quiet", { track: "collab", input: [{ name: "reason", kind: "longtext", label: "原因", required: true }] }),
];

const lines: Record<string, Field> = {
  product: f("ref", "商品", { ref: "masters.product", required: true }), spec: f("text", "规格", { readonly: true }), unit: f("ref", "单位", { ref: "masters.unit" }), qty: f("qty", "数量", { required: true }), price: f("price", "单价"), discount: f("rate", "折扣"),
  amount: f("amount", "金额", { formula: "round(round(qty * price) * (1 - discount))", readonly: true }), due_date: f("date", "交货日期"), received_qty: f("done", "已收", { readonly: true, of: "qty" }), note: f("text", "备注"),
};

function documentMeta(code: string, label: string, app: string): Meta {
  return {
    code, label, kind: "document", app,
    fields: {
      number: f("code", "单号", { readonly: true }), date: f("date", "日期", { required: true }), supplier: f("ref", "供应商", { ref: "masters.partner", required: true }), warehouse: f("ref", "收货仓库", { ref: "masters.warehouse", required: true }), due_date: f("date", "交货日期"),
      owner: f("ref", "业务员", { ref: "org.employee" }), note: f("longtext", "备注"), amount: f("amount", "金额", { formula: "total(lines.amount)", readonly: true }), paid_amount: f("done", "已付", { of: "amount", readonly: true }), theirs_number: f("code", "对方单号", { readonly: true }), expected_date: f("date", "对方预计", { readonly: true }), created_at: f("moment", "制单时间", { readonly: true }),
    },
    sections: { lines: { label: "商品明细", fields: lines } },
    form: [{ label: "订单", of: null, fields: ["supplier", "warehouse", "date", "due_date", "owner", "amount", "note"] }, { label: "商品明细", of: "lines", fields: ["product", "spec", "unit", "qty", "price", "discount", "amount", "due_date", "received_qty", "note"] }],
    columns: ["number", "date", "supplier", "warehouse", "due_date", "amount", "theirs_number", "expected_date", "owner", "collab", "state"], find: ["number", "supplier"], sums: ["amount", "paid_amount"],
    tracks: [{ field: "state", label: "状态", states: states(STANDARD) }, { field: "collab", label: "协同", states: states(COLLAB) }], steps: STEPS,
    pulls: code === "purchase.order" ? [] : [{ source: "purchase.order", label: "采购订单" }],
    leads: [], pushes: code === "purchase.order" ? [{ target: "stock.receipt_notice", label: "采购收货通知单" }, { target: "stock.purchase_in", label: "采购入库单" }, { target: "finance.payment", label: "付款单" }] : [],
    chained: code === "purchase.order", can: { view: true, edit: true, export: true, import: true, delete: true, steps: STEPS.map((one) => one.name) }, sort: "-date",
  };
}
function masterMeta(code: string, label: string, more: Record<string, Field> = {}): Meta {
  const fields = { code: f("code", "编码", { required: true }), name: f("text", "名称", { required: true, max_length: 100 }), ...more, is_active: f("boolean", "启用"), note: f("longtext", "备注") };
  return { code, label, kind: "master", app: code.split(".")[0] ?? "", fields, sections: {}, form: [{ label: "基本", of: null, fields: Object.keys(fields) }], columns: Object.keys(fields).filter((name) => name !== "note"), find: ["code", "name"], sums: [], tracks: [], steps: [], pulls: [], pushes: [], leads: [], chained: false, can: { view: true, edit: true, export: true, import: true, delete: true, steps: [] }, sort: "code" };
}

export const metas: Record<string, Meta> = Object.fromEntries([
  documentMeta("purchase.order", "采购订单", "purchasing"), documentMeta("stock.receipt_notice", "采购收货通知单", "stock"), documentMeta("stock.purchase_in", "采购入库单", "stock"), documentMeta("finance.payment", "付款单", "finance"), documentMeta("sales.contract", "销售合同", "sales"),
  masterMeta("masters.partner", "往来单位", { phone: f("phone", "电话"), tags: f("tags", "标签") }), masterMeta("masters.product", "商品", { spec: f("text", "规格"), price: f("price", "标准价") }), masterMeta("masters.warehouse", "仓库"), masterMeta("masters.unit", "计量单位"), masterMeta("org.employee", "员工"), masterMeta("org.role", "角色"),
  { ...masterMeta("chain.link", "企业关联"), app: "chain" }, { ...masterMeta("chain.credential", "访问凭证"), app: "chain" }, { ...masterMeta("chain.product", "上游商品"), app: "chain" },
  { ...masterMeta("stock.balance", "库存查询"), kind: "ledger" as const, app: "stock", fields: { product: f("ref", "商品", { ref: "masters.product" }), warehouse: f("ref", "仓库", { ref: "masters.warehouse" }), on_hand: f("qty", "现存"), reserved: f("qty", "预留"), available: f("qty", "可用"), in_transit: f("qty", "在途"), on_order: f("qty", "在订"), value: f("amount", "金额") }, columns: ["product", "warehouse", "on_hand", "reserved", "available", "in_transit", "on_order", "value"], sums: ["on_hand", "value"], form: [], sort: "product" },
].map((meta) => [meta.code, meta as Meta]));

const item = (code: string) => ({ code, label: metas[code]?.label ?? code, kind: metas[code]?.kind ?? ("page" as const) });
export const menu: MenuApp[] = [
  { app: "sales", label: "销售", items: [item("sales.contract")] }, { app: "purchasing", label: "采购", items: [item("purchase.order")] }, { app: "stock", label: "仓储", items: [item("stock.receipt_notice"), item("stock.purchase_in"), item("stock.balance")] },
  { app: "finance", label: "财务", items: [item("finance.payment"), { code: "finance.statement", label: "往来对账单", kind: "page" }] }, { app: "chain", label: "云链", items: [item("chain.link"), item("chain.credential"), item("chain.product"), { code: "chain.lanes", label: "消息通道", kind: "page" }, { code: "chain.membership", label: "云链成员", kind: "page" }] },
  { app: "masters", label: "资料", items: ["masters.partner", "masters.product", "masters.warehouse", "masters.unit"].map(item) }, { app: "org", label: "组织", items: ["org.employee", "org.role"].map(item) },
];
