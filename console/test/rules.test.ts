/** What holds for the source as a whole: colours in one file, three complete catalogues, contrast of the tokens. */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import en from "@/locales/en.json";
import hans from "@/locales/zh-Hans.json";
import hant from "@/locales/zh-Hant.json";

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}
const sources = files("src").filter((path) => /\.(vue|ts|css)$/.test(path) && !path.endsWith(".test.ts"));

it("names colours only in tokens.css", () => {
  const colour = /#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})\b|\b(?:rgba?|hsla?|oklch|lab)\(|:\s*(?:white|black|red|green|blue|gr[ae]y|orange|yellow|purple)\b\s*[;}]/i;
  const found = sources.filter((path) => !path.endsWith("tokens.css")).flatMap((path) =>
    readFileSync(path, "utf8").split("\n").flatMap((line, at) => (colour.test(line.replace(/url\(#\w+\)|href="#\w+"/g, "")) ? [`${path}:${at + 1} ${line.trim().slice(0, 100)}`] : [])));
  expect(found).toEqual([]);
});

type Tree = { [key: string]: string | Tree };
function keys(tree: Tree, prefix = ""): string[] {
  return Object.entries(tree).flatMap(([key, value]) => (typeof value === "string" ? [prefix + key] : keys(value, `${prefix}${key}.`)));
}
function at(tree: Tree, path: string): string {
  return path.split(".").reduce<string | Tree>((now, key) => (typeof now === "string" ? now : now[key] ?? ""), tree) as string;
}

describe("catalogues", () => {
  it("have the same keys", () => {
    expect(keys(hant as Tree).sort()).toEqual(keys(hans as Tree).sort());
    expect(keys(en as Tree).sort()).toEqual(keys(hans as Tree).sort());
  });
  it("have the same gaps to fill and nothing empty", () => {
    const gaps = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
    for (const key of keys(hans as Tree)) {
      for (const other of [hant, en] as Tree[]) {
        expect(at(other, key), key).not.toBe("");
        expect(gaps(at(other, key)), key).toEqual(gaps(at(hans as Tree, key)));
      }
    }
  });
  it("have every key the source names", () => {
    const known = new Set(keys(hans as Tree));
    const branches = new Set([...known].flatMap((key) => key.split(".").slice(0, -1).map((_part, index, parts) => `${parts.slice(0, index + 1).join(".")}.`)));
    const missing = sources.flatMap((path) => {
      const text = readFileSync(path, "utf8");
      const whole = [...text.matchAll(/\bt\(\s*["']([a-z]\w*(?:\.\w+)+)["']/gi)].map((match) => match[1] ?? "").filter((key) => !known.has(key));
      const begun = [...text.matchAll(/\bt\(\s*`([a-z]\w*(?:\.\w+)*\.)\$\{/gi)].map((match) => match[1] ?? "").filter((key) => !branches.has(key));
      return [...whole, ...begun].map((key) => `${path} ${key}`);
    });
    expect(missing).toEqual([]);
  });
  it("use no exclamation marks and full-width punctuation in Chinese", () => {
    for (const key of keys(hans as Tree)) {
      expect(at(hans as Tree, key), key).not.toMatch(/[!！]/);
      expect(at(hans as Tree, key), key).not.toMatch(/[\u4e00-\u9fff][,;?]/);
      expect(at(en as Tree, key), key).not.toMatch(/!/);
    }
  });
});

describe("tokens", () => {
  const css = readFileSync("src/tokens.css", "utf8");
  const block = (head: string): Record<string, string> => Object.fromEntries([...css.slice(css.indexOf(head)).split("}")[0]?.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g) ?? []].map((match) => [match[1] ?? "", match[2] ?? ""]));
  const channel = (value: number): number => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const rgb = (hex: string): number[] => [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16));
  const light = (value: number[]): number => value.map((one) => channel(one / 255)).reduce((sum, one, index) => sum + one * ([0.2126, 0.7152, 0.0722][index] ?? 0), 0);
  const contrast = (a: number[], b: number[]): number => {
    const [high = 0, low = 0] = [light(a), light(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const mix = (a: number[], b: number[], share: number): number[] => a.map((one, index) => one * share + (b[index] ?? 0) * (1 - share));

  for (const [name, head, tint] of [["light", "html:root {", 0.1], ["dark", "html.dark:root {", 0.14]] as const) {
    const token = block(head);
    it(`of the ${name} side are legible (AA)`, () => {
      for (const ink of ["ink", "ink-2", "ink-3", "accent-ink"]) {
        for (const under of ["surface", "bg", "sunken", "hover", "accent-soft"]) expect(contrast(rgb(token[ink] ?? ""), rgb(token[under] ?? "")), `${ink} on ${under}`).toBeGreaterThanOrEqual(4.5);
      }
      for (const tone of ["quiet", "moving", "good", "waiting", "bad", "partner"]) expect(contrast(rgb(token[tone] ?? ""), mix(rgb(token[tone] ?? ""), rgb(token["surface"] ?? ""), tint)), tone).toBeGreaterThanOrEqual(4.5);
      expect(contrast(rgb(token["on-accent"] ?? ""), rgb(token["accent"] ?? ""))).toBeGreaterThanOrEqual(4.5);
    });
  }
});

it("names no host in the lock file", () => {
  expect(readFileSync("package-lock.json", "utf8")).not.toMatch(/"resolved"/);
});
