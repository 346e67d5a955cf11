/** The client: one key per act of the user, the same key when nobody answered, typed refusals, sign-in and on. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Act, NoAnswer, Refused, get, newKey, settings, write } from "@/api";

interface Call { url: string; method: string; key: string | undefined; body: unknown; language: string | undefined }
let calls: Call[] = [];
let answers: (Response | Error)[] = [];
const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status });

beforeEach(() => {
  calls = [];
  answers = [];
  settings.pause = async () => undefined;
  settings.signIn = async () => false;
  settings.locale = () => "zh-Hant";
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    const headers = init.headers as Record<string, string>;
    calls.push({ url, method: init.method ?? "", key: headers["Idempotency-Key"], body: init.body, language: headers["Accept-Language"] });
    const next = answers.shift() ?? json(200, {});
    if (next instanceof Error) throw next;
    return next;
  });
});
afterEach(() => vi.unstubAllGlobals());

const DOWN = new TypeError("Failed to fetch");

describe("keys", () => {
  it("makes valid ones even where the page is not secure", () => {
    const original = crypto.randomUUID;
    Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
    expect(newKey()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    Object.defineProperty(crypto, "randomUUID", { value: original, configurable: true });
  });
  it("repeats a write that got no answer with the same key", async () => {
    answers = [DOWN, json(503, {}), json(201, { id: "1" })];
    expect(await write("POST", "purchase.order", { a: 1 })).toEqual({ id: "1" });
    expect(calls).toHaveLength(3);
    expect(new Set(calls.map((call) => call.key)).size).toBe(1);
  });
  it("keeps the key over a second press of the button while nobody answers", async () => {
    const act = new Act();
    answers = [DOWN, DOWN, DOWN];
    await expect(act.write("POST", "x.y", { a: 1 })).rejects.toBeInstanceOf(NoAnswer);
    await act.write("POST", "x.y", { a: 1 });
    expect(calls).toHaveLength(4);
    expect(new Set(calls.map((call) => call.key)).size).toBe(1);
  });
  it("begins a new act for other content, after an answer, and after a refusal", async () => {
    const act = new Act();
    answers = [DOWN, DOWN, DOWN];
    await expect(act.write("POST", "x.y", { a: 1 })).rejects.toBeInstanceOf(NoAnswer);
    await act.write("POST", "x.y", { a: 2 });
    await act.write("POST", "x.y", { a: 2 });
    answers = [json(409, { problems: [{ field: "qty", line: 2, code: "rule", message: "太多" }] })];
    await expect(act.write("POST", "x.y", { a: 2 })).rejects.toBeInstanceOf(Refused);
    await act.write("POST", "x.y", { a: 2 });
    const keys = calls.map((call) => call.key);
    expect(new Set(keys).size).toBe(5);
    expect(keys[0]).toBe(keys[2]);
  });
  it("sends once what a double click asks twice, and anew what is asked after the answer", async () => {
    const both = await Promise.all([write("DELETE", "session/devices/1"), write("DELETE", "session/devices/1"), write("DELETE", "session/devices/2")]);
    expect(both).toHaveLength(3);
    expect(calls.map((call) => call.url)).toEqual(["/api/session/devices/1", "/api/session/devices/2"]);
    answers = [json(409, { problems: [] })];
    await expect(write("DELETE", "session/devices/1")).rejects.toBeInstanceOf(Refused);
    await write("DELETE", "session/devices/1");
    expect(calls).toHaveLength(4);
    expect(new Set(calls.map((call) => call.key)).size).toBe(4);
  });
  it("sends no key with reads", async () => {
    await get("x.y", { filter: "[]", cursor: "" });
    expect(calls[0]).toMatchObject({ url: "/api/x.y?filter=%5B%5D", key: undefined, language: "zh-Hant" });
  });
});

describe("refusals", () => {
  it("carry their problems", async () => {
    answers = [json(409, { problems: [{ field: "qty", line: 2, code: "rule", message: "太多" }] })];
    const error = await write("PUT", "x.y/1", {}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Refused);
    expect(error).toMatchObject({ status: 409, problems: [{ field: "qty", line: 2, code: "rule", message: "太多" }] });
  });
  it("carry what others saved meanwhile", async () => {
    const changes = [{ field: "note", label: "备注", line: null, by: { id: "e1", name: "方宁" }, at: "2026-11-27T06:00:00Z", old: "", new: "上午" }];
    answers = [json(409, { problems: [{ field: "version", line: null, code: "stale", message: "方宁已修改" }], changes })];
    await expect(write("PUT", "x.y/1", {})).rejects.toMatchObject({ status: 409, changes });
  });
  it("have a problem even when the answer is a proxy's page", async () => {
    answers = [new Response("<html>", { status: 500 })];
    await expect(get("x.y")).rejects.toMatchObject({ status: 500, problems: [{ code: "http_500" }] });
  });
  it("of 429 are not repeated", async () => {
    answers = [json(429, { problems: [{ field: null, line: null, code: "slow", message: "稍候" }] })];
    await expect(write("POST", "session", {})).rejects.toMatchObject({ status: 429 });
    expect(calls).toHaveLength(1);
  });
});

describe("an ended session", () => {
  it("asks to sign in and then goes on with the same key", async () => {
    settings.signIn = vi.fn(async () => true);
    answers = [json(401, {}), json(201, { id: "1" })];
    expect(await write("POST", "x.y", { a: 1 })).toEqual({ id: "1" });
    expect(settings.signIn).toHaveBeenCalledTimes(1);
    expect(calls[0]?.key).toBe(calls[1]?.key);
    expect(calls[0]?.body).toBe(calls[1]?.body);
  });
  it("is told when the person gives up", async () => {
    answers = [json(401, { problems: [{ field: null, line: null, code: "unsigned", message: "请登录" }] })];
    await expect(get("x.y")).rejects.toMatchObject({ status: 401 });
  });
});
