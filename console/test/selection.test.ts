/** What is selected in a list: some rows, the page, or all that match, whether they are loaded or not. */
import { computed, effectScope, nextTick, ref, type EffectScope } from "vue";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { useJob } from "@/job";
import { useSelection } from "@/list/selection";
import type { Job, Row, Total } from "@/types";

const row = (id: string): Row => ({ id, state: "created" });

function made(total: Total = { count: 5, sums: {} }) {
  const rows = ref([row("a"), row("b"), row("c")]);
  const question = ref("state=created");
  const selection = useSelection(computed(() => rows.value), computed(() => question.value), () => total);
  const ids = (): string[] => [...selection.selected.value.keys()];
  return { rows, question, selection, ids };
}

describe("selecting", () => {
  it("takes the page, then offers all that match", () => {
    const { selection, ids } = made();
    expect(selection.canExtend.value).toBe(false);
    selection.page();
    expect([ids(), selection.canExtend.value, selection.whole.value]).toEqual([["a", "b", "c"], true, false]);
    selection.extend();
    expect([selection.whole.value, selection.canExtend.value]).toEqual([true, false]);
  });

  it("offers nothing more where the page is all there is", () => {
    const { selection } = made({ count: 3, sums: {} });
    selection.page();
    expect(selection.canExtend.value).toBe(false);
    const uncounted = made({ count: 10_000, more: true, sums: {} });
    uncounted.selection.page();
    expect(uncounted.selection.canExtend.value).toBe(true);
  });

  it("counts rows that are loaded later to all that match", async () => {
    const { rows, selection, ids } = made();
    selection.page();
    selection.extend();
    rows.value = [...rows.value, row("d")];
    await nextTick();
    expect(ids()).toEqual(["a", "b", "c", "d"]);
  });

  it("goes back to rows when one of all is taken out", () => {
    const { selection, ids } = made();
    selection.page();
    selection.extend();
    selection.toggle(row("b"));
    expect([ids(), selection.whole.value]).toEqual([["a", "c"], false]);
    selection.range(1, 1);
    expect(ids()).toEqual(["a", "c", "b"]);
  });

  it("forgets everything when another question is asked, and rows that went away", async () => {
    const { rows, question, selection, ids } = made();
    selection.page();
    rows.value = [row("a"), row("c")];
    await nextTick();
    expect(ids()).toEqual(["a", "c"]);
    selection.extend();
    question.value = "state=approved";
    await nextTick();
    expect([ids(), selection.whole.value]).toEqual([[], false]);
  });
});

describe("following a job", () => {
  const states: Partial<Job>[] = [];
  let scope: EffectScope = effectScope();
  const follow = (ended: (job: Job | null) => void) => scope.run(() => useJob(ended, "kept")) as ReturnType<typeof useJob>;
  const asked: string[] = [];
  beforeEach(() => {
    vi.useFakeTimers();
    scope = effectScope();
    sessionStorage.clear();
    states.length = asked.length = 0;
    vi.stubGlobal("fetch", async (path: string) => {
      asked.push(path);
      return Response.json({ id: "j1", kind: "batch", done: 0, total: 4, ...states.shift() });
    });
  });
  afterEach(() => {
    scope.stop();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("asks until it has ended, remembers it meanwhile, and tells the end once", async () => {
    states.push({ state: "queued" }, { state: "running", done: 2 }, { state: "done", done: 4, result: { done: 3, errors: [{ name: "PO-1", message: "不行" }] } });
    const ended = vi.fn();
    const { job, running, share, watch } = follow(ended);
    void watch("j1");
    await vi.advanceTimersByTimeAsync(0);
    expect([job.value?.state, running.value, sessionStorage.getItem("kept")]).toEqual(["queued", true, "j1"]);
    await vi.advanceTimersByTimeAsync(700);
    expect(share.value).toBe(0.5);
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toEqual(["/api/jobs/j1", "/api/jobs/j1", "/api/jobs/j1"]);
    expect([job.value?.state, running.value, sessionStorage.getItem("kept")]).toEqual(["done", false, null]);
    expect(ended).toHaveBeenCalledOnce();
  });

  it("is found again after a reload, and only then", async () => {
    follow(vi.fn());
    await vi.advanceTimersByTimeAsync(10);
    expect(asked).toEqual([]);
    sessionStorage.setItem("kept", "j1");
    states.push({ state: "cancelled", done: 2, result: { done: 2, errors: [] } });
    const fresh = follow(vi.fn());
    await vi.advanceTimersByTimeAsync(10);
    expect(fresh.job.value?.state).toBe("cancelled");
  });
});
