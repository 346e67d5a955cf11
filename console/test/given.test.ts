/** What the server fills in beside what somebody typed: it comes by itself, is renewed by itself, and never covers a typed word. */
import { effectScope, nextTick, ref, shallowRef } from "vue";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { useEditing, type Editing, type Line } from "@/form/editing";
import { afterTyping } from "@/form/given";
import { usePreview } from "@/form/preview";
import type { OpenRecord } from "@/form/record";
import type { DocumentBody, FieldValue, Meta, Preview } from "@/types";

const META: Meta = {
  code: "sales.contract", label: "销售合同", kind: "document", app: "sales", fills: true,
  fields: {
    customer: { kind: "ref", label: "客户", ref: "masters.partner", required: true }, date: { kind: "date", label: "日期", required: true },
    contact: { kind: "text", label: "联系人" }, note: { kind: "text", label: "备注" }, total: { kind: "amount", label: "合计", formula: "total(lines.amount)", readonly: true },
  },
  sections: { lines: { label: "明细", fields: {
    product: { kind: "ref", label: "商品", ref: "masters.product", required: true }, unit: { kind: "ref", label: "单位", ref: "masters.unit" },
    qty: { kind: "qty", label: "数量", required: true }, factor: { kind: "qty", label: "换算", readonly: true }, price: { kind: "price", label: "单价", required: true },
    price_reason: { kind: "reason", label: "取价依据", readonly: true, of: "price", by: ["product", "unit", "qty"], choices: [{ value: "manual", label: "手工定价" }, { value: "partner", label: "合作价" }] },
    amount: { kind: "amount", label: "金额", formula: "round(qty * price)", readonly: true }, note: { kind: "text", label: "备注" },
  } } },
  form: [], columns: [], find: [], sums: [], tracks: [], steps: [], pulls: [], pushes: [], leads: [], chained: false, can: { edit: true },
};
const bed = { id: "p1", code: "A-1", name: "橡木床" };
const chair = { id: "p2", code: "A-2", name: "椅" };
const piece = { id: "u1", code: "PC", name: "件" };
const box = { id: "u2", code: "BOX", name: "箱" };

function begun(): Editing {
  const made = useEditing(() => META, () => "2026-11-23");
  made.begin();
  return made;
}
function type(one: Editing, values: Record<string, FieldValue>, at = 0): Line {
  const line = one.lines.value[at] ?? one.newLine();
  const next = [...one.lines.value];
  next[at] = { ...line, values: { ...line.values, ...values } };
  one.setLines(next);
  return one.lines.value[at] as Line;
}
/** The server's word on the first line. */
function say(one: Editing, line: Record<string, unknown>, more: Partial<Preview> = {}): void {
  const { keys } = one.body();
  one.complete({ header: {}, lines: [{ no: 1, ...line }], problems: [], ...more }, one.lines.value, keys);
}
const first = (one: Editing): Line => one.lines.value[0] as Line;
const sent = (one: Editing): Record<string, unknown> => (one.body().body["lines"] as Record<string, unknown>[])[0] ?? {};

describe("filling in", () => {
  it("puts unit, price, factor and reason beside a product, and computes on", () => {
    const one = begun();
    type(one, { product: bed, qty: "2" });
    say(one, { unit: piece, factor: "1", price: "880.00", price_reason: "partner LI" }, { header: { contact: "李" } });
    expect(first(one).values).toMatchObject({ unit: piece, factor: "1", price: "880.00", price_reason: "partner LI", amount: "1760" });
    expect([one.header["contact"], one.header["total"]]).toEqual(["李", "1760"]);
  });

  it("does not send what it filled in, so that saving finds it anew", () => {
    const one = begun();
    type(one, { product: bed, qty: "2" });
    say(one, { unit: piece, price: "880.00", price_reason: "partner LI" }, { header: { contact: "李" } });
    expect(sent(one)).toEqual({ product: "p1", qty: "2", note: null });
    expect(one.body().body).not.toHaveProperty("contact");
  });

  it("renews what it filled in when the answer is another", () => {
    const one = begun();
    type(one, { product: bed, qty: "2" });
    say(one, { price: "880.00", price_reason: "partner LI" });
    type(one, { qty: "12" });
    expect(sent(one)).not.toHaveProperty("price");
    say(one, { price: "850.00", price_reason: "partner LI ≥10" });
    expect(first(one).values).toMatchObject({ price: "850.00", amount: "10200" });
  });

  it("never covers what was typed, neither before nor after", () => {
    const one = begun();
    one.setHeader("contact", "王");
    type(one, { product: bed, qty: "2", price: "870" });
    say(one, { unit: piece, price: "880.00", price_reason: "manual" }, { header: { contact: "李" } });
    expect([first(one).values["price"], one.header["contact"]]).toEqual(["870", "王"]);
    type(one, { unit: box });
    type(one, { product: chair });
    say(one, { unit: piece, price: "300.00", price_reason: "manual" });
    expect(first(one).values).toMatchObject({ unit: box, price: "870" });
    expect(sent(one)).toMatchObject({ unit: "u2", price: "870" });
  });

  it("lets a typed price go again when it is cleared", () => {
    const one = begun();
    type(one, { product: bed, qty: "2", price: "870" });
    type(one, { price: null });
    say(one, { price: "880.00", price_reason: "partner LI" });
    expect(first(one).values["price"]).toBe("880.00");
  });

  it("leaves a line alone that was touched while the server thought", () => {
    const one = begun();
    type(one, { product: bed, qty: "2" });
    const { keys } = one.body();
    const asked = one.lines.value;
    type(one, { product: chair });
    one.complete({ header: {}, lines: [{ no: 1, price: "880.00" }], problems: [] }, asked, keys);
    expect(first(one).values["price"]).toBeUndefined();
  });

  it("is no act: undo takes back what was typed, with what came of it", () => {
    const one = begun();
    type(one, { product: bed });
    type(one, { qty: "2" });
    say(one, { price: "880.00", price_reason: "partner LI" });
    one.stepBack();
    expect(first(one).values).not.toHaveProperty("price");
    expect(first(one).values["qty"]).toBeUndefined();
  });

  it("makes nothing dirty by itself", () => {
    const one = begun();
    say(one, {}, { header: { contact: "李" } });
    expect(one.dirty.value).toBe(false);
    one.setHeader("contact", "王");
    expect(one.dirty.value).toBe(true);
  });

  it("marks what saving would refuse, without counting it among the problems", () => {
    const one = begun();
    type(one, { product: bed, qty: "1.5" });
    say(one, {}, { problems: [{ field: "qty", line: 1, code: "precision", message: "件不能有小数" }] });
    expect(one.marked.value.get(`${first(one).key}.qty`)).toBe("件不能有小数");
    expect(one.marks.value).toEqual([]);
  });
});

describe("a saved document", () => {
  const doc = (reason: string): DocumentBody => ({ id: "d1", version: 3, date: "2026-11-01", customer: { id: "c1", name: "李" }, lines: [{ id: "l1", product: bed, unit: piece, qty: "9.000000", price: "880.00", price_reason: reason, amount: "7920.00", note: "急" }] });
  function opened(reason: string): Editing {
    const made = useEditing(() => META, () => "2026-11-23");
    made.take(doc(reason));
    return made;
  }

  it("asks for its price again once another quantity hangs on it", () => {
    const one = opened("partner LI");
    expect(sent(one)["price"]).toBe("880.00");
    type(one, { note: "不急" });
    expect(sent(one)["price"]).toBe("880.00");
    type(one, { qty: "12" });
    expect(sent(one)).not.toHaveProperty("price");
    say(one, { price: "850.00", price_reason: "partner LI ≥10" });
    expect(first(one).values["price"]).toBe("850.00");
  });

  it.each(["manual", "source SI-1", "quoted", ""])("keeps a price whose reason is %j", (reason) => {
    const one = opened(reason);
    type(one, { qty: "12" });
    expect(sent(one)["price"]).toBe("880.00");
    say(one, { price: "850.00", price_reason: reason });
    expect(first(one).values["price"]).toBe("880.00");
  });

  it("takes the unit of another product, and keeps the note", () => {
    const one = opened("partner LI");
    type(one, { product: chair });
    expect(sent(one)).toEqual({ id: "l1", product: "p2", qty: "9.000000", note: "急" });
    say(one, { unit: box, price: "300.00", price_reason: "partner LI" });
    expect(first(one).values).toMatchObject({ unit: box, price: "300.00", note: "急" });
  });
});

it("notes what is typed and what is open again", () => {
  const fields = META.sections["lines"]?.fields ?? {};
  const values = { product: bed, unit: piece, qty: "2", price: "880.00", price_reason: "partner LI" };
  expect(afterTyping({}, fields, values, ["qty"])).toEqual({ typed: ["qty"], given: ["price"] });
  expect(afterTyping({ typed: ["price"] }, fields, values, ["product"])).toEqual({ typed: ["price", "product"], given: ["unit"] });
});

describe("asking", () => {
  const bodies: { path: string; body: Record<string, unknown> }[] = [];
  let answer: () => Response = () => Response.json({ header: {}, lines: [], problems: [] });
  beforeEach(() => {
    vi.useFakeTimers();
    bodies.length = 0;
    vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
      bodies.push({ path, body: JSON.parse(String(init.body)) as Record<string, unknown> });
      return answer();
    });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  function opened(one: Editing, id?: string, meta = META) {
    const scope = effectScope();
    const record = { props: { code: "sales.contract", id }, meta: ref(meta), editing: one, ready: ref(true), canEdit: ref(true), saved: shallowRef(one.saved.value) } as unknown as OpenRecord;
    const preview = scope.run(() => usePreview(record));
    if (!preview) throw new Error("no preview");
    return { preview, stop: () => scope.stop() };
  }

  it("waits for a pause, asks once, and does not ask again for its own answer", async () => {
    const one = begun();
    const { stop } = opened(one);
    await vi.advanceTimersByTimeAsync(300);
    bodies.length = 0;
    answer = () => Response.json({ header: {}, lines: [{ no: 1, unit: piece, price: "880.00", price_reason: "partner LI" }], problems: [] });
    type(one, { product: bed });
    await nextTick();
    await vi.advanceTimersByTimeAsync(100);
    type(one, { qty: "2" });
    await nextTick();
    expect(bodies).toEqual([]);
    await vi.advanceTimersByTimeAsync(300);
    expect(bodies.map(({ path }) => path)).toEqual(["/api/sales.contract/preview"]);
    expect(first(one).values["price"]).toBe("880.00");
    await vi.advanceTimersByTimeAsync(2000);
    expect(bodies).toHaveLength(1);
    stop();
  });

  it("asks nothing for a note, for a saved record as it was, and where saving completes nothing", async () => {
    const one = useEditing(() => META, () => "2026-11-23");
    one.take({ id: "d1", version: 3, date: "2026-11-01", customer: { id: "c1", name: "李" }, lines: [{ id: "l1", product: bed, unit: piece, qty: "9", price: "880.00", price_reason: "manual" }] });
    const { stop } = opened(one, "d1");
    await nextTick();
    type(one, { note: "急" });
    one.setHeader("note", "急");
    await nextTick();
    await vi.advanceTimersByTimeAsync(500);
    expect(bodies).toEqual([]);
    type(one, { qty: "10" });
    await nextTick();
    await vi.advanceTimersByTimeAsync(500);
    expect(bodies.map(({ body }) => [body["id"], body["version"]])).toEqual([["d1", 3]]);
    stop();
    const other = begun();
    const idle = opened(other, undefined, { ...META, fills: false });
    type(other, { product: bed });
    await nextTick();
    await vi.advanceTimersByTimeAsync(500);
    expect(bodies).toHaveLength(1);
    idle.stop();
  });

  it("does not put back what was cleared while the server thought", async () => {
    const one = begun();
    const { stop } = opened(one);
    const customer = { id: "c1", code: "C1", name: "李" };
    one.setHeader("customer", customer);
    answer = () => {
      one.setHeader("customer", null);
      return Response.json({ header: { customer, contact: "李" }, lines: [], problems: [] });
    };
    await nextTick();
    await vi.advanceTimersByTimeAsync(230);
    expect(bodies).toHaveLength(1);
    expect([one.header["customer"], one.header["contact"]]).toEqual([null, "李"]);
    stop();
  });

  it("lets saving wait for what is on its way, and does not stand in its way when nobody answers", async () => {
    const one = begun();
    const { preview, stop } = opened(one);
    await vi.advanceTimersByTimeAsync(300);
    answer = () => Response.json({ header: {}, lines: [{ no: 1, price: "880.00", price_reason: "partner LI" }], problems: [] });
    type(one, { product: bed, qty: "1" });
    await nextTick();
    await preview.settled();
    expect(first(one).values["price"]).toBe("880.00");
    answer = () => new Response("{}", { status: 409 });
    type(one, { qty: "2" });
    await nextTick();
    await preview.settled();
    expect(first(one).values["price"]).toBe("880.00");
    stop();
  });
});
