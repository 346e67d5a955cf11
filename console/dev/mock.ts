/**
 * A stand-in for the server while the console is being built: `npm run mock`. Development only; never part of a build,
 * never what a test claims to test. It keeps everything in memory and knows just enough of the contract to click through.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Plugin } from "vite";

import { ledger, masters, menu, metas, type Doc, type Master } from "./data.ts";

let signedIn = true;
let enterprise: { id: string; code: string; name: string } | null = { id: "7", code: "hengju", name: "恒居家居（苏州工业园区）旗舰店" };
const ENTERPRISES = [enterprise, { id: "8", code: "linyuan", name: "林源家具制造有限公司" }];
const prefs = new Map<string, unknown>();
const answered = new Map<string, [number, unknown]>();
const docs = new Map<string, Doc[]>();
let counter = 100;
const next = (): string => `0192f0aa-0000-7000-8000-${String(++counter).padStart(12, "0")}`;

function ref(code: string, index: number): Master | null {
  const all = masters[code] ?? [];
  return all[index % Math.max(1, all.length)] ?? null;
}

const STATES = ["approved", "created", "submitted", "draft", "approved", "rereview", "approved", "voided"];
function can(state: string, collab: string): Doc["can"] {
  const edit = ["draft", "created", "rereview"].includes(state);
  const steps = { draft: ["submit", "void"], created: ["submit", "approve", "void"], submitted: ["approve", "return", "withdraw"], rereview: ["submit", "void"], approved: ["unapprove", "close"], voided: [] }[state] ?? [];
  if (state === "approved") steps.unshift(...({ unsent: ["send"], sent: ["recall"], quoted: ["agree", "disagree"], refused: ["send"] }[collab] ?? []));
  return { edit, delete: state === "draft", steps, pushes: state === "approved" ? ["stock.receipt_notice", "stock.purchase_in", "finance.payment"] : [] };
}

function totals(doc: Doc): Doc {
  let sum = 0;
  (doc.lines ?? []).forEach((line, index) => {
    const amount = Math.round(Number(line["qty"] ?? 0) * Number(line["price"] ?? 0) * (1 - Number(line["discount"] ?? 0)) * 100) / 100;
    line["amount"] = amount.toFixed(2);
    line["no"] = index + 1;
    line["id"] ??= next();
    sum += amount;
  });
  doc["amount"] = sum.toFixed(2);
  doc.can = can(String(doc.state), String(doc["collab"] ?? "none"));
  return doc;
}

function seed(): void {
  const orders: Doc[] = [];
  for (let at = 0; at < 236; at += 1) {
    const state = STATES[at % STATES.length] ?? "created";
    const collab = state === "approved" ? ["quoted", "unsent", "sent", "agreed", "accepted", "refused"][Math.floor(at / 2) % 6] : "none";
    orders.push(totals({
      id: next(), version: 3, number: state === "draft" ? null : `PO202611-${String(236 - at).padStart(5, "0")}`, state, collab: collab ?? "none", close: "open",
      date: `2026-${at < 120 ? "11" : "10"}-${String(28 - (at % 27)).padStart(2, "0")}`, due_date: `2026-12-${String(1 + (at % 28)).padStart(2, "0")}`,
      supplier: ref("masters.partner", at), warehouse: ref("masters.warehouse", at), owner: ref("org.employee", at), department: { id: "d1", code: "01", name: "采购部" },
      note: at % 5 === 0 ? "客户急用，请优先安排；外箱需加护角，送货前一天电话通知。" : null, paid_amount: at % 3 === 0 ? "1200.00" : "0.00",
      theirs_number: collab && ["quoted", "agreed", "accepted"].includes(collab) ? `HI202611-${String(at).padStart(5, "0")}` : null, expected_date: at % 4 ? null : "2026-12-05",
      created_at: "2026-11-22T01:12:00Z", updated_at: "2026-11-23T07:40:00Z", created_by: ref("org.employee", 1), updated_by: ref("org.employee", 2),
      lines: Array.from({ length: at === 0 ? 12 : 1 + (at % 5) }, (_n, line) => {
        const product = ref("masters.product", at + line);
        return { product, spec: product?.spec ?? null, unit: ref("masters.unit", line), qty: String(1 + ((at + line) % 7)), price: product?.price ?? "100", discount: line % 4 === 1 ? "0.05" : "0", due_date: null, received_qty: state === "approved" ? String((at + line) % 3) : "0", note: null };
      }),
    }));
  }
  docs.set("purchase.order", orders);
  for (const [code, rows] of Object.entries(masters)) docs.set(code, rows.map((row) => ({ ...row, version: 1, can: { edit: true, delete: true, steps: [], pushes: [] } })));
  docs.set("stock.balance", ledger);
}
seed();

function matches(row: Record<string, unknown>, clause: unknown): boolean {
  if (!Array.isArray(clause)) return ((clause as { or: unknown[] }).or ?? []).some((one) => matches(row, one));
  const [field, operator, operand] = clause as [string, string, unknown];
  const given = row[field];
  const value = given && typeof given === "object" ? (given as { id: string }).id : given;
  const both = (test: (a: string | number, b: string | number) => boolean): boolean => {
    const [a, b] = [Number(value), Number(operand)];
    return Number.isNaN(a) || Number.isNaN(b) ? test(String(value), String(operand)) : test(a, b);
  };
  switch (operator) {
    case "=": return String(value) === String(operand);
    case "!=": return String(value) !== String(operand);
    case "in": return (operand as string[]).includes(String(value));
    case ">": return both((a, b) => a > b);
    case ">=": return both((a, b) => a >= b);
    case "<": return both((a, b) => a < b);
    case "<=": return both((a, b) => a <= b);
    case "contains": return JSON.stringify(given ?? "").includes(String(operand));
    case "starts": return String(value ?? "").startsWith(String(operand));
    case "empty": return (value === null || value === undefined) === (operand !== false);
    default: return false;
  }
}

function listed(code: string, query: URLSearchParams): Doc[] {
  const filter = JSON.parse(query.get("filter") || "[]") as unknown[];
  const search = (query.get("search") ?? "").toLowerCase();
  let rows = (docs.get(code) ?? []).filter((row) => filter.every((clause) => matches(row, clause)) && (!search || JSON.stringify(row).toLowerCase().includes(search)));
  const sort = query.get("sort")?.split(",")[0];
  if (sort) {
    const name = sort.replace(/^-/, "");
    const key = (row: Doc): string => {
      const value = row[name];
      return value && typeof value === "object" ? (value as { name: string }).name : String(value ?? "").padStart(/^\d/.test(String(value)) ? 20 : 0);
    };
    rows = [...rows].sort((a, b) => key(a).localeCompare(key(b)) * (sort.startsWith("-") ? -1 : 1));
  }
  return rows;
}

class Refusal extends Error {
  constructor(readonly status: number, readonly problems: unknown[]) {
    super("refused");
  }
}

const problem = (field: string | null, message: string, line: number | null = null, code = "rule"): unknown => ({ field, line, code, message });

function reload(body: Record<string, unknown>, code: string): Record<string, unknown> {
  const meta = metas[code];
  const one = (values: Record<string, unknown>, fields: Record<string, { kind: string; ref?: string | null }> = {}): void => {
    for (const [name, field] of Object.entries(fields)) {
      if (field.kind === "ref" && typeof values[name] === "string") values[name] = (masters[field.ref ?? ""] ?? []).find((row) => row.id === values[name] || row.code === values[name]) ?? null;
    }
  };
  one(body, meta?.fields as never);
  for (const line of (body["lines"] as Record<string, unknown>[] | undefined) ?? []) one(line, meta?.sections["lines"]?.fields as never);
  return body;
}

function handle(method: string, path: string[], query: URLSearchParams, body: Record<string, unknown>): [number, unknown] {
  const [code = "", id = "", more = "", last = ""] = path;
  if (code === "session") {
    if (id === "enterprise") enterprise = ENTERPRISES.find((one) => one.id === body["enterprise"]) ?? null;
    else if (method === "POST" && !id) {
      if (body["password"] === "wrong") throw new Refusal(401, [problem(null, "账号或密码不正确，再错 3 次将暂停 1 分钟。")]);
      signedIn = true;
    } else if (method === "DELETE") signedIn = false;
    if (!signedIn) throw new Refusal(401, [problem(null, "请先登录。", null, "unsigned")]);
    return [200, { user: { id: "1", login: "chen.yu", name: "陈雨" }, enterprise, member: { id: masters["org.employee"]?.[0]?.id, name: "陈雨", department: { id: "d1", name: "采购部" }, roles: [{ code: "buyer", name: "采购员" }] }, enterprises: ENTERPRISES, locale: "zh-Hans" }];
  }
  if (!signedIn) throw new Refusal(401, [problem(null, "请先登录。", null, "unsigned")]);
  if (code === "meta") {
    if (!id) return [200, { menu, can: [] }];
    if (!metas[id]) throw new Refusal(404, []);
    return [200, metas[id]];
  }
  if (code === "prefs") {
    if (method === "PUT") prefs.set(id, body);
    return [200, prefs.get(id) ?? {}];
  }
  if (code === "home") {
    const days = Array.from({ length: 30 }, (_n, at) => `2026-${at < 8 ? "10" : "11"}-${String(at < 8 ? 24 + at : at - 7).padStart(2, "0")}`);
    return [200, {
      todo: [{ code: "purchase.order", label: "待我审核的采购订单", count: 12, filter: [["state", "=", "submitted"]] }, { code: "purchase.order", label: "待确认的上游报价", count: 5, filter: [["collab", "=", "quoted"]] }, { code: "stock.receipt_notice", label: "待收货", count: 3, filter: null }, { code: "purchase.order", label: "重新审核", count: 0, filter: [["state", "=", "rereview"]] }],
      numbers: [{ label: "本月采购额", value: "482350.00", last: "431200.50", unit: "元", code: "purchase.order", filter: null }, { label: "本月销售额", value: "1284900.00", last: "1390200.00", unit: "元", code: "sales.contract", filter: null }, { label: "应收余额", value: "268400.00", last: "301050.00", unit: "元", code: "finance.receivable", filter: null }, { label: "在途订单", value: "27", last: "31", unit: "张", code: "purchase.order", filter: null }],
      charts: [{ kind: "line", label: "近 30 天销售与采购", unit: "元", x: days, series: [{ label: "销售", y: days.map((_d, at) => String(32000 + Math.round(18000 * Math.sin(at / 3)) + at * 500)) }, { label: "采购", y: days.map((_d, at) => String(15000 + Math.round(9000 * Math.cos(at / 4)))) }], code: "sales.contract" }, { kind: "bar", label: "应收前十客户", unit: "元", x: (masters["masters.partner"] ?? []).slice(0, 8).map((one) => one.name), series: [{ label: "应收", y: [86400, 61200, 48800, 30100, 22000, 12800, 6400, 2700].map(String) }], code: "finance.receivable" }],
    }];
  }
  if (code === "search") {
    const q = (query.get("q") ?? "").toLowerCase();
    const rows = [...docs].flatMap(([one, list]) => list.filter((row) => JSON.stringify([row.number, row["name"], row["code"], row["pinyin"]]).toLowerCase().includes(q)).slice(0, 4).map((row) => ({ code: one, label: metas[one]?.label ?? one, id: row.id, number: row.number ?? null, name: (row["supplier"] as Master | null)?.name ?? row["name"], hint: row["date"] ?? row["spec"] })));
    return [200, { rows: rows.slice(0, 12) }];
  }
  if (code === "jobs") return [200, { id, kind: "import", state: "done", done: 300, total: 300, result: { created: 296, updated: 2, errors: [{ row: 17, column: "单位", field: "unit", message: "没有找到单位“只”，请先在“计量单位”中建立，或改为“个”。" }, { row: 102, column: "价格", field: "price", message: "这不是一个数字：“面议”。" }] }, error: null }];
  if (code === "chain") {
    const lanes = [{ id: "l1", partner: { name: "林源家具制造有限公司" }, direction: "out", state: "open", last_seq: 128, accepted: 128, delivered: 126, applied: 125, unsent: 2, unapplied: 0, quarantined: 0, oldest_unsent_s: 95, last_error: null, credential_days_left: 212, epoch: 1 }, { id: "l2", partner: { name: "林源家具制造有限公司" }, direction: "in", state: "open", last_seq: 94, accepted: 94, delivered: 94, applied: 92, unsent: 0, unapplied: 1, quarantined: 1, oldest_unsent_s: null, last_error: "第 93 号消息：商品 LY-2207 没有对应到我方商品", credential_days_left: 9, epoch: 1 }];
    if (id === "lanes" && !more) return [200, { rows: lanes }];
    if (id === "lanes") return [200, { rows: Array.from({ length: 14 }, (_n, at) => ({ id: `m${at}`, seq: 94 - at, type: ["quote", "shipment", "accept"][at % 3], thread: `t${at}`, version: 1, state: at === 1 ? "quarantined" : at === 4 ? "rejected" : "applied", reason: at === 1 ? "商品 LY-2207 没有对应到我方商品" : at === 4 ? "数量超过可收数量" : null, attempts: at === 1 ? 3 : 1, at: "2026-11-22T08:12:00Z", number: `PO202611-${String(230 - at).padStart(5, "0")}`, code: "purchase.order", doc: docs.get("purchase.order")?.[at]?.id })), next: null }];
    if (id === "messages") return [200, { envelope: '{"type":"quote","seq":93,"body":{"lines":[{"no":1,"price":"3950.00"}]}}', signature: "q7Jx…", path: "9f2c…", receipts: [{ kind: "R1", at: "2026-11-22T08:12:01Z" }] }];
    return [200, { state: "joined", valid_until: "2027-06-30", credential: { id: "c1", name: "云链凭证 2026" }, chain_id: "YL-7F3A-9C21", communication_user: { id: "u9", name: "云链通信账号" } }];
  }
  if (code === "finance.statement") {
    let balance = 12000;
    const rows = (docs.get("purchase.order") ?? []).slice(0, 14).map((doc, at) => {
      const charge = at % 3 === 2 ? 0 : Number(doc["amount"]);
      const paid = at % 3 === 2 ? 5000 : 0;
      balance += charge - paid;
      return { date: doc["date"], code: "purchase.order", label: at % 3 === 2 ? "付款单" : "采购入库单", id: doc.id, number: doc.number ?? "", charge: charge.toFixed(2), paid: paid.toFixed(2), balance: balance.toFixed(2) };
    });
    return [200, { partner: { id: query.get("partner"), name: "林源家具制造有限公司" }, opening: "12000.00", closing: balance.toFixed(2), rows, side: "payable" }];
  }
  const list = docs.get(code) ?? [];
  if (!metas[code]) throw new Refusal(404, []);
  if (id === "total") {
    const rows = listed(code, query);
    return [200, { count: rows.length, sums: Object.fromEntries((metas[code]?.sums ?? []).map((name) => [name, rows.reduce((sum, row) => sum + Number(row[name] ?? 0), 0).toFixed(2)])) }];
  }
  if (id === "lookup") {
    const q = (query.get("q") ?? "").toLowerCase();
    return [200, { rows: list.filter((row) => `${String(row["code"])} ${String(row["name"])} ${String(row["pinyin"] ?? "")}`.toLowerCase().includes(q)).slice(0, 20).map((row) => ({ ...row, hint: row["hint"] ?? row["spec"] ?? null })) }];
  }
  if (id === "resolve") {
    const found: Record<string, unknown> = {};
    const missing: string[] = [];
    for (const value of body["values"] as string[]) {
      const row = list.find((one) => one["code"] === value || one["name"] === value);
      if (row) found[value] = row;
      else missing.push(value);
    }
    return [200, { found, missing }];
  }
  if (id === "import") return [202, { job: "j1" }];
  if (id === "pull") {
    const source = docs.get(more) ?? [];
    if (method === "GET") return [200, { rows: source.filter((doc) => doc.state === "approved").slice(0, 12).flatMap((doc) => (doc.lines ?? []).map((line) => ({ line: line["id"], doc: doc.id, number: doc.number, date: doc["date"], product: line["product"], qty: line["qty"], price: line["price"], open: line["qty"] }))) }];
    const picked = Object.entries((body["lines"] ?? {}) as Record<string, string | null>);
    const lines = source.flatMap((doc) => doc.lines ?? []);
    return [200, { lines: picked.flatMap(([line, qty]) => {
      const found = lines.find((one) => one["id"] === line);
      return found ? [{ product: found["product"], unit: found["unit"], qty: qty ?? found["qty"], price: found["price"], sources: [{ line, qty: qty ?? found["qty"] }] }] : [];
    }) }];
  }
  if (!id) {
    if (method === "POST") {
      const draft = body["draft"] === true;
      const doc = totals({ ...reload(body, code), id: next(), version: 1, number: draft ? null : `PO202611-${String(list.length + 1).padStart(5, "0")}`, state: draft ? "draft" : "created", collab: "none", close: "open", created_at: new Date().toISOString(), updated_at: new Date().toISOString() } as unknown as Doc);
      const bad = (doc.lines ?? []).flatMap((line, at) => (Number(line["qty"]) > 100 ? [problem("qty", `数量 ${String(line["qty"])} 超过可订数量 100，请改为 100 或联系供应商。`, at + 1)] : []));
      if (bad.length) throw new Refusal(409, [...bad, problem("due_date", "交货日期早于单据日期，请改为单据日期之后。")]);
      list.unshift(doc);
      return [201, doc];
    }
    const rows = listed(code, query);
    const from = Number(query.get("cursor") || 0);
    const limit = Number(query.get("limit") || 50);
    return [200, { rows: rows.slice(from, from + limit), next: from + limit < rows.length ? String(from + limit) : null }];
  }
  const doc = list.find((one) => one.id === id);
  if (!doc) throw new Refusal(404, [problem(null, "没有找到。")]);
  if (more === "trace") {
    const node = (one: string, label: string, key: string, current = false, amount: string | null = null): unknown => ({ code: one, label, id: key, number: current ? doc.number ?? "" : `${key}202611-00012`, state: "approved", state_label: "已审核", tone: "good", date: "2026-11-22", amount, current });
    return [200, { nodes: [node("sales.contract", "销售合同", "SC", false, "8500.00"), node("sales.intention", "销售意向", "SI"), node("purchase.order", "采购订单", doc.id, true, String(doc["amount"])), node("stock.receipt_notice", "采购收货通知单", "RN"), node("stock.receipt_notice", "采购收货通知单", "RN2"), node("stock.purchase_in", "采购入库单", "PI", false, "4370.00"), node("finance.payment", "付款单", "FP", false, "2395.00")], edges: [{ from: "SI", to: "SC", qty: "3", unit: "件" }, { from: "SC", to: doc.id, qty: "3", unit: "件" }, { from: doc.id, to: "RN", qty: "2", unit: "件" }, { from: doc.id, to: "RN2", qty: "1", unit: "件" }, { from: "RN", to: "PI", qty: "2", unit: "件" }, { from: doc.id, to: "FP", qty: null }] }];
  }
  if (more === "log") return [200, { rows: [{ at: "2026-11-23T07:40:00Z", by: { id: "2", name: "王立" }, act: "approve", act_label: "审核", changes: [{ field: "state", label: "状态", line: null, old: "submitted", new: "approved" }], note: null }, { at: "2026-11-22T01:20:00Z", by: { id: "1", name: "陈雨" }, act: "edit", act_label: "修改", changes: [{ field: "qty", label: "数量", line: 2, old: "2", new: "3" }, { field: "due_date", label: "交货日期", line: null, old: "2026-12-01", new: "2026-12-05" }], note: null }], next: null }];
  if (more === "chain") return [200, { partner: { name: "林源家具制造有限公司" }, status: "quoted", ours: { number: doc.number, state: doc["collab"] }, theirs: { code: "sales.intention", number: "HI202611-00009", state: "待对方确认", expected_date: "2026-12-05" }, differences: [{ field: "amount", label: "金额", line: null, ours: "3900.00", theirs: "3950.00" }, { field: "price", label: "单价", line: 1, ours: "1950", theirs: "1975" }], events: [{ at: "2026-11-22T01:12:00Z", side: "ours", act: "send", label: "发送订单", detail: "12 行，¥3,900.00", status: "delivered", reason: null }, { at: "2026-11-22T01:30:00Z", side: "theirs", act: "accept", label: "受理", detail: "HI202611-00009", status: "applied", reason: null }, { at: "2026-11-22T02:05:00Z", side: "theirs", act: "quote", label: "报价", detail: "¥3,950.00，预计 12-05", status: "applied", reason: null }, { at: "2026-11-23T01:05:00Z", side: "ours", act: "disagree", label: "不同意", detail: "价格高于上月", status: "queued", reason: null }] }];
  if (more === "grants") return [200, { verbs: Object.values(metas).filter((meta) => meta.kind !== "page").map((meta) => ({ code: meta.code, label: meta.label, verbs: ["查看", "编辑", "提交", "审核", "反审核", "作废", "导出", "导入"].map((label, at) => ({ verb: `v${at}`, label, granted: at < 4 })) })), scopes: Object.fromEntries(Object.keys(metas).map((one) => [one, "department"])), guards: [{ guard: "purchase.price", label: "采购价格", read: true, write: false }, { guard: "stock.cost", label: "成本", read: false, write: false }] }];
  if (more === "push") return [200, { supplier: doc["supplier"], lines: (doc.lines ?? []).map((line) => ({ product: line["product"], unit: line["unit"], qty: line["qty"], price: line["price"], sources: [{ line: line["id"], qty: line["qty"] }] })) }];
  if (method === "GET" && !more) return [200, doc];
  if (method === "DELETE") {
    list.splice(list.indexOf(doc), 1);
    return [204, undefined];
  }
  if (method === "PUT") {
    if (body["version"] !== doc.version) throw new Refusal(409, [{ ...(problem(null, "此单已被王立修改。", null, "stale") as object), changes: [{ field: "note", label: "备注", line: null, by: { id: "2", name: "王立" }, at: new Date(Date.now() - 120_000).toISOString(), old: null, new: "改到下周" }] }]);
    Object.assign(doc, reload(body, code), { version: Number(doc.version) + 1, updated_at: new Date().toISOString() });
    return [200, totals(doc)];
  }
  const step = metas[code]?.steps.find((one) => one.name === more);
  if (method === "POST" && step && !last) {
    if (step.track === "collab") doc["collab"] = step.to;
    else doc.state = step.to;
    if (step.to === "approved" && doc["collab"] === "none") doc["collab"] = "unsent";
    doc.version = Number(doc.version) + 1;
    return [200, totals(doc)];
  }
  throw new Refusal(404, [problem(null, "没有找到。")]);
}

async function read(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  try {
    return JSON.parse(Buffer.concat(parts).toString() || "{}") as Record<string, unknown>;
  } catch {
    return {};
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://mock");
  const key = String(request.headers["idempotency-key"] ?? "");
  let result: [number, unknown];
  try {
    result = answered.get(key) ?? handle(request.method ?? "GET", url.pathname.split("/").slice(2).map(decodeURIComponent), url.searchParams, await read(request));
    if (key) answered.set(key, result);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    result = [error.status, { problems: error.problems }];
  }
  await new Promise((resolve) => setTimeout(resolve, Number(process.env["MOCK_DELAY"] ?? 40)));
  response.statusCode = result[0];
  response.setHeader("Content-Type", "application/json");
  response.end(result[1] === undefined ? "" : JSON.stringify(result[1]));
}

export function mockServer(): Plugin {
  return {
    name: "mock-server",
    configureServer(server) {
      server.middlewares.use((request, response, go) => {
        if (request.url?.startsWith("/api/")) void answer(request, response);
        else go();
      });
    },
  };
}
