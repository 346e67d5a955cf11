import { flushPromises, mount } from "@vue/test-utils";
import { defineComponent, h } from "vue";
import { afterEach, describe, expect, it, vi } from "vitest";

import { countsOf, diffsOf, isAtWork, sentences, unchangedOf } from "@/directory/plan";
import { useJob, type Watched } from "@/job";
import { pageOf } from "@/pages";
import type { Job } from "@/types";

describe("a plan", () => {
  const tally = { "person.add": 3, "department.add": 1, "person.disable": 2, "person.conflict": 1 };
  it("counts by act, in one order, acts that do not occur left out", () => {
    expect(countsOf(tally)).toEqual([
      { act: "add", people: 3, departments: 1, positions: 0, all: 4 },
      { act: "disable", people: 2, departments: 0, positions: 0, all: 2 },
      { act: "conflict", people: 1, departments: 0, positions: 0, all: 1 },
    ]);
    expect(countsOf({})).toEqual([]);
  });
  it("tells how many people of the source stay as they are; who is gone there was not read", () => {
    expect(unchangedOf(10, tally)).toBe(6);
    expect(unchangedOf(1, tally)).toBe(0);
  });
  it("shows fields in the order people look for them, unknown ones last", () => {
    const fields: Record<string, [string, string]> = { shoe: ["", "42"], position: ["", "店长"], mobile: ["1", "2"], name: ["甲", "乙"] };
    expect(diffsOf({ act: "change", fields }).map((diff) => diff.name)).toEqual(["name", "mobile", "position", "shoe"]);
    expect(diffsOf({ act: "change", fields })[0]).toEqual({ name: "name", before: "甲", after: "乙" });
  });
  it("does not say twice what the row of an addition says", () => {
    const fields: Record<string, [string, string]> = { name: ["", "甲"], department: ["", "销售"], account: ["", "jia"] };
    expect(diffsOf({ act: "add", fields }).map((diff) => diff.name)).toEqual(["account"]);
    expect(diffsOf({ act: "restore", fields }).map((diff) => diff.name)).toEqual(["name", "account", "department"]);
  });
  it("knows which states are at work", () => {
    expect(["planning", "planned", "applying", "applied", "undoing", "stopped"].filter(isAtWork)).toEqual(["planning", "applying", "undoing"]);
  });
  it("puts sentences together as the language wants them", () => {
    expect(sentences("将新增 3 项。", "", "1 项冲突不执行。")).toBe("将新增 3 项。1 项冲突不执行。");
    expect(sentences("Adds 3.", "1 stays.")).toBe("Adds 3. 1 stays.");
  });
});

describe("addresses of the directory", () => {
  it("have pages of their own, by record where each is another", () => {
    const pages = ["/directory.connection/wecom", "/directory.connection/sms", "/directory.connection/wecom/leaving", "/directory.run/1"].map((path) => pageOf(path));
    expect(new Set(pages.map((one) => one.page)).size).toBe(4);
    expect(pages[0]?.props).toEqual({ id: "wecom" });
    expect(pageOf("/sales.order/1").props).toEqual({ code: "sales.order", id: "1" });
  });
});

describe("a job", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });
  function watching(answers: (Partial<Job> | number)[]): { watched: Watched; ended: (Job | null)[]; close: () => void } {
    const ended: (Job | null)[] = [];
    vi.stubGlobal("fetch", vi.fn(async () => {
      const next = answers.length > 1 ? answers.shift() : answers[0];
      if (typeof next === "number") return new Response(JSON.stringify({ problems: [{ field: null, line: null, code: "missing", message: "gone" }] }), { status: next });
      return new Response(JSON.stringify({ id: "1", kind: "x", done: 0, total: 0, ...next }), { status: 200 });
    }));
    let watched: Watched | null = null;
    const wrapper = mount(defineComponent({ setup: () => {
      watched = useJob((job) => ended.push(job));
      return () => h("i");
    } }));
    if (!watched) throw new Error("not mounted");
    return { watched, ended, close: () => wrapper.unmount() };
  }
  it("is watched until it ends, once", async () => {
    vi.useFakeTimers();
    const { watched, ended } = watching([{ state: "running", done: 1, total: 4 }, { state: "done", done: 4, total: 4 }]);
    await watched.watch("1");
    expect([watched.running.value, watched.share.value]).toEqual([true, 0.25]);
    await vi.advanceTimersByTimeAsync(800);
    expect(ended.map((job) => job?.state)).toEqual(["done"]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(ended).toHaveLength(1);
  });
  it("that is not to be found says so", async () => {
    const { watched, ended } = watching([404]);
    await watched.watch("1");
    expect([ended, watched.wrong.value, watched.running.value]).toEqual([[null], "gone", false]);
  });
  it("is left alone when its page is gone", async () => {
    vi.useFakeTimers();
    const { watched, ended, close } = watching([{ state: "running" }]);
    await watched.watch("1");
    close();
    const asked = vi.mocked(fetch).mock.calls.length;
    await vi.advanceTimersByTimeAsync(5000);
    await flushPromises();
    expect([vi.mocked(fetch).mock.calls.length, ended]).toEqual([asked, []]);
  });
});
