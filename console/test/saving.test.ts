/** A save that got no answer, what is typed on top of it, and what is said of problems. */
import { describe, expect, it } from "vitest";

import { NoAnswer, Refused } from "@/api";
import { useEditing, type Editing, type Line } from "@/form/editing";
import { isUndone, sending, type Sent } from "@/form/sent";
import { put } from "@/grid/paste";
import { i18n, t, useLocale } from "@/i18n";
import type { DocumentBody, FieldValue, Meta } from "@/types";

const META: Meta = {
  code: "purchase.order", label: "采购订单", kind: "document", app: "purchase",
  fields: { supplier: { kind: "ref", label: "供应商", ref: "masters.partner", required: true }, note: { kind: "text", label: "备注" }, contact: { kind: "text", label: "联系人" }, number: { kind: "code", label: "单号", readonly: true } },
  sections: { lines: { label: "明细", fields: { product: { kind: "ref", label: "商品", ref: "masters.product", required: true }, qty: { kind: "qty", label: "数量", required: true }, price: { kind: "price", label: "单价" } } } },
  form: [], columns: [], find: [], sums: [], tracks: [], steps: [], pulls: [], pushes: [], leads: [], chained: false, fills: false, can: { edit: true },
};
const supplier = { id: "s1", code: "S001", name: "栖木" };
const bed = { id: "p1", code: "A-1", name: "橡木床" };
const chair = { id: "p2", code: "A-2", name: "椅" };

function typed(): Editing {
  const one = useEditing(() => META, () => "2026-11-23");
  one.begin();
  one.setHeader("supplier", supplier);
  one.setHeader("note", "上午");
  one.setLines([bed, chair].map((product) => ({ ...one.newLine(), values: { product, qty: "1", price: null } })));
  return one;
}
const send = (one: Editing): Sent => sending({ method: "POST", path: "purchase.order", then: null, ...one.body() });
/** What the server made of it: numbered, and completed with what nobody typed. */
const stored = (): DocumentBody => ({
  id: "o1", version: 1, number: "PO-1", supplier, note: "上午", contact: "李",
  lines: [{ id: "l1", no: 1, product: bed, qty: "1", price: "880" }, { id: "l2", no: 2, product: chair, qty: "1", price: "120" }],
});
function change(one: Editing, at: number, values: Record<string, FieldValue>): void {
  one.setLines(one.lines.value.map((line, index): Line => (index === at ? { ...line, values: { ...line.values, ...values } } : line)));
}

describe("a save that is answered late", () => {
  it("leaves nothing to save when nothing was typed since", () => {
    const one = typed();
    const sent = send(one);
    one.rebase(stored(), sent);
    expect(one.dirty.value).toBe(false);
    expect([one.header["number"], one.header["contact"], one.lines.value[0]?.values["price"]]).toEqual(["PO-1", "李", "880"]);
  });
  it("keeps what was typed since as a change of what was saved", () => {
    const one = typed();
    const sent = send(one);
    one.setHeader("note", "下午");
    change(one, 1, { qty: "3" });
    one.setLines([one.newLine({ product: bed, qty: "5" }), ...one.lines.value]);
    one.rebase(stored(), sent);
    expect(one.dirty.value).toBe(true);
    expect(one.body().body).toMatchObject({
      version: 1, note: "下午", contact: "李",
      lines: [{ product: "p1", qty: "5" }, { id: "l1", qty: "1", price: "880" }, { id: "l2", qty: "3", price: "120" }],
    });
  });
  it("leaves out a line that was removed since", () => {
    const one = typed();
    const sent = send(one);
    one.setLines(one.lines.value.slice(1));
    one.rebase(stored(), sent);
    expect((one.body().body["lines"] as { id: string }[]).map((line) => line.id)).toEqual(["l2"]);
  });
  it("is known not to have happened by a refusal of it, not by one of who asks", () => {
    const refused = (status: number): Refused => new Refused(status, []);
    expect([409, 422, 404, 500].map((status) => isUndone(refused(status)))).toEqual([true, true, true, true]);
    expect([401, 403, 429].map((status) => isUndone(refused(status)))).toEqual([false, false, false]);
    expect(isUndone(new NoAnswer())).toBe(false);
  });
});

describe("problems", () => {
  it("are what the server says, and beside it what was known where it said nothing", () => {
    const one = typed();
    const { keys } = one.body();
    const known = [{ field: "supplier", line: null, no: null, code: "required", message: "必填" }, { field: "qty", line: keys[1] ?? "", no: 2, code: "required", message: "必填" }];
    one.mark([{ field: "qty", line: 2, code: "range", message: "太多" }], keys, known);
    expect(one.marks.value.map((mark) => [mark.field, mark.no, mark.message])).toEqual([["supplier", null, "必填"], ["qty", 2, "太多"]]);
  });
  it("are counted in English as one counts", async () => {
    await useLocale("en");
    expect([t("doc.problems", { n: 1 }), t("doc.problems", { n: 2 }), t("doc.lineCount", { n: 0 })]).toEqual(["1 problem to settle", "2 problems to settle", "0 lines"]);
    i18n.global.locale.value = "zh-Hans";
  });
  it("tell a text nobody was asked about from one that is unknown", () => {
    const one = typed();
    const line = one.lines.value[0] as Line;
    const words = (key: string): string => key;
    expect(put(one, line, "product", "A-9", new Map(), words).bad["product"]).toEqual({ text: "A-9", message: "error.noAnswer", unasked: true });
    expect(put(one, line, "product", "A-9", new Map([["masters.product", new Map()]]), words).bad["product"]).toEqual({ text: "A-9", message: "grid.unknown" });
    expect(put(one, line, "product", "A-2", new Map([["masters.product", new Map([["A-2", chair]])]]), words).values["product"]).toMatchObject(chair);
  });
});
