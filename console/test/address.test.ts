/** Filters in the address and back, periods, sorting, the layout of the chain of documents. */
import { describe, expect, it } from "vitest";

import { layout } from "@/form/trace";
import { filterText, parseFilter, parseSort, periodOf, queryFromView, viewFromQuery, withField, type Filter } from "@/filter";
import { sentence } from "@/list/sentence";
import type { Meta } from "@/types";

const filter: Filter = [["state", "in", ["approved", "submitted"]], { or: [["amount", ">", "20000"], ["note", "contains", "急 & 快"]] }];

describe("address", () => {
  it("gives back what it was given", () => {
    const view = { filter, sort: "-date,number", search: "林源 100%" };
    const query = new URLSearchParams(queryFromView(view)).toString();
    expect(viewFromQuery(Object.fromEntries(new URLSearchParams(query)))).toEqual(view);
  });
  it("is empty for a plain list", () => expect(queryFromView({ filter: [], sort: "", search: "" })).toEqual({}));
  it("drops what is no filter", () => {
    expect(parseFilter("{")).toEqual([]);
    expect(parseFilter('[["a","drop table",1],["a","=",1],{"or":[]},{"or":[["b","empty",true],5]},null,7]')).toEqual([["a", "=", 1], { or: [["b", "empty", true]] }]);
    expect(parseFilter(filterText(filter))).toEqual(filter);
  });
  it("replaces the clauses of one quick chip only", () => {
    expect(withField(filter, "state", [["state", "=", "created"]])).toEqual([filter[1], ["state", "=", "created"]]);
  });
});

it("reads as a sentence", () => {
  const meta = { fields: { amount: { kind: "amount", label: "金额" }, note: { kind: "text", label: "备注" } }, tracks: [{ field: "state", label: "状态", states: [{ value: "approved", label: "已审核", tone: "good" }, { value: "submitted", label: "已提交", tone: "waiting" }] }] } as unknown as Meta;
  const words: Record<string, string> = { "op.in": "是", "op.gt": "大于", "op.contains": "包含", "filter.or": "或", "word.comma": "、" };
  const said = filter.map((element) => sentence(element, meta, (key) => words[key] ?? key));
  expect(said).toEqual(["状态 是 已审核、已提交", "金额 大于 20,000.00 或 备注 包含 急 & 快"]);
});

it("knows periods, weeks beginning on Monday", () => {
  const sunday = new Date(2026, 10, 22);
  expect(periodOf("week", sunday)).toEqual(["2026-11-16", "2026-11-22"]);
  expect(periodOf("month", sunday)).toEqual(["2026-11-01", "2026-11-30"]);
  expect(periodOf("lastMonth", new Date(2026, 0, 31))).toEqual(["2025-12-01", "2025-12-31"]);
});

it("reads sorts", () => expect(parseSort("-date,number")).toEqual([{ field: "date", descending: true }, { field: "number", descending: false }]));

describe("chain of documents", () => {
  const node = (id: string, current = false) => ({ code: "x.y", label: id, id, number: id, state: "", state_label: "", tone: "good" as const, date: null, current });
  it("goes left to right without overlaps", () => {
    const drawn = layout({ nodes: [node("c"), node("a"), node("b", true), node("d")], edges: [{ from: "a", to: "b", qty: "3" }, { from: "b", to: "c", qty: "2" }, { from: "b", to: "d", qty: "1" }] });
    const at = new Map(drawn.nodes.map((one) => [one.id, one]));
    expect((at.get("a")?.x ?? 0) < (at.get("b")?.x ?? 0) && (at.get("b")?.x ?? 0) < (at.get("c")?.x ?? 0)).toBe(true);
    expect(at.get("c")?.x).toBe(at.get("d")?.x);
    expect(Math.abs((at.get("c")?.y ?? 0) - (at.get("d")?.y ?? 0))).toBeGreaterThanOrEqual(64);
    expect(drawn.edges).toHaveLength(3);
  });
  it("survives a circle and edges to nowhere", () => {
    expect(layout({ nodes: [node("a"), node("b")], edges: [{ from: "a", to: "b", qty: null }, { from: "b", to: "a", qty: null }, { from: "a", to: "gone", qty: null }] }).nodes).toHaveLength(2);
  });
});
