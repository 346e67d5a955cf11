/** The grid's logic: walking, blocks to and from spreadsheets, pasting into lines, undo, what is sent. */
import { describe, expect, it } from "vitest";

import { useEditing } from "@/form/editing";
import { headings, parseBlock, planPaste, toBlock, type PasteColumn } from "@/grid/clipboard";
import { applyPlan, copied, repair, toResolve, type Resolved } from "@/grid/paste";
import { spread } from "@/grid/spread";
import { arrow, blockOf, nextTypable } from "@/grid/walk";
import type { Meta } from "@/types";

const t = (key: string): string => key;
const typable = [true, false, true, true];

describe("walking", () => {
  it("goes to the next cell that can be typed, then to the next line", () => {
    expect(nextTypable({ row: 0, col: 0 }, typable, 3)).toEqual({ row: 0, col: 2 });
    expect(nextTypable({ row: 0, col: 3 }, typable, 3)).toEqual({ row: 1, col: 0 });
  });
  it("asks for a new line after the last cell", () => expect(nextTypable({ row: 2, col: 3 }, typable, 3)).toEqual({ row: 3, col: 0 }));
  it("goes backwards and leaves the grid at its first cell", () => {
    expect(nextTypable({ row: 1, col: 0 }, typable, 3, true)).toEqual({ row: 0, col: 3 });
    expect(nextTypable({ row: 0, col: 0 }, typable, 3, true)).toBeNull();
  });
  it("stays where nothing can be typed", () => expect(nextTypable({ row: 0, col: 0 }, [false, false], 3)).toBeNull());
  it("moves by arrows inside the grid, to the edge with Ctrl", () => {
    expect(arrow({ row: 0, col: 0 }, "ArrowUp", false, 5, 4)).toEqual({ row: 0, col: 0 });
    expect(arrow({ row: 1, col: 1 }, "ArrowDown", true, 5, 4)).toEqual({ row: 4, col: 1 });
    expect(arrow({ row: 1, col: 1 }, "End", true, 5, 4)).toEqual({ row: 4, col: 3 });
    expect(blockOf({ row: 3, col: 1 }, { row: 1, col: 2 })).toEqual({ top: 1, bottom: 3, left: 1, right: 2 });
  });
});

describe("blocks", () => {
  it("reads what spreadsheets copy", () => {
    expect(parseBlock("a\tb\r\nc\td\r\n")).toEqual([["a", "b"], ["c", "d"]]);
    expect(parseBlock('"多行\n备注"\t"说 ""好"""\nx\t')).toEqual([["多行\n备注", '说 "好"'], ["x", ""]]);
    expect(parseBlock('55" 屏\t2')).toEqual([['55" 屏', "2"]]);
    expect(parseBlock('"开头\t2')).toEqual([['"开头', "2"]]);
    expect(parseBlock("")).toEqual([]);
  });
  it("writes what it reads", () => {
    const rows = [["a", "b\nc"], ['说 "好"', "\t"]];
    expect(parseBlock(toBlock([["a", "b\nc"], ['说 "好"', "x"]]))).toEqual([["a", "b\nc"], ['说 "好"', "x"]]);
    expect(toBlock(rows)).toContain('"b\nc"');
  });
  const columns: PasteColumn[] = [{ name: "product", label: "商品", typable: true }, { name: "qty", label: "数量", typable: true }, { name: "amount", label: "金额", typable: false }, { name: "note", label: "备注", typable: true }];
  it("knows a row of headings", () => {
    expect(headings(["数量", "商品 *", "别的"], columns)).toEqual(["qty", "product", null]);
    expect(headings(["数量（件）", "备注"], columns)).toEqual(["qty", "note"]);
    expect(headings(["A-1", "3"], columns)).toBeNull();
    expect(headings(["A-1", "备注"], columns)).toBeNull();
  });
  it("places cells by order from where the cursor is, over columns nobody types", () => {
    const plan = planPaste([["3", "99.00", "急"], ["4"]], columns, 1);
    expect(plan.cells).toEqual([{ row: 0, name: "qty", text: "3" }, { row: 0, name: "note", text: "急" }, { row: 1, name: "qty", text: "4" }]);
    expect(plan.rows).toBe(2);
  });
  it("places cells by heading and names the columns it did not use", () => {
    const plan = planPaste([["备注", "商品", "SKU", "金额"], ["急", "A-1", "x", "1"]], columns, 3);
    expect(plan.cells).toEqual([{ row: 0, name: "note", text: "急" }, { row: 0, name: "product", text: "A-1" }]);
    expect(plan.ignored).toEqual(["SKU", "金额"]);
    expect(plan.byHeading).toBe(true);
  });
});

const META: Meta = {
  code: "purchase.order", label: "采购订单", kind: "document", app: "purchasing",
  fields: {
    supplier: { kind: "ref", label: "供应商", ref: "masters.partner", required: true }, date: { kind: "date", label: "日期", required: true },
    amount: { kind: "amount", label: "金额", formula: "total(lines.amount)", readonly: true },
  },
  sections: { lines: { label: "明细", fields: {
    product: { kind: "ref", label: "商品", ref: "masters.product", required: true }, unit: { kind: "ref", label: "单位", ref: "masters.unit" }, qty: { kind: "qty", label: "数量", required: true }, price: { kind: "price", label: "单价" },
    amount: { kind: "amount", label: "金额", formula: "round(qty * price)", readonly: true }, note: { kind: "text", label: "备注" },
  } } },
  form: [], columns: [], find: [], sums: [], tracks: [], steps: [], pulls: [], pushes: [], leads: [], chained: false, can: { edit: true },
};
const bed = { id: "p1", code: "A-1", name: "橡木床" };
const lines = Object.entries(META.sections["lines"]?.fields ?? {}).map(([name, field]) => ({ name, label: field.label, typable: !field.readonly }));

function editing() {
  const made = useEditing(() => META, () => "2026-11-23");
  made.begin();
  return made;
}

describe("pasting into lines", () => {
  it("asks the server once for each text of a master", () => {
    const plan = planPaste(parseBlock("A-1\t\t3\nA-1\t\t4\nB-2\t\t5"), lines, 0);
    expect([...toResolve(plan, META.sections["lines"]?.fields ?? {})]).toEqual([["masters.product", ["A-1", "B-2"]]]);
  });

  it("fills lines and keeps what was pasted beside a product", () => {
    const one = editing();
    const plan = planPaste(parseBlock("单价\t商品\t数量\n99.5\tA-1\t3\n\tA-1\t2"), lines, 0);
    const done = applyPlan(one, plan, 0, new Map([["masters.product", new Map([["A-1", bed]])]]) as Resolved, t);
    one.setLines(done.lines);
    expect(one.lines.value.map((line) => [line.values["price"], line.values["amount"]])).toEqual([["99.5", "298.5"], [null, "0"]]);
    expect(one.lines.value.map((line) => line.typed)).toEqual([["product", "qty", "price"], ["product", "qty"]]);
    expect(one.header["amount"]).toBe("298.5");
    expect(done.unknown).toEqual([]);
  });

  it("lists unknown codes once, keeps their text, and repairs every line with one choice", () => {
    const one = editing();
    const plan = planPaste(parseBlock("X-9\t\t3\nX-9\t\t4\nA-1\t\tabc"), lines, 0);
    const done = applyPlan(one, plan, 0, new Map([["masters.product", new Map([["A-1", bed]])]]) as Resolved, t);
    expect(done.unknown).toEqual([{ field: "product", ref: "masters.product", label: "商品", text: "X-9", lines: 2 }]);
    one.setLines(done.lines);
    expect(one.known(t).map((mark) => [mark.no, mark.field, mark.code])).toEqual([[null, "supplier", "required"], [1, "product", "unread"], [2, "product", "unread"], [3, "qty", "unread"]]);
    const unknown = done.unknown[0];
    if (!unknown) throw new Error("nothing unknown");
    one.setLines(repair(one, one.lines.value, unknown, bed, t));
    expect(one.lines.value.map((line) => copied(line, "product", { kind: "ref", label: "商品", ref: "masters.product" }))).toEqual(["A-1", "A-1", "A-1"]);
  });

  it("undoes a whole paste as one act and does it again", () => {
    const one = editing();
    one.setLines([one.newLine({ qty: "1" })]);
    one.setLines(applyPlan(one, planPaste(parseBlock("5\n6\n7"), lines, 2), 0, new Map(), t).lines);
    expect(one.lines.value).toHaveLength(3);
    one.stepBack();
    expect(one.lines.value.map((line) => line.values["qty"])).toEqual(["1"]);
    one.stepForward();
    expect(one.lines.value.map((line) => line.values["qty"])).toEqual(["5", "6", "7"]);
  });

  it("takes 500 lines", () => {
    const one = editing();
    const text = Array.from({ length: 500 }, (_n, at) => `A-1\t\t${at + 1}\t2`).join("\n");
    one.setLines(applyPlan(one, planPaste(parseBlock(text), lines, 0), 0, new Map([["masters.product", new Map([["A-1", bed]])]]) as Resolved, t).lines);
    expect(one.header["amount"]).toBe("250500");
  });
});

describe("what is sent", () => {
  it("leaves out blank lines and what nobody types, and finds problems again by line", () => {
    const one = editing();
    one.setHeader("supplier", { id: "s1", name: "林源" });
    one.setLines([one.newLine(), one.newLine({ product: { id: "p1", name: "床" }, qty: "2", price: "10" })]);
    const { body, keys } = one.body();
    expect(body).toEqual({ supplier: "s1", date: "2026-11-23", lines: [{ product: "p1", unit: null, qty: "2", price: "10", note: null }] });
    one.mark([{ field: "qty", line: 1, code: "rule", message: "太多" }], keys);
    expect(one.marked.value.get(`${one.lines.value[1]?.key}.qty`)).toBe("太多");
    const [blank, line] = one.lines.value;
    if (blank && line) one.setLines([blank, { ...line, values: { ...line.values, qty: "1" } }]);
    expect(one.marks.value).toEqual([]);
  });

  it("knows what differs from the saved document", () => {
    const one = editing();
    one.take({ id: "d1", version: 3, date: "2026-11-01", supplier: { id: "s1", name: "林源" }, amount: "20.00", lines: [{ id: "l1", product: { id: "p1", name: "床" }, qty: "2.000000", price: "10.00000000", amount: "20.00" }] });
    expect(one.dirty.value).toBe(false);
    const line = one.lines.value[0];
    if (!line) throw new Error("no line");
    one.setLines([{ ...line, values: { ...line.values, qty: "3" } }]);
    expect(one.dirty.value).toBe(true);
    expect(one.changedCell(one.lines.value[0] ?? line, "qty")).toBe(true);
    expect(one.body().body["version"]).toBe(3);
    one.stepBack();
    expect(one.dirty.value).toBe(false);
  });
});

it("shares the room among columns that can use it", () => {
  expect(spread([{ width: 100, stretch: 1 }, { width: 50, stretch: 0 }], 200)).toEqual([150, 50]);
  expect(spread([{ width: 100, stretch: 1 }, { width: 150, stretch: 0 }], 200)).toEqual([100, 150]);
  expect(spread([{ width: 100, stretch: 1 }, { width: 100, stretch: 0 }], 180, 0.8)).toEqual([90, 90]);
  expect(spread([{ width: 100, stretch: 1 }, { width: 100, stretch: 0 }], 100, 0.8)).toEqual([80, 80]);
  expect(spread([{ width: 100, stretch: 1 }, { width: 100, stretch: 0, min: 95 }], 100, 0.8)).toEqual([80, 95]);
});
