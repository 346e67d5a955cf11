/** Reading and writing of every kind: what people type, what they see, and that editing gives back what was there. */
import { readdirSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { shortMoney } from "@/format";
import { headingWidth, KINDS, show, valueWidth, widthOf } from "@/kind";
import type { Field, FieldValue, KindName } from "@/types";

const t = (key: string, values: Record<string, unknown> = {}): string => `${key}${Object.keys(values).length ? JSON.stringify(values) : ""}`;
const field = (kind: KindName, more: Partial<Field> = {}): Field => ({ kind, label: "x", ...more });
const parse = (kind: KindName, text: string, more: Partial<Field> = {}): unknown => {
  const parsed = KINDS[kind].parse(text, field(kind, more));
  return "wrong" in parsed ? `!${parsed.wrong}` : parsed.value;
};

it("shortens money in charts as each language does", () => {
  expect([0, 950, 9972, 123456, 125_000_000, -38_400].map((value) => shortMoney(value, "zh-Hans"))).toEqual(["0", "950", "9972", "12.3万", "1.25亿", "-3.8万"]);
  expect([9972, 123456, 125_000_000].map((value) => shortMoney(value, "en"))).toEqual(["10K", "123.5K", "125M"]);
  expect(shortMoney(123456, "zh-Hant")).toBe("12.3萬");
});

it("shows a reason by its word and what it points to", () => {
  const reason = field("reason", { choices: [{ value: "list", label: "价目表" }, { value: "manual", label: "手工定价" }] });
  expect(["list QY ≥3", "manual", "whim X"].map((value) => show(value, reason, { t }))).toEqual(["价目表 QY ≥3", "手工定价", "whim X"]);
});

it("gives a column room for its heading and the words of its states", () => {
  expect(widthOf(field("qty", { label: "Noticed or received" }))).toBeGreaterThan(widthOf(field("qty", { label: "已收" })));
  expect(valueWidth(field("state", { choices: [{ value: "none", label: "No collaboration at all" }] }))).toBeGreaterThan(valueWidth(field("state", { choices: [{ value: "none", label: "无" }] })));
  expect(headingWidth(field("qty", { label: "x".repeat(200) }), 20)).toBe(180);
});

it("has one file for each kind, named as the kind", () => {
  const files = readdirSync("src/kinds").map((name) => name.replace(/\.ts$/, "")).sort();
  expect(files).toEqual(Object.keys(KINDS).sort());
});

describe("numbers", () => {
  it.each([
    ["12", "12"], ["1,234.50", "1234.5"], ["１２．５", "12.5"], ["￥990", "990"], [" -3 ", "-3"], ["007", "7"], [".5", "0.5"], ["", null], ["  ", null],
    ["abc", "!number"], ["1.2.3", "!number"], ["1e5", "!number"], ["-", "!number"], ["0.1234567", "!places"], ["0.1234560", "0.123456"],
    ["3,5", "!number"], ["12,50", "!number"], ["1,2,3,,4.5", "!number"], ["1234,567", "!number"], ["３，５", "!number"], ["3 5", "!number"], ["1¥2", "!number"],
    ["-1,234,567.5", "-1234567.5"], ["１，２３４", "1234"], ["-¥5", "-5"], ["¥ 1,000", "1000"],
  ])("reads the quantity %j as %j", (text, value) => expect(parse("qty", text)).toBe(value));

  it("refuses more places than the field has instead of rounding", () => {
    expect(parse("qty", "1.5", { scale: 0 })).toBe("!whole");
    expect(parse("amount", "1.005")).toBe("!places");
    expect(parse("price", "0.00000001")).toBe("0.00000001");
    expect(parse("price", "0.000000001")).toBe("!places");
  });

  it("never passes through floating point", () => {
    expect(parse("amount", "12345678901234567.89")).toBe("12345678901234567.89");
    expect(show("12345678901234567.89", field("amount"), { t })).toBe("12,345,678,901,234,567.89");
  });

  it("shows separators, a real minus, and a dash for nothing in tables of quantities", () => {
    expect(show("1234.500000", field("qty"), { t })).toBe("1,234.5");
    expect(show("-3", field("qty"), { t })).toBe("\u22123");
    expect(show("0.000000", field("qty"), { t, table: true })).toBe("\u2013");
    expect(show("0", field("amount"), { t, table: true })).toBe("0.00");
    expect(show("-1234.5", field("amount"), { t })).toBe("\u22121,234.50");
    expect(show("12.00000000", field("price"), { t })).toBe("12.00");
    expect(show("12.12345000", field("price"), { t })).toBe("12.12345");
    expect(show("100.5", field("done", { of: "amount" }), { t })).toBe("100.50");
    expect(show("0", field("done", { of: "qty" }), { t, table: true })).toBe("\u2013");
  });

  it.each([["13%", "0.13"], ["１３％", "0.13"], ["0.13", "0.13"], ["12", "12"], ["100%", "1"], ["7.5 %", "0.075"], ["x%", "!rate"], ["", null]])("reads the rate %j as %j", (text, value) => expect(parse("rate", text)).toBe(value));

  it("shows a rate as a percentage up to one", () => {
    expect(show("0.13", field("rate"), { t })).toBe("13%");
    expect(show("0.075000", field("rate"), { t })).toBe("7.5%");
    expect(show("12", field("rate"), { t })).toBe("12");
  });

  it("reads whole numbers as numbers", () => {
    expect(parse("integer", "1,200")).toBe(1200);
    expect(parse("integer", "1.5")).toBe("!whole");
    expect(parse("integer", "99999999999999999999")).toBe("!number");
  });
});

describe("dates", () => {
  const year = new Date().getFullYear();
  it.each([
    ["2026-11-22", "2026-11-22"], ["2026/1/5", "2026-01-05"], ["20261122", "2026-11-22"], ["2026年11月22日", "2026-11-22"], ["2026.11.22", "2026-11-22"],
    ["1122", `${year}-11-22`], ["11-22", `${year}-11-22`], ["3月5日", `${year}-03-05`], ["2026-02-30", "!date"], ["tomorrow", "!date"], ["", null],
  ])("reads %j as %j", (text, value) => expect(parse("date", text)).toBe(value));

  it("shows this year's dates short in tables", () => {
    const today = new Date(2026, 10, 23);
    expect(show("2026-11-22", field("date"), { t, table: true, today })).toBe("11-22");
    expect(show("2025-11-22", field("date"), { t, table: true, today })).toBe("2025-11-22");
    expect(show("2026-11-22", field("date"), { t, today })).toBe("2026-11-22");
  });

  it("shows moments relative up to a day", () => {
    const now = new Date("2026-11-23T08:00:00Z");
    const at = (value: string): string => show(value, field("moment"), { t, table: true, today: now });
    expect(at("2026-11-23T07:59:40Z")).toBe("time.now");
    expect(at("2026-11-23T07:57:00Z")).toBe('time.minutes{"n":3}');
    expect(at("2026-11-23T03:00:00Z")).toBe('time.hours{"n":5}');
    expect(at("2026-11-20T03:00:00Z")).toMatch(/^11-20 \d\d:\d\d$/);
    expect(at("2025-11-20T03:00:00Z")).toMatch(/^2025-11-20 /);
  });
});

describe("words", () => {
  it("keeps one line of text to one line and its length", () => {
    expect(parse("text", " a\n b ")).toBe("a b");
    expect(parse("text", "四个汉字", { max_length: 3 })).toBe("!tooLong");
    expect(parse("longtext", " a\r\nb ")).toBe("a\nb");
    expect(parse("code", "ＰＯ 2026-１")).toBe("ＰＯ2026-1");
  });

  it("reads telephone numbers", () => {
    expect(parse("phone", "138 0013 8000")).toBe("13800138000");
    expect(parse("phone", "+86（0512）6666-1234")).toBe("+8605126666" + "1234");
    expect(parse("phone", "12")).toBe("!phone");
    expect(show("13800138000", field("phone"), { t })).toBe("138 0013 8000");
  });

  it("reads yes and no in several languages", () => {
    expect([parse("boolean", "是"), parse("boolean", "N"), parse("boolean", "√"), parse("boolean", ""), parse("boolean", "maybe")]).toEqual([true, false, true, null, "!boolean"]);
  });

  it("reads a choice by label or value and names the choices when it is neither", () => {
    const choices = [{ value: "created", label: "创建" }, { value: "approved", label: "已审核" }];
    expect(parse("choice", "已审核", { choices })).toBe("approved");
    expect(parse("choice", "created", { choices })).toBe("created");
    expect(KINDS.choice.parse("x", field("choice", { choices }))).toEqual({ wrong: "choice", with: { choices: "创建、已审核" } });
    expect(KINDS.state.tone?.("approved", field("state", { choices: [{ value: "approved", label: "已审核", tone: "good" }] }))).toBe("good");
  });

  it("reads tags once each", () => expect(parse("tags", "a，b、a;c")).toEqual(["a", "b", "c"]));

  it("shows a reference by name and tells its code on hover", () => {
    const value = { id: "1", code: "A-1", name: "橡木床" };
    expect(show(value, field("ref"), { t })).toBe("橡木床");
    expect(KINDS.ref.full?.(value, field("ref"))).toBe("A-1 橡木床");
  });
});

it("reads back what it writes for editing", () => {
  const samples: [KindName, FieldValue][] = [
    ["text", "橡木"], ["longtext", "a\nb"], ["code", "PO-1"], ["date", "2026-11-22"], ["qty", "12.5"], ["price", "0.125"], ["amount", "1200.00"], ["rate", "0.13"], ["rate", "12"], ["integer", 7], ["phone", "13800138000"], ["done", "3"],
  ];
  for (const [kind, value] of samples) {
    const one = field(kind);
    expect(KINDS[kind].parse(KINDS[kind].text(value, one), one), kind).toEqual({ value });
  }
});
