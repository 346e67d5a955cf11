import { describe, expect, it } from "vitest";

import shared from "../../tests/formula_cases.json";
import { compile, FormulaError, names, parse, type Row } from "./formula";

interface Case {
  formula: string;
  env?: Row;
  value?: string | boolean | null;
  error?: number;
}

const cases: Case[] = shared.cases;

describe("the cases shared with the server", () => {
  it.each(cases.filter((one) => one.error === undefined))("$formula", ({ formula, env, value }) => {
    expect(compile(formula)(env ?? {})).toBe(value);
  });

  it.each(cases.filter((one) => one.error !== undefined))("refuses $formula", ({ formula, error }) => {
    let caught: unknown;
    try {
      parse(formula);
    } catch (refusal) {
      caught = refusal;
    }
    expect(caught).toBeInstanceOf(FormulaError);
    expect((caught as FormulaError).position).toBe(error);
  });

  it.each(shared.names)("names of $formula", (one) => {
    expect(names(one.formula)).toEqual(new Set(one.names));
  });
});

describe("while somebody is typing", () => {
  it.each(["", "-", "12.", "abc", undefined, Number.NaN, {}])("counts %o as blank", (qty) => {
    expect(compile("qty + 1")({ qty })).toBe("1");
  });

  it("takes plain numbers as they read", () => {
    expect(compile("qty * 3")({ qty: 0.1 })).toBe("0.3");
  });

  it("does not read what every object has", () => {
    expect(compile("constructor + toString")({})).toBe("0");
  });
});

describe("bounds", () => {
  it("refuses more than 1,000 characters", () => {
    expect(() => parse(`1${" ".repeat(1_000)}`)).toThrow(FormulaError);
  });

  it("adds five hundred numbers without going deep", () => {
    expect(compile(Array.from({ length: 500 }, () => "1").join("+"))({})).toBe("500");
  });

  it("does not double its work at every level", () => {
    let nested = "1";
    for (let level = 0; level < 29; level += 1) nested = level % 2 ? `if(${nested},1,0)` : `max(${nested},0)`;
    const began = performance.now();
    expect(compile(nested)({})).toBe("1");
    expect(performance.now() - began).toBeLessThan(500);
  });
});
